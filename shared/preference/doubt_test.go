package preference_test

import (
	"context"
	"testing"

	"billingcentre/shared/ledger"
	"billingcentre/shared/ledger/memory"
	"billingcentre/shared/mail"
	"billingcentre/shared/preference"
	"billingcentre/shared/refusal"
)

// hasty is a store in which something is written just before the next write.
type hasty struct {
	*memory.Store
	before func()
	answer error // instead of the write's own
}

func (h *hasty) Put(ctx context.Context, documents ...ledger.Document) error {
	if before := h.before; before != nil {
		h.before = nil
		before()
	}
	if err := h.Store.Put(ctx, documents...); err != nil || h.answer == nil {
		return err
	}
	return h.answer
}

// A form that is sent twice at once is one change, whichever of the two is written, and so is one whose write isn't
// answered. Another's change is still a conflict.
func TestTwinsAreOneChange(t *testing.T) {
	mine := preference.Preferences{Account: "acme", Language: mail.Chinese, LowBalance: "100.00"}
	other := mine
	other.Language = mail.English
	for name, row := range map[string]struct {
		before   *preference.Preferences
		answer   error
		conflict bool
	}{
		"a twin":          {before: &mine},
		"somebody else":   {before: &other, conflict: true},
		"no answer to it": {answer: ledger.ErrUnknown},
	} {
		store := &hasty{Store: new(memory.Store), answer: row.answer}
		if row.before != nil {
			store.before = func() {
				if _, err := preference.Save(t.Context(), store, *row.before, "olga", noon); err != nil {
					t.Fatal(err)
				}
			}
		}
		kept, err := preference.Save(t.Context(), store, mine, "pat", noon)
		if refusal.Is(err, refusal.Conflict) != row.conflict || !row.conflict && (err != nil || kept.Version != 1 || kept.Language != mail.Chinese) {
			t.Errorf("%s: %+v, %v", name, kept, err)
		}
	}
}
