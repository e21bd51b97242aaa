package api_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"billingcentre/shared/api"
	"billingcentre/shared/refusal"
)

// order is what the documents of these tests are read into.
type order struct {
	Amount string   `json:"amount"`
	Count  int      `json:"count"`
	Cards  []string `json:"cards"`
	Cloud  *struct {
		Provider string `json:"provider"`
		Linked   bool   `json:"linked"`
	} `json:"cloud"`
}

func TestStrictJSON(t *testing.T) {
	for _, row := range []struct {
		rule, body string
		pointer    string // of the one bad field, in a document that is refused
		says       string // a part of its rule; "" for a document that is taken
	}{
		{"what is known", `{"amount":"7","count":1,"cards":["a"],"cloud":{"provider":"aws","linked":true}}`, "", ""},
		{"nothing of it is required here", `{}`, "", ""},
		{"space around it", strings.Repeat(" \r\n\t", 100) + `{"amount":"7"}` + "\n", "", ""},
		{"an escaped name is the same name", `{"\u0061mount":"7"}`, "", ""},
		{"a pair of surrogates is a character", `{"amount":"\ud83d\ude00"}`, "", ""},

		{"H33 another case", `{"AMOUNT":"7"}`, "/AMOUNT", "not a known field"},
		{"H33 a letter that folds to s", `{"card\u017f":[]}`, "/cardſ", "not a known field"},
		{"H34 a member that isn't for clients", `{"amount":"7","balance":1e9}`, "/balance", "not a known field"},
		{"H34 a status", `{"amount":"7","status":"PAID"}`, "/status", "not a known field"},
		{"H34 deeper down", `{"cloud":{"provider":"aws","secret":1}}`, "/cloud/secret", "not a known field"},
		{"twice", `{"amount":"7","amount":"8"}`, "/amount", "once"},
		{"twice the same", `{"amount":"7","amount":"7"}`, "/amount", "once"},
		{"twice, once escaped", `{"amount":"7","\u0061mount":"8"}`, "/amount", "once"},
		{"twice, deeper down", `{"cloud":{"linked":true,"linked":false}}`, "/cloud/linked", "once"},
		{"H36 two documents", `{"amount":"7"}{"amount":"8"}`, "", "one valid JSON document"},
		{"H36 on two lines", "{}\n{}", "", "one valid JSON document"},
		{"a word behind it", `{} x`, "", "one valid JSON document"},
		{"H37 a byte order mark", "\ufeff{}", "", "byte order mark"},
		{"UTF-16", "\xff\xfe{\x00}\x00", "", "byte order mark"},
		{"H42 a byte that isn't UTF-8", "{\"amount\":\"\xff\"}", "/amount", "UTF-8"},
		{"H42 in a name", "{\"\xff\":1}", "", "UTF-8"},
		{"an overlong slash", "{\"amount\":\"\xc0\xaf\"}", "/amount", "UTF-8"},
		{"a surrogate as bytes", "{\"amount\":\"\xed\xa0\x80\"}", "/amount", "UTF-8"},
		{"H43 half a pair", `{"amount":"\ud800"}`, "/amount", "UTF-8"},
		{"H43 the other half", `{"amount":"\udc00"}`, "/amount", "UTF-8"},
		{"H43 a pair the wrong way round", `{"amount":"\udc00\ud800"}`, "/amount", "UTF-8"},
		{"H45 null", `null`, "", "JSON object"},
		{"H45 an array", `[]`, "", "JSON object"},
		{"a string", `"{}"`, "", "JSON object"},
		{"a number", `1`, "", "JSON object"},
		{"nothing", ``, "", "is required"},
		{"space", " \n ", "", "is required"},
		{"XML", `<?xml version="1.0"?><a/>`, "", "JSON object"},
		{"cut", `{"amount":"7`, "/amount", "one valid JSON document"},
		{"a comma too many", `{"amount":"7",}`, "", "one valid JSON document"},
		{"single quotes", `{'amount':'7'}`, "", "one valid JSON document"},
		{"no quotes", `{amount:7}`, "", "one valid JSON document"},
		{"a comment", `{/**/}`, "", "one valid JSON document"},
		{"NaN", `{"count":NaN}`, "/count", "one valid JSON document"},
		{"a line break within a string", "{\"amount\":\"a\nb\"}", "/amount", "one valid JSON document"},

		{"a number for a string", `{"amount":7}`, "/amount", "a string"},
		{"H21 an array for a string", `{"amount":["7"]}`, "/amount", "a string"},
		{"H22 an object for a string", `{"amount":{"v":"7"}}`, "/amount", "a string"},
		{"a string for a number", `{"count":"1"}`, "/count", "a whole number"},
		{"a fraction", `{"count":1.5}`, "/count", "a whole number"},
		{"an exponent", `{"count":1e2}`, "/count", "a whole number"},
		{"H25 more than an int64", `{"count":9223372036854775808}`, "/count", "a whole number"},
		{"a string for an array", `{"cards":"a"}`, "/cards", "an array"},
		{"one wrong element", `{"cards":["a",1]}`, "/cards/1", "a string"},
		{"an array for an object", `{"cloud":[]}`, "/cloud", "an object"},
		{"a number for a truth", `{"cloud":{"linked":1}}`, "/cloud/linked", "true or false"},
	} {
		t.Run(row.rule, func(t *testing.T) {
			err := api.Strict([]byte(row.body), new(order))
			if row.says == "" {
				if err != nil {
					t.Fatalf("%s is refused: %v", row.body, err)
				}
				return
			}
			r := refusal.As(err)
			if r == nil || r.Kind != refusal.Invalid || len(r.Fields) != 1 {
				t.Fatalf("%s: %v", row.body, err)
			}
			if field := r.Fields[0]; field.Pointer != row.pointer || !strings.Contains(field.Rule, row.says) {
				t.Errorf("%s: %q %s, want %q ... %s", row.body, field.Pointer, field.Rule, row.pointer, row.says)
			}
		})
	}
}

