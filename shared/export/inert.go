package export

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// apostrophe in front of text tells a spreadsheet that it is text.
const apostrophe = '\''

// inert is text that no spreadsheet takes for a formula, whether it splits lines at commas, semicolons or tabs:
//
//   - what begins with = + - @, in any width (＝ ﹦ − …), gets an apostrophe in front, also behind blanks, marks that
//     aren't seen, and quotes, which some readers take away first;
//   - so does what stands behind a separator inside the text, where a reader with another separator begins a cell;
//   - tabs, line breaks and other control characters become blanks, so that a row stays a line.
//
// Ordinary text comes out as it went in. Numbers of ours don't come here: a minus in front of an amount stays a minus.
func inert(text string) string {
	if plain(text) {
		return text
	}
	var out strings.Builder
	begins := true // a cell could begin here
	for _, c := range strings.ToValidUTF8(text, "\ufffd") {
		if unicode.IsControl(c) || c == '\u2028' || c == '\u2029' {
			out.WriteByte(' ')
			begins = begins || c == '\t' || c == '\n' || c == '\r' || c == '\u2028' || c == '\u2029'
			continue
		}
		switch folded := fold(c); {
		case folded == ',' || folded == ';' || folded == '|':
			begins = true
		case begins && starts(folded):
			out.WriteRune(apostrophe)
			begins = false
		case begins && passedOver(folded):
		default:
			begins = false
		}
		out.WriteRune(c)
	}
	return out.String()
}

// plain tells quickly that nothing need be done: most text is letters, digits and the marks of ids.
func plain(text string) bool {
	for i := range len(text) {
		c := text[i]
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !letter && (i == 0 || c >= utf8.RuneSelf || strings.IndexByte(" -_.:/()", c) < 0) {
			return false
		}
	}
	return true
}

// fold is a character without its width: ＝ is =.
func fold(c rune) rune {
	if c < utf8.RuneSelf {
		return c
	}
	first, _ := utf8.DecodeRuneInString(norm.NFKC.String(string(c)))
	return first
}

// starts tells whether a formula can start with a character: the four of every spreadsheet, and what looks like them.
func starts(c rune) bool {
	return strings.ContainsRune("=+-@−‐‑–—➕➖", c)
}

// passedOver tells what may stand in front of a formula: blanks, quotes, and what isn't seen.
func passedOver(c rune) bool {
	return unicode.IsSpace(c) || strings.ContainsRune("\"'`´‘’‚“”„«»‹›「」『』", c) || !unicode.IsPrint(c)
}
