package api_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"billingcentre/shared/api"
	"billingcentre/shared/refusal"
)

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

func TestACursorIsGoodForItsOwnListOnly(t *testing.T) {
	cursors := api.Cursors{Key: []byte("key")}
	const list, position = "entries#acme", "2026-11-01T02:00:00.000Z 178"
	cursor := cursors.Encode(list, position)
	if got, err := cursors.Decode(list, cursor); err != nil || got != position {
		t.Fatalf("its own list: %q, %v", got, err)
	}
	raw, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil {
		t.Fatal(err)
	}
	last := strings.IndexByte(alphabet, cursor[len(cursor)-1])
	for rule, try := range map[string]struct {
		cursors      api.Cursors
		list, cursor string
	}{
		"H69 of another account":      {cursors, "entries#bolt", cursor},
		"H69 of another list":         {cursors, "bills#acme", cursor},
		"of no list":                  {cursors, "", cursor},
		"under another key":           {api.Cursors{Key: []byte("other")}, list, cursor},
		"a bare position":             {cursors, list, position},
		"an unsigned position":        {cursors, list, base64.RawURLEncoding.EncodeToString([]byte(position))},
		"a tag without a position":    {cursors, list, base64.RawURLEncoding.EncodeToString(raw[:12])},
		"a tag with another position": {cursors, list, base64.RawURLEncoding.EncodeToString(append(raw[:12:12], "1"...))},
		"something behind it":         {cursors, list, cursor + "AA"},
		"padded":                      {cursors, list, cursor + "="},
		"a line break within":         {cursors, list, cursor[:8] + "\n" + cursor[8:]},
		"another base64":              {cursors, list, base64.StdEncoding.EncodeToString(raw)},
		"the same value, respelt":     {cursors, list, cursor[:len(cursor)-1] + alphabet[last^1:][:1]},
		"not base64":                  {cursors, list, "%%%"},
		"a list that runs on into it": {cursors, "entries#acme\x002", cursors.Encode("entries#acme", "2\x002")},
		"a megabyte":                  {cursors, list, strings.Repeat("A", 1<<20)},
	} {
		t.Run(rule, func(t *testing.T) {
			if got, err := try.cursors.Decode(try.list, try.cursor); !refusal.Is(err, refusal.Invalid) || got != "" {
				t.Errorf("position %q, %v", got, err)
			}
		})
	}
}

func TestNoEditOfACursorIsTaken(t *testing.T) { // H69
	cursors := api.Cursors{Key: []byte("key")}
	cursor := cursors.Encode("entries#acme", "17")
	for i := range cursor {
		for _, c := range []byte(alphabet) {
			edited := []byte(cursor)
			if edited[i] = c; string(edited) == cursor {
				continue
			}
			if got, err := cursors.Decode("entries#acme", string(edited)); err == nil {
				t.Fatalf("%s (for %s) is position %q", edited, cursor, got)
			}
		}
	}
}

func TestTheEndOfAListHasNoCursor(t *testing.T) {
	cursors := api.Cursors{Key: []byte("key")}
	if got := cursors.Encode("entries#acme", ""); got != "" {
		t.Errorf("the end has the cursor %q", got)
	}
	if got, err := cursors.Decode("entries#acme", ""); err != nil || got != "" {
		t.Errorf("no cursor is position %q, %v", got, err)
	}
}

// A cursor that is taken is one that was given, to the letter.
func FuzzCursors(f *testing.F) {
	cursors := api.Cursors{Key: []byte("key")}
	for _, position := range []string{"17", "2026-11-01T02:00:00.000Z ws-7", "\x00", "ä"} {
		f.Add("entries#acme", cursors.Encode("entries#acme", position))
		f.Add("entries#acme", position)
	}
	f.Fuzz(func(t *testing.T, list, text string) {
		position, err := cursors.Decode(list, text)
		if err == nil && cursors.Encode(list, position) != text {
			t.Fatalf("%q of %q is position %q, whose cursor is another", text, list, position)
		}
		if err != nil && !refusal.Is(err, refusal.Invalid) {
			t.Fatal(err)
		}
		if text == "" {
			return
		}
		if got, err := cursors.Decode(list, cursors.Encode(list, text)); err != nil || got != text {
			t.Fatalf("position %q came back as %q, %v", text, got, err)
		}
	})
}
