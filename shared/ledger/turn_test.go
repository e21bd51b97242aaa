package ledger_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"billingcentre/shared/ledger"
	"billingcentre/shared/ledger/memory"
	"billingcentre/shared/refusal"
)

// fickle answers writes with its errors, one after the other, and then as its store does.
type fickle struct {
	ledger.Store
	answers []error
	lands   bool // what isn't known was written
	puts    int
}

func (s *fickle) Put(ctx context.Context, documents ...ledger.Document) error {
	if s.puts++; len(s.answers) == 0 {
		return s.Store.Put(ctx, documents...)
	}
	err := s.answers[0]
	s.answers = s.answers[1:]
	if s.lands && errors.Is(err, ledger.ErrUnknown) {
		return errors.Join(err, s.Store.Put(ctx, documents...))
	}
	return err
}

func TestATurnIsTriedUntilNobodyIsInTheWay(t *testing.T) {
	broken, no := errors.New("broken"), refusal.Of(refusal.Conflict, "no")
	times := func(n int, err error) (all []error) {
		for range n {
			all = append(all, err)
		}
		return all
	}
	for name, c := range map[string]struct {
		answers []error
		lands   bool
		refuse  error // the second time it is tried
		changed bool
		puts    int
		want    error
	}{
		"nobody is in the way":                   {changed: true, puts: 1},
		"somebody was faster":                    {answers: []error{ledger.ErrStale, ledger.ErrContended, ledger.ErrStale}, changed: true, puts: 4},
		"and then it isn't allowed any more":     {answers: []error{ledger.ErrStale}, refuse: no, puts: 1, want: no},
		"an answer was lost":                     {answers: []error{ledger.ErrUnknown}, lands: true, changed: true, puts: 1},
		"a request was lost":                     {answers: []error{ledger.ErrUnknown}, changed: true, puts: 2},
		"the store is broken":                    {answers: []error{broken}, puts: 1, want: broken},
		"the store asks for patience":            {answers: []error{ledger.ErrThrottled}, puts: 1, want: ledger.ErrThrottled},
		"seven were faster":                      {answers: times(7, ledger.ErrStale), changed: true, puts: 8},
		"somebody is always faster":              {answers: times(8, ledger.ErrStale), puts: 8, want: ledger.ErrContended},
		"the store never answers":                {answers: times(8, ledger.ErrUnknown), puts: 8, want: ledger.ErrUnknown},
		"the store is broken after some trouble": {answers: []error{ledger.ErrStale, broken}, puts: 2, want: broken},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := &fickle{Store: new(memory.Store), answers: c.answers, lands: c.lands}
				key, tries := ledger.DocumentKey{Kind: "lamp", ID: "1"}, 0
				turnOn := func() (string, []ledger.Document, error) {
					if tries++; tries == 2 && c.refuse != nil {
						return "off", nil, c.refuse
					}
					state, document, err := ledger.Read[string](t.Context(), store, key)
					if err == nil {
						return state, nil, nil
					}
					return "on", []ledger.Document{document.With("on")}, nil
				}
				value, changed, err := ledger.Turn(t.Context(), store, turnOn)
				if !errors.Is(err, c.want) || changed != c.changed || store.puts != c.puts || (value == "on") != (c.want == nil) || value == "off" {
					t.Errorf("%q, %t, %v after %d writes", value, changed, err, store.puts)
				}
				if _, again, err := ledger.Turn(t.Context(), store, turnOn); c.want == nil && (again || err != nil) {
					t.Errorf("turned again: %t, %v", again, err)
				}
			})
		})
	}
}

// Whoever goes away while others are in the way gets something that may be asked again.
func TestATurnEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	store := &fickle{Store: new(memory.Store), answers: []error{ledger.ErrStale}}
	_, _, err := ledger.Turn(ctx, store, func() (struct{}, []ledger.Document, error) {
		cancel()
		return struct{}{}, []ledger.Document{{Key: ledger.DocumentKey{Kind: "lamp", ID: "1"}, Body: []byte("{}")}}, nil
	})
	if !errors.Is(err, ledger.ErrContended) || store.puts != 1 {
		t.Errorf("%v after %d writes", err, store.puts)
	}
}
