package voucher

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"billingcentre/shared/crockford"
	"billingcentre/shared/ledger"
	"billingcentre/shared/money"
	"billingcentre/shared/refusal"
)

func TestCodesAreKeptSealed(t *testing.T) {
	w := newWorld(t)
	var written bytes.Buffer
	w.store.before = func(documents []ledger.Document) error {
		for _, d := range documents {
			fmt.Fprintf(&written, "%s %s\n", d.Key, d.Body)
		}
		return nil
	}
	_, codes := w.issue(t, 3)
	for _, code := range codes {
		if bytes.Contains(written.Bytes(), []byte(code)) || bytes.Contains(written.Bytes(), []byte(code.String())) {
			t.Errorf("code %s is in the database", code)
		}
	}
}

func TestIssueIsAnsweredWithCodesOnce(t *testing.T) {
	w := newWorld(t)
	batch, codes := w.issue(t, 250)
	if len(codes) != 250 || batch.Count != 250 {
		t.Fatalf("%d codes, batch %+v", len(codes), batch)
	}
	again, none, err := w.Issue(t.Context(), order(250))
	if err != nil || none != nil || !cmp.Equal(batch, again, cmp.AllowUnexported(money.Amount{})) {
		t.Errorf("again: %+v, %d codes, %v", again, len(none), err)
	}
	if _, _, err := w.Issue(t.Context(), order(251)); !refusal.Is(err, refusal.KeyReused) {
		t.Errorf("other content: %v", err)
	}
}

func TestIssueSurvivesLostAnswers(t *testing.T) {
	lost, late := ledger.ErrUnknown, ledger.ErrThrottled
	for _, row := range []struct {
		name          string
		before, after func([]ledger.Document) error
	}{
		{"codes not written", once(2, lost), nil},
		{"codes written, answer lost", nil, once(2, lost)},
		{"codes throttled", once(3, late), nil},
		{"batch not written", once(4, lost), nil},
		{"batch written, answer lost", nil, once(4, lost)},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := newWorld(t, "acme")
			w.store.before, w.store.after = row.before, row.after
			_, codes := w.issue(t, 250)
			if _, err := w.enter("acme", codes[249], "k"); err != nil {
				t.Errorf("the last code: %v", err)
			}
		})
	}
}

func TestABrokenIssueLeavesNoUsableCode(t *testing.T) {
	w := newWorld(t, "acme")
	var left []ledger.Document
	w.store.before = func(documents []ledger.Document) error {
		left = append(left, documents...)
		if len(left) > 200 {
			return errors.New("the function died")
		}
		return nil
	}
	if _, _, err := w.Issue(t.Context(), order(250)); err == nil {
		t.Fatal("the issue didn't break off")
	}
	w.store.before = nil
	w.issue(t, 250) // the operator asks again: the same batch, other codes
	code := Code("0000000000000000000")
	code += Code(crockford.Check(string(code)))
	orphan := left[0] // nobody knows its code; suppose that somebody did
	orphan.Key = w.codeKey(code)
	if err := w.store.Put(t.Context(), orphan); err != nil {
		t.Fatal(err)
	}
	if _, err := w.enter("acme", code, "k"); !errors.Is(err, errNo) {
		t.Errorf("a code of the broken issue: %v", err)
	}
}
