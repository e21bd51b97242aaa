package journal_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"billingcentre/infra/local/journal"
)

type line struct {
	Number int    `json:"number"`
	Text   string `json:"text,omitempty"`
}

func TestALineIsThereAfterARestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "lines.jsonl")
	long := strings.Repeat("long ", 1<<15)
	for run, want := range [][]line{nil, {{1, ""}, {2, long}}, {{2, long}, {1, ""}, {2, long}}} {
		lines, err := journal.Read[line](path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, lines); diff != "" {
			t.Errorf("run %d: %s", run, diff)
		}
		j, err := journal.Open(path, lines[min(1, len(lines)):]) // the first isn't needed any more
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range []line{{1, ""}, {2, long}} {
			if err := j.Write(l); err != nil {
				t.Fatal(err)
			}
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		if err := j.Write(line{3, ""}); err == nil {
			t.Error("a closed journal takes a line")
		}
	}
}

func TestWhatACrashLeaves(t *testing.T) {
	for _, row := range []struct {
		rule, text string
		want       []line
		fails      string
	}{
		{"whole lines", "{\"number\":1}\n{\"number\":2}\n", []line{{1, ""}, {2, ""}}, ""},
		{"a last line that was cut off is left out", "{\"number\":1}\n{\"numb", []line{{1, ""}}, ""},
		{"nothing", "", nil, ""},
		{"a line within that was cut off is no crash", "{\"number\":1}\n{\"numb\n{\"number\":3}\n", nil, "line 2"},
	} {
		t.Run(row.rule, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "lines.jsonl")
			if err := os.WriteFile(path, []byte(row.text), 0o600); err != nil {
				t.Fatal(err)
			}
			lines, err := journal.Read[line](path)
			if (err != nil) != (row.fails != "") || err != nil && !strings.Contains(err.Error(), row.fails) {
				t.Errorf("error %v, want %q", err, row.fails)
			}
			if diff := cmp.Diff(row.want, lines); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestWithoutAPathNothingIsKept(t *testing.T) {
	if lines, err := journal.Read[line](""); lines != nil || err != nil {
		t.Errorf("%v, %v", lines, err)
	}
	j, err := journal.Open[line]("", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Write(line{1, ""}); err != nil {
		t.Error(err)
	}
	if err := j.Close(); err != nil {
		t.Error(err)
	}
}
