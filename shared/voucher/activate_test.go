package voucher

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"billingcentre/shared/money"
	"billingcentre/shared/refusal"
	"billingcentre/shared/wallet"
)

func TestActivation(t *testing.T) {
	w := newWorld(t, "acme", "zen")
	batch, codes := w.issue(t, 3)
	first, err := w.enter("acme", codes[0], "k1")
	if err != nil {
		t.Fatal(err)
	}
	lot := first.Entry.Lots[0]
	if lot.Kind != wallet.Discount || lot.Source != wallet.FromCode || lot.Face != money.Units(money.CNY, 50) ||
		lot.MinBill != money.Units(money.CNY, 10) || !lot.ExpiresAt.Equal(start.AddDate(0, 0, 30)) || first.Entry.Reference != batch.ID+"/1" {
		t.Errorf("voucher %+v of %s", lot, first.Entry.Reference)
	}
	for _, row := range []struct {
		rule    string
		account wallet.AccountID
		code    Code
		once    string
		want    error
		kind    refusal.Kind
	}{
		{rule: "the same request again", account: "acme", code: codes[0], once: "k1"},
		{rule: "an own used code answers as the first time", account: "acme", code: codes[0], once: "k2"},
		{rule: "somebody else's used code", account: "zen", code: codes[0], once: "k1", want: errNo},
		{rule: "an unknown code", account: "zen", code: newCode(nil), once: "k1", want: errNo},
		{rule: "another code under the same key", account: "acme", code: codes[1], once: "k1", kind: refusal.KeyReused},
	} {
		t.Run(row.rule, func(t *testing.T) {
			again, err := w.enter(row.account, row.code, row.once)
			switch {
			case row.kind != "":
				if !refusal.Is(err, row.kind) {
					t.Errorf("got %v, want %s", err, row.kind)
				}
			case row.want != nil:
				if !errors.Is(err, row.want) {
					t.Errorf("got %v, want %v", err, row.want)
				}
			case err != nil || !again.Repeated || again.Entry.Hash() != first.Entry.Hash():
				t.Errorf("got %+v, %v", again, err)
			}
		})
	}
	t.Run("an expired code", func(t *testing.T) { // H81
		w.pass(29 * 24 * time.Hour)
		if _, err := w.enter("acme", codes[1], "k3"); err != nil {
			t.Errorf("1 day before its end: %v", err)
		}
		w.pass(start.AddDate(0, 1, 0).Sub(w.Now()))
		if _, err := w.enter("acme", codes[2], "k4"); !errors.Is(err, errNo) {
			t.Errorf("at its end: %v", err)
		}
	})
}

func TestWrongGuessesAreLimited(t *testing.T) { // H82
	w := newWorld(t, "acme", "zen")
	_, codes := w.issue(t, 2)
	for i := range 5 {
		if _, err := w.enter("acme", newCode(nil), "k"); !errors.Is(err, errNo) {
			t.Fatalf("guess %d: %v", i, err)
		}
		w.pass(time.Minute)
	}
	_, err := w.enter("acme", codes[0], "k")
	if r := refusal.As(err); r == nil || r.Kind != refusal.TooMany || r.RetryAfter != 10*60 {
		t.Errorf("a code after 5 wrong guesses: %+v", err)
	}
	if _, err := w.enter("zen", codes[1], "k"); err != nil {
		t.Errorf("another account: %v", err)
	}
	w.pass(10 * time.Minute)
	if _, err := w.enter("acme", codes[0], "k"); err != nil {
		t.Errorf("15 minutes after the first guess: %v", err)
	}
	if got := strings.Count(w.metrics.String(), `"Reason":"code"`); got != 5 {
		t.Errorf("%d wrong guesses are counted in\n%s", got, w.metrics)
	}
}

func TestGuessesAtOnceAreLimitedToo(t *testing.T) {
	w := newWorld(t, "acme")
	var refused, limited atomic.Int64
	together(100, func(i int) {
		switch _, err := w.enter("acme", newCode(nil), fmt.Sprint(i)); {
		case errors.Is(err, errNo):
			refused.Add(1)
		case refusal.Is(err, refusal.TooMany):
			limited.Add(1)
		default:
			t.Errorf("guess %d: %v", i, err)
		}
	})
	if refused.Load() != 5 || limited.Load() != 95 {
		t.Errorf("%d are told that the code is wrong, %d hear of the limit", refused.Load(), limited.Load())
	}
}

func TestOneCodeTwoAccountsAtOnce(t *testing.T) { // failures A8
	w := newWorld(t, "acme", "zen")
	_, codes := w.issue(t, 20)
	for _, code := range codes {
		var won atomic.Int64
		together(2, func(i int) {
			account := []wallet.AccountID{"acme", "zen"}[i]
			switch _, err := w.enter(account, code, string(code)); {
			case err == nil:
				won.Add(1)
			case !errors.Is(err, errNo) && !refusal.Is(err, refusal.TooMany):
				t.Errorf("%s: %v", account, err)
			}
		})
		if won.Load() != 1 {
			t.Fatalf("%d accounts have the voucher", won.Load())
		}
		w.pass(window)
	}
}

func TestSameKeyFiftyTimesAtOnce(t *testing.T) { // H52
	w := newWorld(t, "acme")
	_, codes := w.issue(t, 1)
	var firsts atomic.Int64
	together(50, func(int) {
		receipt, err := w.enter("acme", codes[0], "k")
		if err != nil || receipt.Entry.Number != 2 {
			t.Errorf("entry %d, %v", receipt.Entry.Number, err)
		}
		if !receipt.Repeated {
			firsts.Add(1)
		}
	})
	if firsts.Load() != 1 {
		t.Errorf("%d were the first", firsts.Load())
	}
}
