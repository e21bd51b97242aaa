package voucher

import (
	"strings"
	"testing"

	"billingcentre/shared/crockford"
	"billingcentre/shared/refusal"
)

func TestCodeIsReadAsPeopleWriteIt(t *testing.T) { // H78
	code := Code("01ABCDEFGHJKMNPQRST")
	code += Code(crockford.Check(string(code)))
	for name, text := range map[string]string{
		"as shown":        code.String(),
		"lower case":      strings.ToLower(code.String()),
		"no dashes":       string(code),
		"spaces":          strings.ReplaceAll(code.String(), "-", " "),
		"letter o for 0":  "O" + string(code[1:]),
		"letter i for 1":  "0i" + string(code[2:]),
		"letter L for 1":  "oL" + string(code[2:]),
		"dashes anywhere": "-" + string(code[:3]) + "--" + string(code[3:]) + "-",
	} {
		if got, err := ParseCode("/code", text); err != nil || got != code {
			t.Errorf("%s: %q is read as %q, %v", name, text, got, err)
		}
	}
	for name, text := range map[string]string{
		"empty": "", "short": string(code[1:]), "long": string(code) + "0", "a letter u": "U" + string(code[1:]), "full width": "０" + string(code[1:]),
		"3 KB": strings.Repeat("A", 3000), "a dotless i": "0ı" + string(code[2:]), "markup": "<script>",
	} {
		if got, err := ParseCode("/code", text); !refusal.Is(err, refusal.Invalid) {
			t.Errorf("%s: %q is read as %q, %v", name, text, got, err)
		}
	}
}

func TestEveryWrongCharacterIsATypingError(t *testing.T) {
	code := newCode(nil)
	for i := range code {
		for _, c := range crockford.Alphabet {
			if wrong := string(code[:i]) + string(c) + string(code[i+1:]); wrong != string(code) {
				if _, err := ParseCode("/code", wrong); err == nil {
					t.Errorf("%s passes for %s", wrong, code)
				}
			}
		}
	}
}
