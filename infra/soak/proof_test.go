package soak

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	standin "billingcentre/infra/local/alipay"
	"billingcentre/shared/ledger"
	"billingcentre/shared/proof"
)

// T-50: a bill with a missing, an extra and a changed row. Each is reported, and they explain the difference.
func TestTheProofTellsWhatABillHasNot(t *testing.T) {
	s := newSoak(t, 2, 3)
	s.calm.Store(true)
	var ids []string
	sum := int64(0)
	for i := range 3 {
		order, _ := s.take(i)
		s.pay(order.ID)
		ids = append(ids, order.ID)
		sum += s.fen(order.Amount)
	}
	s.gateway.Deliver(s.Context())
	lost, changed := int64(0), int64(0)
	s.gateway.ChangeBills(func(_ string, lines []standin.BillLine) []standin.BillLine {
		if len(lines) == 0 {
			return nil
		}
		gone := slices.IndexFunc(lines, func(l standin.BillLine) bool { return l.OutTradeNo == ids[0] })
		lost = lines[gone].Amount
		lines = slices.Delete(lines, gone, gone+1)
		changed = lines[0].Amount
		lines[0].Amount, lines[0].Received = changed+1, changed+1
		return append(lines, standin.BillLine{TradeNo: "2026110122009", OutTradeNo: "nobody", Amount: 5_00, Received: 5_00, At: lines[0].At})
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
	want := fmt.Sprintf("amount_differs %d/%d, ours_only 0/%d, theirs_only 500/0", changed+1, changed, lost)
	if diff := cmp.Diff(want, strings.Join(got, ", ")); diff != "" {
		t.Errorf("cases (-want +got):\n%s", diff)
	}
	if p := proofs[at]; p.Difference() != difference || p.Difference() != 5_01-lost || p.Ours.In != sum {
		t.Errorf("the difference is %d, the cases explain %d; %+v", p.Difference(), difference, p)
	}
}
