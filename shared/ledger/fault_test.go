package ledger_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"

	"billingcentre/shared/ledger"
	"billingcentre/shared/ledger/ledgertest"
	"billingcentre/shared/ledger/ledgertest/faults"
	"billingcentre/shared/money"
	"billingcentre/shared/refusal"
	"billingcentre/shared/wallet"
)

// story is a short life of an account; it has writes of every form. Asked to, it insists on every step.
func story(ctx context.Context, store ledger.Store, ask func(*ledger.Ledger, ...ledger.Intent) []ledger.Outcome) (outcomes []ledger.Outcome) {
	l := on(store)
	step := func(intents ...ledger.Intent) { outcomes = append(outcomes, ask(l, intents...)...) }
	step(intents(wallet.Open{Account: "acme", Currency: money.CNY, Zone: "Asia/Shanghai"})...)
	step(intents(ledgertest.Cash("r", 120))...)
	step(entering(store, "acme", "1"))
	step(intents(ledgertest.Bill("a", "13.4"), ledgertest.Bill("b", "0.005"), ledgertest.Bill("a", "13.4"), ledgertest.Bill("c", "7"))...)
	step(intents(wallet.Purchase{Account: "acme", Once: "1", Face: money.Units(money.CNY, 100)})...)
	step(intents(wallet.Purchase{Account: "acme", Once: "2", Face: money.Units(money.CNY, 100)})...) // refused
	step(intents(ledgertest.Bill("d", "200"))...)
	return outcomes
}

// asked runs a batch until no intent has an answer that says "ask again".
func asked(ctx context.Context) func(*ledger.Ledger, ...ledger.Intent) []ledger.Outcome {
	return func(l *ledger.Ledger, intents ...ledger.Intent) (outcomes []ledger.Outcome) {
		for range 50 {
			outcomes = l.DoAll(ctx, "acme", intents)
			again := false
			for _, o := range outcomes {
				again = again || refusal.Is(o.Err, refusal.Contended) || refusal.Is(o.Err, refusal.Throttled) || refusal.Is(o.Err, refusal.Unavailable)
			}
			if !again {
				break
			}
		}
		return outcomes
	}
}

// askedOnce leaves it to the loop alone.
func askedOnce(ctx context.Context) func(*ledger.Ledger, ...ledger.Intent) []ledger.Outcome {
	return func(l *ledger.Ledger, intents ...ledger.Intent) []ledger.Outcome {
		return l.DoAll(ctx, "acme", intents)
	}
}

// told is what a caller learns from outcomes, whether or not it had to be said twice.
func told(outcomes []ledger.Outcome) string {
	var b bytes.Buffer
	for _, o := range outcomes {
		fmt.Fprintf(&b, "%x %v\n", o.Entry.Hash(), o.Err)
	}
	return b.String()
}

// calm is the story without faults, on a store in memory.
func calm(t *testing.T) (want string, head wallet.Head, writes int) {
	t.Helper()
	g := grounds["memory"](t)
	putCode(t, g.store)
	counting := faults.Over(g.store, nil)
	want = told(story(t.Context(), counting, askedOnce(t.Context())))
	head, err := g.store.Head(t.Context(), "acme")
	if err != nil {
		t.Fatal(err)
	}
	_, writes = counting.Calls()
	return want, head, writes
}

func TestEveryWriteOfTheLoopWithEveryFault(t *testing.T) {
	want, head, writes := calm(t)
	var plans []faults.Fault
	for _, kind := range faults.Kinds {
		if kind != faults.Late {
			plans = append(plans, faults.Fault{Kind: kind})
		}
	}
	for after := range 4 { // before the entries are looked up, before the head is read, before and after the next commit
		plans = append(plans, faults.Fault{Kind: faults.Late, After: after + 1})
	}
	for name, make := range grounds {
		for write := range writes {
			for _, fault := range plans {
				t.Run(fmt.Sprintf("%s/write %d/%s/%d", name, write+1, fault.Kind, fault.After), func(t *testing.T) {
					g := make(t)
					putCode(t, g.store)
					faulty, land := g.faulty(faults.Write(write+1, fault))
					if got := told(story(t.Context(), faulty, askedOnce(t.Context()))); got != want {
						t.Errorf("told:\n%swant:\n%s", got, want)
					}
					wantHead(t, g.store, head)
					land()
					wantHead(t, g.store, head)
				})
			}
		}
	}
}

