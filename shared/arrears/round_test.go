package arrears

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"testing"
	"time"

	"billingcentre/shared/ledger"
)

// crowd is a list of so many documents, and how often each was visited.
type crowd struct {
	*lab
	mu      sync.Mutex
	visited map[string]int
}

func newCrowd(t *testing.T, many int) *crowd {
	c := &crowd{lab: newLab(t), visited: map[string]int{}}
	for i := range many {
		id := fmt.Sprintf("account-%04d", i)
		d := ledger.Document{Key: ledger.DocumentKey{Kind: "crowd", ID: id}}.With(struct{}{})
		c.must(c.store.Put(t.Context(), d.In("crowd", id)))
	}
	return c
}

func (c *crowd) visit(_ context.Context, d ledger.Document) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.visited[d.Key.ID]++
	return nil
}

// run makes one run, and gives how many documents it visited.
func (c *crowd) run(ctx context.Context, r round) (looked int) {
	c.Helper()
	r.list = "crowd"
	if r.visit == nil {
		r.visit = c.visit
	}
	out, err := c.keeper.rounds(ctx, r)
	if err != nil && out.Failed == 0 {
		c.Fatal(err)
	}
	return out.Looked
}

// A list that is longer than a run's most is visited in turns, whatever fails; a shorter one each time, whole.
func TestALongListIsVisitedInTurns(t *testing.T) {
	failing := func(context.Context, ledger.Document) error { return errors.New("boom") }
	for _, row := range []struct {
		many, most, runs int
	}{{0, 300, 1}, {99, 300, 1}, {100, 300, 1}, {250, 300, 1}, {300, 300, 2}, {301, 300, 2}, {1050, 300, 5}, {1050, 0, 1}} {
		t.Run(fmt.Sprint(row), func(t *testing.T) {
			c := newCrowd(t, row.many)
			for range 3 { // rounds
				clear(c.visited)
				for range row.runs {
					if looked := c.run(t.Context(), round{turns: "t", most: row.most}); row.most > 0 && looked > row.most {
						t.Fatalf("one run visited %d", looked)
					}
				}
				if len(c.visited) != row.many {
					t.Fatalf("%d of %d were visited", len(c.visited), row.many)
				}
			}
			for range row.runs {
				c.run(t.Context(), round{turns: "failing", most: row.most, visit: failing})
			}
		})
	}
}

// A run without time does one page; the next goes on all the same.
func TestARunWithoutTimeLeavesTheRestToTheNext(t *testing.T) {
	c := newCrowd(t, 350)
	c.run(t.Context(), round{turns: "t", most: 200}) // the first two pages
	before := maps.Clone(c.visited)
	short, cancel := context.WithDeadline(t.Context(), time.Now().Add(reserve/2))
	defer cancel()
	if looked := c.run(short, round{turns: "t", most: 200}); looked != 100 {
		t.Errorf("visited %d", looked)
	}
	c.run(t.Context(), round{turns: "t", most: 200})
	c.run(t.Context(), round{turns: "t", most: 200})
	if len(before) != 200 || len(c.visited) != 350 {
		t.Errorf("%d, then %d", len(before), len(c.visited))
	}
}
