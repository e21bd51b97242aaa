package recharge

import (
	"context"
	"fmt"
	"testing"
	"time"

	"billingcentre/shared/ledger/ledgertest/faults"
	"billingcentre/shared/payment"
	"billingcentre/shared/refusal"
)

func (w *world) wish(o Order, once, amount string) RefundWish {
	return RefundWish{Order: o.ID, Once: once, Amount: amount, Reason: "paid by mistake", Actor: "operator-1"}
}

func (w *world) refund(id string) Refund {
	w.Helper()
	refunds, err := w.desk.Refunds(w.Context(), id)
	if err != nil || len(refunds) == 0 {
		w.Fatalf("no refunds: %v", err)
	}
	return refunds[len(refunds)-1]
}

func TestARefundOfCash(t *testing.T) {
	w := newWorld(t)
	o, _ := w.credited("k", "100.00")
	first, repeated, err := w.desk.Refund(t.Context(), w.wish(o, "r", "30.00"))
	if err != nil || repeated || first.State != RefundPending || w.cash() != "70.00" || w.held() != 30_00 {
		t.Fatalf("%+v, %v, %v; cash %s, held %d", first, repeated, err, w.cash(), w.held())
	}
	if again, repeated, err := w.desk.Refund(t.Context(), w.wish(o, "r", "30.00")); err != nil || !repeated || again.ID != first.ID || w.cash() != "70.00" {
		t.Errorf("the same wish again: %+v, %v, %v", again, repeated, err)
	}
	if _, _, err := w.desk.Refund(t.Context(), w.wish(o, "r", "31.00")); !refusal.Is(err, refusal.KeyReused) {
		t.Errorf("another wish under the key: %v", err)
	}
	if w.provider.sent() != 0 {
		t.Error("the desk itself sent money back")
	}
	w.round()
	if got := w.refund(o.ID); got.State != RefundPaid || w.held() != 0 || w.provider.sent() != 30_00 || w.cash() != "70.00" {
		t.Errorf("%+v; held %d, sent %d, cash %s", got, w.held(), w.provider.sent(), w.cash())
	}
	if _, _, err := w.desk.Refund(t.Context(), w.wish(o, "r2", "70.01")); !refusal.Is(err, refusal.Conflict) {
		t.Errorf("more than was paid: %v", err)
	}
	if _, _, err := w.desk.Refund(t.Context(), w.wish(o, "r3", "70.00")); err != nil {
		t.Error(err)
	}
	if sum := w.until(time.Hour); w.provider.sent() != 100_00 || w.held() != 0 || w.cash() != "0.00" || sum.Refunds != 1 {
		t.Errorf("%+v; held %d, sent %d, cash %s", sum, w.held(), w.provider.sent(), w.cash())
	}
}

func TestARefundThatCantBe(t *testing.T) {
	w := newWorld(t)
	o, _ := w.credited("k", "100.00")
	unpaid := w.order("k2", "5.00")
	for _, row := range []struct {
		says string
		wish RefundWish
		kind refusal.Kind
	}{
		{"of an order that isn't there", RefundWish{Order: "R0", Once: "a", Amount: "1.00", Reason: "x"}, refusal.NotFound},
		{"of an unpaid order", w.wish(unpaid, "b", "5.00"), refusal.Conflict},
		{"of more than was paid", w.wish(o, "c", "100.01"), refusal.Conflict},
		{"of nothing", w.wish(o, "d", "0.00"), refusal.Invalid},
		{"of a broken amount", w.wish(o, "e", "1e2"), refusal.Invalid},
		{"of a payment that nobody made", RefundWish{Order: o.ID, Once: "f", Trade: "T0", Amount: "100.00", Reason: "x"}, refusal.Conflict},
	} {
		if _, _, err := w.desk.Refund(t.Context(), row.wish); !refusal.Is(err, row.kind) {
			t.Errorf("%s: %v", row.says, err)
		}
	}
	if w.cash() != "100.00" || w.held() != 0 || w.provider.sent() != 0 {
		t.Errorf("cash %s, held %d", w.cash(), w.held())
	}
}

func TestARefusedRefundGivesTheCashBackAndCanBeWishedAnew(t *testing.T) {
	w := newWorld(t)
	o, _ := w.credited("k", "100.00")
	w.provider.refuse = true
	if _, _, err := w.desk.Refund(t.Context(), w.wish(o, "r", "100.00")); err != nil {
		t.Fatal(err)
	}
	w.round()
	if got := w.refund(o.ID); got.State != RefundPending || w.held() != 100_00 {
		t.Errorf("one refusal is not enough: an earlier try may be under way: %+v", got)
	}
	w.until(5 * time.Minute)
	if got := w.refund(o.ID); got.State != RefundReleased || w.held() != 0 || w.cash() != "100.00" {
		t.Errorf("%+v; held %d, cash %s", got, w.held(), w.cash())
	}
	w.provider.refuse = false
	if _, _, err := w.desk.Refund(t.Context(), w.wish(o, "r2", "100.00")); err != nil {
		t.Error(err)
	}
	w.until(5 * time.Minute)
	if w.provider.sent() != 100_00 || w.cash() != "0.00" || w.held() != 0 {
		t.Errorf("sent %d, cash %s, held %d", w.provider.sent(), w.cash(), w.held())
	}
}

