package mail

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What one language says, the other says too: the same letters, and in each the same blanks as often.
func TestTheLanguagesSayTheSame(t *testing.T) {
	en, zh := catalogues()[English], catalogues()[Chinese]
	want := slices.Sorted(slices.Values(append(slices.Clone(Kinds), frameSection)))
	for language, texts := range catalogues() {
		if diff := cmp.Diff(want, slices.Sorted(maps.Keys(texts))); diff != "" {
			t.Errorf("%s (-kinds +texts):\n%s", language, diff)
		}
	}
	for kind, text := range en {
		if diff := cmp.Diff(text.blanks(), zh[kind].blanks()); diff != "" {
			t.Errorf("%s (-en +zh): %s", kind, diff)
		}
		for _, line := range append(text.lines, zh[kind].lines...) {
			if line.label == "" && strings.Contains(line.text, "|") {
				t.Errorf("%s: %q is a row without a label", kind, line.text)
			}
		}
	}
}

// blanks are those of a section's lines, in order; where subject and title have theirs, languages may differ.
func (s section) blanks() (all [][]string) {
	for _, line := range s.lines {
		names := blank().FindAllString(line.text, -1)
		slices.Sort(names)
		all = append(all, names)
	}
	return all
}

func TestATextThatCannotBeReadIsTold(t *testing.T) {
	for name, text := range map[string]string{
		"a line before any section": "subject: x", "a section twice": "[a]\nsubject: x\n[a]", "two subjects": "[a]\nsubject: x\nsubject: y",
		"an unknown line": "[a]\nlink: https://example.com", "a row without a bar": "[a]\nrow: x", "an empty line of a kind": "[a]\ntext:", "no kind at all": "[a]\nHello",
	} {
		if sections, err := readTexts(text); err == nil {
			t.Errorf("%s: read as %v", name, sections)
		}
	}
}
