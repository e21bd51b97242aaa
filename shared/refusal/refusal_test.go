package refusal_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"billingcentre/shared/refusal"
)

type text string

func (t text) String() string { return string(t) }

func TestWhatARefusalSays(t *testing.T) {
	for name, c := range map[string]struct {
		refusal *refusal.Refusal
		want    refusal.Refusal
		says    string
	}{
		"a kind with its sentence": {
			refusal.Of(refusal.Conflict, "The bill %s was reversed before.", "b-1"),
			refusal.Refusal{Kind: refusal.Conflict, Detail: "The bill b-1 was reversed before."},
			"conflict: The bill b-1 was reversed before.",
		},
		"one bad field, by its pointer": {
			refusal.At("/amount", "must be at most %d", 7),
			refusal.Refusal{
				Kind: refusal.Invalid, Detail: "The request breaks the rules of its fields.",
				Fields: []refusal.Field{{Pointer: "/amount", Rule: "must be at most 7"}},
			},
			"invalid: The request breaks the rules of its fields.; /amount must be at most 7",
		},
		"every bad field at once": {
			refusal.Fields(refusal.Field{Pointer: "/a", Rule: "must be there"}, refusal.Field{Pointer: "/b", Rule: "must not"}),
			refusal.Refusal{
				Kind: refusal.Invalid, Detail: "The request breaks the rules of its fields.",
				Fields: []refusal.Field{{Pointer: "/a", Rule: "must be there"}, {Pointer: "/b", Rule: "must not"}},
			},
			"invalid: The request breaks the rules of its fields.; /a must be there; /b must not",
		},
		"how much is missing": {
			refusal.Short(text("100.00"), text("99.99")),
			refusal.Refusal{Kind: refusal.Insufficient, Detail: "100.00 is needed, 99.99 is available.", Needed: "100.00", Available: "99.99"},
			"insufficient_funds: 100.00 is needed, 99.99 is available.",
		},
		"a sentence without arguments is taken as it is": {
			refusal.Of(refusal.NotFound, "There is no such account."),
			refusal.Refusal{Kind: refusal.NotFound, Detail: "There is no such account."},
			"not_found: There is no such account.",
		},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(&c.want, c.refusal); diff != "" {
				t.Errorf("refusal (-want +got):\n%s", diff)
			}
			if got := c.refusal.Error(); got != c.says {
				t.Errorf("says %q, want %q", got, c.says)
			}
		})
	}
}

func TestARefusalIsFoundInsideOtherErrors(t *testing.T) {
	no := refusal.Of(refusal.Expired, "Card X has expired.")
	fault := errors.New("disk on fire")
	for name, c := range map[string]struct {
		err  error
		want *refusal.Refusal
	}{
		"nothing":             {nil, nil},
		"a fault":             {fault, nil},
		"itself":              {no, no},
		"wrapped":             {fmt.Errorf("order: %w", no), no},
		"wrapped twice":       {fmt.Errorf("http: %w", fmt.Errorf("order: %w", no)), no},
		"joined with a fault": {errors.Join(fault, no), no},
	} {
		t.Run(name, func(t *testing.T) {
			if got := refusal.As(c.err); got != c.want {
				t.Errorf("As: %v, want %v", got, c.want)
			}
			if got, want := refusal.Is(c.err, refusal.Expired), c.want != nil; got != want {
				t.Errorf("Is expired: %t, want %t", got, want)
			}
			if refusal.Is(c.err, refusal.Conflict) {
				t.Error("is a conflict, too")
			}
		})
	}
}

// A kind is what tables of statuses are keyed by: two of one spelling would share an answer.
func TestKindsAreTold(t *testing.T) {
	kinds := []refusal.Kind{
		refusal.Invalid, refusal.Unauthenticated, refusal.Forbidden, refusal.NotFound, refusal.Conflict, refusal.KeyReused,
		refusal.Insufficient, refusal.Expired, refusal.NotApplicable, refusal.TooEarly, refusal.TooMany, refusal.Contended,
		refusal.Throttled, refusal.Unavailable,
	}
	seen := map[refusal.Kind]bool{}
	for _, k := range kinds {
		if k == "" || seen[k] {
			t.Errorf("kind %q is empty or told twice", k)
		}
		seen[k] = true
	}
}
