package voucher

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"billingcentre/shared/ledger"
	"billingcentre/shared/ledger/memory"
	"billingcentre/shared/metric"
	"billingcentre/shared/money"
	"billingcentre/shared/refusal"
	"billingcentre/shared/wallet"
)

var start = time.Date(2026, 11, 2, 3, 0, 0, 0, time.UTC)

// world is a desk over a store of its own, with a clock that the test turns.
type world struct {
	*Desk
	store   *faulty
	clock   atomic.Int64 // milliseconds after start
	metrics *bytes.Buffer
}

func newWorld(t *testing.T, accounts ...wallet.AccountID) *world {
	t.Helper()
	w := &world{store: &faulty{Store: new(memory.Store)}, metrics: new(bytes.Buffer)}
	now := func() time.Time { return start.Add(time.Duration(w.clock.Load()) * time.Millisecond) }
	l := &ledger.Ledger{Store: w.store, Policy: wallet.DefaultPolicy(), Now: now, Wait: func(context.Context, int) error { return nil }}
	w.Desk = &Desk{Ledger: l, Key: []byte("a key of tests"), Metrics: &metric.Metrics{Out: w.metrics, Now: now}, Now: now}
	for _, account := range accounts {
		if _, err := l.Do(t.Context(), account, ledger.Intent{Command: wallet.Open{Account: account, Currency: money.CNY, Zone: "Asia/Shanghai"}}); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

func (w *world) pass(d time.Duration) { w.clock.Add(d.Milliseconds()) }

func (w *world) issue(t *testing.T, count int) (Batch, []Code) {
	t.Helper()
	batch, codes, err := w.Issue(t.Context(), order(count))
	if err != nil || len(codes) != count {
		t.Fatalf("issued %d codes: %v", len(codes), err)
	}
	return batch, codes
}

func order(count int) Order {
	return Order{
		Terms: Terms{Kind: wallet.Discount, Face: money.Units(money.CNY, 50), MinBill: money.Units(money.CNY, 10), ValidDays: 30, ValidUntil: start.AddDate(0, 1, 0), Note: "autumn"},
		Count: count, Once: "issue-1", Actor: "op-1",
	}
}

func (w *world) enter(account wallet.AccountID, code Code, once string) (ledger.Receipt, error) {
	return w.Activate(context.Background(), Activation{Account: account, Code: code, Once: once, Actor: "owner"})
}

// faulty is a store whose writes of documents fail as told.
type faulty struct {
	ledger.Store
	before, after func(documents []ledger.Document) error
}

func (f *faulty) Put(ctx context.Context, documents ...ledger.Document) error {
	if f.before != nil {
		if err := f.before(documents); err != nil {
			return err
		}
	}
	if err := f.Store.Put(ctx, documents...); err != nil {
		return err
	}
	if f.after != nil {
		return f.after(documents)
	}
	return nil
}

// once fails the n-th call with an error.
func once(n int, err error) func([]ledger.Document) error {
	calls := 0
	return func([]ledger.Document) error {
		if calls++; calls == n {
			return err
		}
		return nil
	}
}

func TestCodeIsReadAsPeopleWriteIt(t *testing.T) { // H78
	code := Code("01ABCDEFGHJKMNPQRST")
	code += Code(check(string(code)))
	for name, text := range map[string]string{
		"as shown":        code.String(),
		"lower case":      strings.ToLower(code.String()),
		"no dashes":       string(code),
		"spaces":          strings.ReplaceAll(code.String(), "-", " "),
		"letter o for 0":  "O" + string(code[1:]),
		"letter i for 1":  "0i" + string(code[2:]),
		"letter L for 1":  "oL" + string(code[2:]),
		"dashes anywhere": "-" + string(code[:3]) + "--" + string(code[3:]) + "-",
	} {
		if got, err := ParseCode("/code", text); err != nil || got != code {
			t.Errorf("%s: %q is read as %q, %v", name, text, got, err)
		}
	}
	for name, text := range map[string]string{
		"empty": "", "short": string(code[1:]), "long": string(code) + "0", "a letter u": "U" + string(code[1:]), "full width": "０" + string(code[1:]),
		"3 KB": strings.Repeat("A", 3000), "a dotless i": "0ı" + string(code[2:]), "markup": "<script>",
	} {
		if got, err := ParseCode("/code", text); !refusal.Is(err, refusal.Invalid) {
			t.Errorf("%s: %q is read as %q, %v", name, text, got, err)
		}
	}
}

func TestEveryWrongCharacterIsATypingError(t *testing.T) {
	code := newCode(nil)
	for i := range code {
		for _, c := range alphabet {
			if wrong := string(code[:i]) + string(c) + string(code[i+1:]); wrong != string(code) {
				if _, err := ParseCode("/code", wrong); err == nil {
					t.Errorf("%s passes for %s", wrong, code)
				}
			}
		}
	}
}

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
	code += Code(check(string(code)))
	orphan := left[0] // nobody knows its code; suppose that somebody did
	orphan.Key = w.codeKey(code)
	if err := w.store.Put(t.Context(), orphan); err != nil {
		t.Fatal(err)
	}
	if _, err := w.enter("acme", code, "k"); !errors.Is(err, errNo) {
		t.Errorf("a code of the broken issue: %v", err)
	}
}

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

// together runs n calls that begin at the same moment, and waits for all.
func together(n int, call func(i int)) {
	var wait sync.WaitGroup
	begin := make(chan struct{})
	for i := range n {
		wait.Go(func() {
			<-begin
			call(i)
		})
	}
	close(begin)
	wait.Wait()
}