func wantHead(t *testing.T, store ledger.Store, want wallet.Head) {
	t.Helper()
	ledgertest.CheckReplay(t, store, "acme")
	got, err := store.Head(t.Context(), "acme")
	if err != nil || !bytes.Equal(got.Canonical(), want.Canonical()) {
		t.Errorf("head = %+v, %v, want %+v", got, err, want)
	}
}

func TestManyFaultsAtRandom(t *testing.T) {
	want, head, _ := calm(t)
	for name, seeds := range map[string]uint64{"memory": 1000, "dynamo": 10} {
		t.Run(name, func(t *testing.T) {
			if name == "dynamo" && testing.Short() {
				t.Skip("-short: not without DynamoDB Local")
			}
			for seed := range seeds {
				g := grounds[name](t)
				putCode(t, g.store)
				faulty, land := g.faulty(faults.Random(seed, 0.3))
				if got := told(story(t.Context(), faulty, asked(t.Context()))); got != want {
					t.Errorf("seed %d told:\n%swant:\n%s", seed, got, want)
				}
				land()
				wantHead(t, g.store, head)
				if t.Failed() {
					t.Fatalf("seed %d", seed)
				}
			}
		})
	}
}

func TestFaultsAmongRacingWorkers(t *testing.T) {
	for seed := range uint64(30) {
		g := grounds["memory"](t)
		open(t, g.store, "acme", 10)
		faulty, land := g.faulty(faults.Random(seed, 0.2))
		bills := ledgertest.Bills("b", 24, "0.25")
		once(4, func(worker int) {
			asked(t.Context())(on(faulty), intents(bills[6*worker:]...)...)
		})
		land()
		outcomes := on(g.store).DoAll(t.Context(), "acme", intents(bills...))
		must(t, outcomes...)
		if journal := ledgertest.CheckReplay(t, g.store, "acme"); len(journal) != 26 {
			t.Fatalf("seed %d: %d entries", seed, len(journal))
		}
	}
}

func TestAStormIsBounded(t *testing.T) {
	for _, c := range []struct {
		kind faults.Kind
		want refusal.Kind
	}{
		{faults.Conflict, refusal.Contended},
		{faults.Throttled, refusal.Throttled},
		{faults.ThrottledInside, refusal.Throttled},
		{faults.Lost, refusal.Unavailable},
		{faults.ServerError, refusal.Unavailable},
	} {
		t.Run(c.kind.String(), func(t *testing.T) {
			everywhere(t, func(t *testing.T, g ground) {
				open(t, g.store, "acme", 10)
				writes := 0
				faulty, _ := g.faulty(func(call faults.Call) faults.Fault {
					if call.Writes == 0 {
						return faults.Fault{}
					}
					writes++
					return faults.Fault{Kind: c.kind}
				})
				outcomes := on(faulty).DoAll(t.Context(), "acme", intents(ledgertest.Bills("b", 3, "1")...))
				for _, o := range outcomes {
					if !refusal.Is(o.Err, c.want) {
						t.Errorf("told %v, want %s", o.Err, c.want)
					}
				}
				if writes != 12 {
					t.Errorf("it wrote %d times", writes)
				}
				if journal := ledgertest.CheckReplay(t, g.store, "acme"); len(journal) != 2 {
					t.Errorf("%d entries", len(journal))
				}
			})
		})
	}
}

func TestNoPatienceBeyondTheDeadline(t *testing.T) {
	everywhere(t, func(t *testing.T, g ground) {
		open(t, g.store, "acme", 10)
		ctx, cancel := context.WithCancel(t.Context())
		faulty, _ := g.faulty(func(call faults.Call) faults.Fault {
			if call.Writes == 0 {
				return faults.Fault{}
			}
			cancel()
			return faults.Fault{Kind: faults.AnswerLost}
		})
		_, err := patient(faulty).Do(ctx, "acme", ledger.Intent{Command: ledgertest.Bill("b", "1")})
		if !errors.Is(err, ledger.ErrUnknown) {
			t.Errorf("told %v", err)
		}
		// It was written, and the same key tells.
		receipt, err := on(g.store).Do(t.Context(), "acme", ledger.Intent{Command: ledgertest.Bill("b", "1")})
		if err != nil || !receipt.Repeated {
			t.Errorf("asked again: %+v, %v", receipt, err)
		}
		ledgertest.CheckReplay(t, g.store, "acme")
	})
}
