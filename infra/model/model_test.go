package model

import (
	"flag"
	"fmt"
	"testing"
)

// whole is three bills, one of which may be delivered once more, everywhere: a minute for every design, and gigabytes.
var whole = flag.Bool("whole", false, "search everything that README.md tells")

var designs = map[string]Design{
	"transactions":            {Transactional: true},
	"lines in the head":       {},
	"lines by period in head": {Paged: true},
}

// size is how much is searched.
type size struct {
	bills           int
	faults, repeats uint8
}

func TestEveryDesignHolds(t *testing.T) {
	for name, design := range designs {
		sizes := []size{{bills: 2, faults: 1, repeats: 1}, {bills: 3}}
		switch {
		case *whole:
			sizes = []size{{bills: 3, faults: 1, repeats: 1}}
		case design.Transactional: // which has fewer states
			sizes = []size{{bills: 3, faults: 1}, {bills: 3, repeats: 1}}
		}
		for _, size := range sizes {
			t.Run(fmt.Sprintf("%s/%d bills, %d faults, %d repeats", name, size.bills, size.faults, size.repeats), func(t *testing.T) {
				result := design.Search(size.bills, size.faults, size.repeats)
				if result.Broken != "" {
					t.Error(result.Broken)
				}
				t.Logf("%d states, %d steps", result.States, result.Steps)
			})
		}
	}
}

// TestEveryBugIsFound proves the search.
func TestEveryBugIsFound(t *testing.T) {
	for bug, in := range map[Bug][]string{
		NoVersion:     {"transactions", "lines in the head", "lines by period in head"},
		NoEntry:       {"transactions"},
		AckFirst:      {"transactions", "lines in the head", "lines by period in head"},
		AssumeDone:    {"transactions", "lines in the head", "lines by period in head"},
		JournalFirst:  {"lines in the head", "lines by period in head"},
		NoLookup:      {"lines in the head", "lines by period in head"},
		DropUnflushed: {"lines in the head", "lines by period in head"},
		DropOpen:      {"lines by period in head"},
		BlindClear:    {"lines in the head", "lines by period in head"},
	} {
		for _, name := range in {
			t.Run(name+"/"+string(bug), func(t *testing.T) {
				design := designs[name]
				design.Bug = bug
				result := design.Search(2, 1, 1)
				if result.Broken == "" { // some need a bill of either period, and one more
					result = design.Search(3, 0, 1)
				}
				if result.Broken == "" {
					t.Errorf("not found in %d states", result.States)
				}
				t.Logf("%s: found in state %d", result.Broken, result.States)
			})
		}
	}
}