// A document that is made to be expensive is refused, and the refusal isn't as large as the document.
func TestStrictJSONOfMonsters(t *testing.T) {
	var keys strings.Builder
	for i := range 100_000 {
		fmt.Fprintf(&keys, `"k%d":0,`, i)
	}
	for rule, body := range map[string]string{
		"H39 100,000 keys":            "{" + keys.String() + `"amount":"7"}`,
		"100,000 keys of no use":      `{"amount":"7","cloud":{` + keys.String() + `"provider":"aws"}}`,
		"Q9 10,001 arrays":            `{"cards":` + strings.Repeat("[", 10_001) + strings.Repeat("]", 10_001) + "}",
		"10,001 objects":              strings.Repeat(`{"cloud":`, 10_001) + "1" + strings.Repeat("}", 10_001),
		"200,000 brackets, unclosed":  `{"cards":` + strings.Repeat("[", 200_000),
		"a name of 200 KB":            `{"` + strings.Repeat("é", 100_000) + `":1}`,
		"a megabyte that isn't UTF-8": `{"amount":"` + strings.Repeat("\xff", 1<<20) + `"}`,
	} {
		t.Run(rule, func(t *testing.T) {
			err := api.Strict([]byte(body), new(order))
			if !refusal.Is(err, refusal.Invalid) {
				t.Fatalf("answered %.200v", err)
			}
			if told := err.Error(); len(told) > 1_000 {
				t.Errorf("the refusal has %d bytes: %.200s", len(told), told)
			}
		})
	}
}

// Whatever is taken is one JSON object, says the same when it is written again, and is taken then.
func FuzzStrict(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"amount":"7","count":1,"cards":["a"],"cloud":{"provider":"aws","linked":true}}`, `{"amount":"7","amount":"8"}`, `{"AMOUNT":"7"}`,
		`{}{}`, "\ufeff{}", `{"amount":"\ud800"}`, "{\"amount\":\"\xff\"}", `null`, `[]`, ` {"cards":[[[[`, `{"count":-0}`, `{"\u0061mount":"7"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var first, second order
		if err := api.Strict(body, &first); err != nil {
			if r := refusal.As(err); r == nil || r.Kind != refusal.Invalid || len(r.Fields) != 1 || len(err.Error()) > 1_000 {
				t.Fatalf("%q: %v", body, err)
			}
			return
		}
		written, err := json.Marshal(first)
		if err != nil {
			t.Fatalf("%q can't be written again: %v", body, err)
		}
		if err := api.Strict(written, &second); err != nil {
			t.Fatalf("%q became %q, which is refused: %v", body, written, err)
		}
		again, err := json.Marshal(second)
		if err != nil || string(again) != string(written) {
			t.Fatalf("%q became %q and then %q: %v", body, written, again, err)
		}
	})
}