func TestAPaymentThatFitsNoOrderIsSentBackByAnOperatorAndNeverCredited(t *testing.T) {
	w := newWorld(t)
	o := w.order("k", "100.00")
	trade := w.pay(o) // its notice is still on its way
	wish := w.wish(o, "r", "100.00")
	wish.Trade = trade.Ref
	partly := wish
	partly.Amount = "99.00"
	if _, _, err := w.desk.Refund(t.Context(), partly); !refusal.Is(err, refusal.Invalid) {
		t.Errorf("a part: %v", err)
	}
	if _, _, err := w.desk.Refund(t.Context(), wish); err != nil {
		t.Fatal(err)
	}
	if receipt, err := w.desk.Credit(t.Context(), trade); err != nil || !receipt.Repeated {
		t.Errorf("the notice comes: %+v, %v", receipt, err)
	}
	w.until(3 * time.Hour)
	if w.cash() != "0.00" || w.provider.sent() != 100_00 || w.held() != 0 {
		t.Errorf("cash %s, sent %d", w.cash(), w.provider.sent())
	}
	wish.Once = "r2"
	if _, _, err := w.desk.Refund(t.Context(), wish); !refusal.Is(err, refusal.Conflict) {
		t.Errorf("a second time: %v", err)
	}
}

func TestARefundThatIsNotThroughAfterADayIsTold(t *testing.T) {
	w := newWorld(t)
	o, _ := w.credited("k", "100.00")
	if _, _, err := w.desk.Refund(t.Context(), w.wish(o, "r", "1.00")); err != nil {
		t.Fatal(err)
	}
	w.provider.silent = func(string) answered { return answered{} }
	w.until(26 * time.Hour)
	if w.stuck == 0 || w.held() != 1_00 {
		t.Errorf("told %d times, held %d", w.stuck, w.held())
	}
	w.provider.silent = nil
	w.until(2 * time.Hour)
	if w.held() != 0 || w.provider.sent() != 1_00 {
		t.Errorf("held %d, sent %d", w.held(), w.provider.sent())
	}
}

// T-52: every write of a refund, from the wish to its end, fails in every way, and every call of the provider is lost
// before or after its effect. Never is money sent back without a hold, never is it sent twice, never held for ever.
func TestARefundCrashedAtEveryStep(t *testing.T) {
	for _, refused := range []bool{false, true} {
		for _, kind := range faults.Kinds {
			for at := 1; at <= 8; at++ {
				plan := faults.Write(at, faults.Fault{Kind: kind, After: 2})
				crashed(t, fmt.Sprintf("refused %v, %v at write %d", refused, kind, at), refused, plan, nil)
			}
		}
		for at := 1; at <= 6; at++ {
			for _, fate := range []answered{{false, false}, {true, false}} {
				calls := 0
				crashed(t, fmt.Sprintf("refused %v, %+v at call %d", refused, fate, at), refused, faults.None, func(string) answered {
					if calls++; calls == at {
						return fate
					}
					return well
				})
			}
		}
	}
}

// Twice in a row, and in the worst mixture.
func TestARefundUnderRandomFaults(t *testing.T) {
	for seed := range uint64(60) {
		random := faults.Random(seed, 0.3)
		calls := faults.Random(seed+1000, 0.4)
		crashed(t, fmt.Sprintf("seed %d", seed), seed%3 == 0, random, func(string) answered {
			switch calls(faults.Call{}).Kind {
			case faults.Nothing:
				return well
			case faults.AnswerLost, faults.ServerErrorDone, faults.Late:
				return answered{true, false}
			}
			return answered{}
		})
	}
}

func crashed(t *testing.T, says string, refused bool, plan faults.Plan, silent func(string) answered) {
	t.Helper()
	w := newWorld(t)
	o, _ := w.credited("k", "100.00")
	store := w.store
	healed := false
	broken := faults.Over(store, func(call faults.Call) faults.Fault {
		if healed {
			return faults.Fault{}
		}
		return plan(call)
	})
	w.desk.Ledger.Store = broken
	w.provider.silent, w.provider.refuse = silent, refused
	w.provider.check = func(payment.Refund) {
		if w.held() != 30_00 {
			t.Errorf("%s: money is sent back while %d fen are held", says, w.held())
		}
	}
	for try := 0; ; try++ {
		_, _, err := w.desk.Refund(t.Context(), w.wish(o, "r", "30.00"))
		if err == nil {
			break
		}
		if try == 50 {
			t.Fatalf("%s: never opened: %v", says, err)
		}
	}
	for range 40 { // rounds may fail: the schedule makes another
		w.now = w.now.Add(time.Minute)
		_, _ = w.watchman.Walk(context.Background(), 0)
	}
	healed = true
	w.provider.silent = nil
	broken.Land()
	w.until(3 * time.Hour)
	cash, sent, state := "70.00", int64(30_00), RefundPaid
	if refused {
		cash, sent, state = "100.00", 0, RefundReleased
	}
	if got := w.refund(o.ID); w.held() != 0 || w.cash() != cash || w.provider.sent() != sent || got.State != state {
		t.Errorf("%s: %s, held %d, cash %s, sent %d", says, got.State, w.held(), w.cash(), w.provider.sent())
	}
	if got := w.find(o.ID).Refunded; got != sent {
		t.Errorf("%s: the order says that %d fen went back", says, got)
	}
}
