package alipay

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"billingcentre/shared/ledger"
	"billingcentre/shared/payment"
	"billingcentre/shared/proof"
	"billingcentre/shared/recharge"
	"billingcentre/shared/transfer"
)

// morning goes to ten o'clock of the next day in GMT+8, when yesterday's bill is made, and proves what is due.
func (s *soak) morning() []proof.Proof {
	s.Helper()
	at := s.clock.now().In(gmt8)
	s.clock.move(time.Date(at.Year(), at.Month(), at.Day()+1, 10, 0, 0, 0, gmt8).Sub(at))
	s.desk.Ledger.Store = s.store
	auditor := proof.NewAuditor(
		&proof.Book{Store: s.store, Now: s.clock.now},
		proof.Provider{Biller: s.desk.Channel.(payment.Biller), Desk: s.desk},
		proof.Bank{Desk: &transfer.Desk{Ledger: s.desk.Ledger}},
	)
	proofs, err := auditor.Run(s.Context())
	if err != nil {
		s.Fatal(err)
	}
	return proofs
}

// A soak's days, once all is told, fit to the fen: bill, orders, refunds and journal.
func TestTheDaysOfASoakAreProved(t *testing.T) {
	seed := uint64(number("SOAK_SEED", 20261122))
	t.Logf("SOAK_SEED=%d", seed)
	s := newSoak(t, seed)
	for i := range 60 {
		s.order(i)
		if i%4 == 0 {
			s.minute()
		}
	}
	s.calm.Store(true)
	s.settle()
	s.complain()
	s.settle()
	theirs, taken := int64(0), int64(0)
	for _, p := range s.morning() {
		if theirs += p.Theirs.Net(); !p.Balanced() {
			t.Errorf("%s: theirs %+v, ours %+v, %d cases", p.ID, p.Theirs, p.Ours, len(p.Cases))
			for _, id := range p.Cases {
				c, _, err := ledger.Read[proof.Case](t.Context(), s.store, ledger.DocumentKey{Kind: "proof-case", ID: id})
				t.Errorf("%+v, %v", c, err)
			}
		}
	}
	for _, trade := range s.gateway.Trades() {
		if total, _ := minor(trade.TotalAmount); !trade.PaidAt.IsZero() {
			taken += total - trade.sentBack()
		}
	}
	if theirs != taken || taken == 0 {
		t.Errorf("the bills of all days say %d fen, Alipay has taken %d", theirs, taken)
	}
}

// T-50: a bill with a missing, an extra and a changed row. Each is reported, and they explain the difference.
func TestTheProofTellsWhatABillHasNot(t *testing.T) {
	s := newSoak(t, 1)
	s.calm.Store(true)
	var ids []string
	for i := range 3 {
		order, _, err := s.desk.Take(s.Context(), recharge.Wish{Account: account(i), Once: "k", Amount: "10.00"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.gateway.Pay(order.ID); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, order.ID)
	}
	s.gateway.Deliver(s.Context())
	s.gateway.ChangeBills(func(_ string, lines []BillLine) []BillLine {
		if len(lines) == 0 {
			return nil
		}
		lines = slices.DeleteFunc(lines, func(l BillLine) bool { return l.OutTradeNo == ids[0] })
		lines[0].Amount, lines[0].Received = 10_01, 10_01
		return append(lines, BillLine{TradeNo: "2026110122009", OutTradeNo: "nobody", Amount: 5_00, Received: 5_00, At: lines[0].At})
	})
	proofs := s.morning()
	at := slices.IndexFunc(proofs, func(p proof.Proof) bool { return len(p.Cases) > 0 })
	if at < 0 {
		t.Fatal("nothing was found")
	}
	var got []string
	difference := int64(0)
	for _, id := range proofs[at].Cases {
		c, _, err := ledger.Read[proof.Case](t.Context(), s.store, ledger.DocumentKey{Kind: "proof-case", ID: id})
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprintf("%s %d/%d", c.Class, c.Theirs, c.Ours))
		difference += c.Difference()
	}
	slices.Sort(got)
	if diff := cmp.Diff("amount_differs 1001/1000, ours_only 0/1000, theirs_only 500/0", strings.Join(got, ", ")); diff != "" {
		t.Errorf("cases (-want +got):\n%s", diff)
	}
	if p := proofs[at]; p.Difference() != difference || p.Difference() != 25_01-30_00 {
		t.Errorf("the difference is %d, the cases explain %d", p.Difference(), difference)
	}
}
