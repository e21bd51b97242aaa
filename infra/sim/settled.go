package sim

import (
	"cmp"
	"fmt"
	"math/big"
	"slices"

	"billingcentre/shared/money"
	"billingcentre/shared/wallet"
)

// judgeSettled computes once more what a bill costs and who pays for it, from what its producer sent, and in rational
// numbers (README rules M2, 14 to 21).
func (s *Simulation) judgeSettled(before wallet.Head, e wallet.Entry, after wallet.Head) (wrong []string) {
	b := s.sentAs(e)
	if b == nil {
		return []string{"bill: nobody sent one of that content"}
	}
	if b.account != e.Account || e.Settlement.Method != b.settle.Method {
		wrong = append(wrong, fmt.Sprintf("bill: it is %s's by %s", b.account, b.settle.Method))
	}
	if e.Time.Before(b.settle.DayEnd) {
		wrong = append(wrong, fmt.Sprintf("bill: it was settled at %s, before its day ended", e.Time))
	}
	w := waterfall{left: map[wallet.LotID]int64{}, cash: before.Cash.Minor(), arrears: before.Arrears.Minor()}
	for _, lot := range before.Lots {
		w.left[lot.ID] = lot.Remaining.Minor()
	}
	for _, class := range wallet.Classes {
		wrong = append(wrong, s.judgeClass(&w, b, class, before, e, after)...)
	}
	for _, lot := range before.Lots {
		if is, _ := after.Lot(lot.ID); is.Remaining.Minor() != w.left[lot.ID] {
			wrong = append(wrong, fmt.Sprintf("waterfall: lot %s (%s) has %d left, foreseen %d", lot.ID, lot.Kind, is.Remaining.Minor(), w.left[lot.ID]))
		}
	}
	if after.Cash.Minor() != w.cash || after.Arrears.Minor() != w.arrears {
		wrong = append(wrong, fmt.Sprintf("waterfall: cash %s and arrears %s, foreseen %d and %d", after.Cash, after.Arrears, w.cash, w.arrears))
	}
	return wrong
}

// sentAs finds what the producer sent under the entry's fingerprint.
func (s *Simulation) sentAs(e wallet.Entry) *sent {
	for _, b := range s.world.bills {
		if b.bill.ID == e.Settlement.Bill && b.settle.Fingerprint() == e.Fingerprint {
			return b
		}
	}
	return nil
}

// judgeClass is the cost of one class: what is payable, what is carried on, and what the funds give.
func (s *Simulation) judgeClass(w *waterfall, b *sent, class wallet.Class, before wallet.Head, e wallet.Entry, after wallet.Head) (wrong []string) {
	exact, any := new(big.Rat), false
	for _, line := range b.bill.Lines {
		restricted := line.Product == "sms" || line.Product == "dial_testing"
		if restricted == (class == wallet.Restricted) {
			exact.Add(exact, rational(line.Amount))
			any = true
		}
	}
	carried := rational(before.Carried[class])
	if any {
		carried.Add(carried, exact)
	}
	payable := int64(0)
	if any && carried.Sign() > 0 { // round half up
		minor := new(big.Rat).Add(new(big.Rat).Mul(carried, big.NewRat(100, 1)), big.NewRat(1, 2))
		payable = new(big.Int).Div(minor.Num(), minor.Denom()).Int64()
		carried.Sub(carried, big.NewRat(payable, 100))
	}
	if carried.Cmp(rational(after.Carried[class])) != 0 {
		wrong = append(wrong, fmt.Sprintf("cost: %s carries %s, foreseen %s", class, after.Carried[class], carried.FloatString(18)))
	}
	for _, c := range e.Settlement.Classes {
		if c.Class == class && (c.Payable.Minor() != payable || rational(c.Exact).Cmp(exact) != 0) {
			wrong = append(wrong, fmt.Sprintf("cost: %s is payable with %s, foreseen %d", class, c.Payable, payable))
		}
	}
	w.pay(b, class, payable, before, e)
	return wrong
}

func rational(e money.Exact) *big.Rat {
	r, ok := new(big.Rat).SetString(e.String())
	if !ok {
		panic("no number: " + e.String())
	}
	return r
}

// waterfall is what is left in each fund, in minor units.
type waterfall struct {
	left          map[wallet.LotID]int64
	cash, arrears int64
}

// pay takes a class's payable from vouchers, cards, cash and arrears, in the order of README rules 15 and 16.
func (w *waterfall) pay(b *sent, class wallet.Class, payable int64, before wallet.Head, e wallet.Entry) {
	lots := slices.Clone(before.Lots)
	slices.SortFunc(lots, func(a, b wallet.Lot) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), a.ExpiresAt.Compare(b.ExpiresAt), a.GrantedAt.Compare(b.GrantedAt), cmp.Compare(a.ID.String(), b.ID.String()))
	})
	open := payable
	for _, lot := range lots {
		voucher := lot.Kind == wallet.Regular || lot.Kind == wallet.Discount
		gone := lot.ExpiresAt.Before(b.settle.DayEnd) || !e.Time.Before(lot.ExpiresAt.Add(policy().Grace))
		if gone || voucher && class == wallet.Restricted || lot.Kind == wallet.Discount && payable < lot.MinBill.Minor() {
			continue
		}
		part := min(open, w.left[lot.ID])
		w.left[lot.ID] -= part
		open -= part
	}
	if b.settle.Method == wallet.Cloud {
		return
	}
	cash := min(open, w.cash)
	w.cash -= cash
	w.arrears += open - cash
}
