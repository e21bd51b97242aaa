package export

import (
	"strings"
	"testing"
)

// What a customer may name something, and what a file may make of it (bad inputs H75).
func TestTextIsNeverAFormula(t *testing.T) {
	for text, want := range map[string]string{
		`=1+1`:                              `'=1+1`,
		`=HYPERLINK("http://evil","click")`: `'=HYPERLINK("http://evil","click")`,
		`+1`:                                `'+1`,
		`-1`:                                `'-1`,
		`-9.40`:                             `'-9.40`,
		`@SUM(A1)`:                          `'@SUM(A1)`,
		"\t=1":                              ` '=1`,
		"\r=1":                              ` '=1`,
		"\n=1":                              ` '=1`,
		"\x00=1":                            ` '=1`,
		`  =1`:                              `  '=1`,
		"\u00a0=1":                          "\u00a0'=1",
		"\u3000＝1":                          "\u3000'＝1",
		`"=1`:                               `"'=1`,
		`'=1`:                               `''=1`,
		`“=1`:                               `“'=1`,
		`「＝1`:                               `「'＝1`,
		"\ufeff=1":                          "\ufeff'=1",
		"\u200b=1":                          "\u200b'=1",
		"\u202e=1":                          "\u202e'=1",
		`＝1`:                                `'＝1`,
		`＋1`:                                `'＋1`,
		`－1`:                                `'－1`,
		`＠SUM`:                              `'＠SUM`,
		`﹦1`:                                `'﹦1`,
		`−1`:                                `'−1`,
		`=cmd|' /C calc'!A0`:                `'=cmd|' /C calc'!A0`,
		`a;=1`:                              `a;'=1`,
		`a,=1`:                              `a,'=1`,
		"a\t=1":                             `a '=1`,
		"a\n=1":                             `a '=1`,
		`a; "-1"`:                           `a; "'-1"`,
		"\xff=1":                            "\ufffd=1",
		// ordinary names come out as they went in
		`logs`:             `logs`,
		`对象存储（标准）`:         `对象存储（标准）`,
		`a-b + c = d @ e`:  `a-b + c = d @ e`,
		`ops@example.com`:  `ops@example.com`,
		`2026-11-01`:       `2026-11-01`,
		`Amazon S3, basic`: `Amazon S3, basic`,
		`0123-4567-89AB`:   `0123-4567-89AB`,
		``:                 ``,
	} {
		if got := inert(text); got != want {
			t.Errorf("%q became %q, not %q", text, got, want)
		}
	}
}

func TestNumbersStayNumbers(t *testing.T) {
	w := NewWriter(Table{Columns: make([]Heading, 1)}, English)
	for text, want := range map[string]string{
		"-9.40": "-9.40", "0": "0", "0.00000080000": "0.00000080000", "-0.05": "-0.05", "123456789012345.123456789012345678": "123456789012345.123456789012345678",
		// what isn't one is text, whatever its column says
		"-": `"'-"`, "--1": `"'--1"`, "-1+1": `"'-1+1"`, "1e5": "1e5", "-1e5": `"'-1e5"`, "=1": `"'=1"`, "-１": `"'-１"`, "+5": `"'+5"`, "": "", ".5": ".5", "-.5": `"'-.5"`, "1.": "1.",
	} {
		if got := strings.TrimSuffix(string(w.Row(nil, Row{Cells: []Cell{Number(text)}})), "\r\n"); got != want {
			t.Errorf("%q became %s, not %s", text, got, want)
		}
	}
}

// FuzzInert: whatever the text, no reader finds a cell that begins a formula, and saying it twice changes nothing that
// matters.
func FuzzInert(f *testing.F) {
	for _, text := range []string{"=1", "a;\t\"＝1", "\u200b-1", "x,@", "一-二", "'=", ";;|=+-@"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := inert(text)
		for cell := range strings.FieldsFuncSeq(got, func(c rune) bool { return strings.ContainsRune(",;|，；｜", c) }) {
			cell = strings.TrimLeftFunc(cell, func(c rune) bool { return c != apostrophe && passedOver(fold(c)) })
			if first := []rune(cell); len(first) > 0 && starts(fold(first[0])) {
				t.Errorf("%q became %q, in which %q begins a cell", text, got, cell)
			}
		}
		if strings.ContainsAny(got, "\r\n\t\x00") {
			t.Errorf("%q became %q", text, got)
		}
		if len(got) > 4*len(text)+1 { // an apostrophe, or U+FFFD for a byte
			t.Errorf("%q became %q", text, got)
		}
	})
}
