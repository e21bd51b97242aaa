package wallet

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"time"

	"billingcentre/shared/money"
	"billingcentre/shared/refusal"
)

// The tests' day: 2026-11-01 in Shanghai. Bills of it come the next morning.
var (
	dayEnd  = time.Date(2026, time.November, 1, 16, 0, 0, 0, time.UTC)
	morning = dayEnd.Add(3 * time.Hour)
)

const day = 24 * time.Hour

func cny(text string) money.Amount {
	a, err := money.Parse("", text, money.CNY)
	if err != nil {
		panic(err)
	}
	return a
}

func cost(text string) money.Exact {
	e, err := money.ParseExact("", text, money.CNY)
	if err != nil {
		panic(err)
	}
	return e
}

// account is a wallet under test: its head, its journal, its clock and its policy.
type account struct {
	testing.TB
	head    Head
	journal []Entry
	policy  Policy
	now     time.Time
	once    int
}

func open(t testing.TB) *account {
	a := &account{TB: t, policy: DefaultPolicy(), now: morning}
	a.must(Open{Account: "acme", Currency: money.CNY, Zone: "Asia/Shanghai", Name: "Acme", Actor: "root"})
	return a
}

// next is a fresh idempotency key.
func (a *account) next() string {
	a.once++
	return fmt.Sprint(a.once)
}

func (a *account) must(c Command) Entry {
	a.Helper()
	change, err := Decide(a.head, c, a.policy, a.now)
	if err != nil {
		a.Fatalf("%s: %v", c.Key(), err)
	}
	replayed, err := Replay(a.head, change.Entry)
	if err != nil || !bytes.Equal(replayed.Canonical(), change.Head.Canonical()) {
		a.Fatalf("%s: replay gives another head: %v", c.Key(), err)
	}
	a.head, a.journal = change.Head, append(a.journal, change.Entry)
	return change.Entry
}

func (a *account) refused(kind refusal.Kind, c Command) *refusal.Refusal {
	a.Helper()
	before := a.head.Canonical()
	_, err := Decide(a.head, c, a.policy, a.now)
	if !refusal.Is(err, kind) {
		a.Fatalf("%s: got %v, want a refusal of kind %s", c.Key(), err, kind)
	}
	if !bytes.Equal(before, a.head.Canonical()) {
		a.Fatalf("%s: the refusal changed the head", c.Key())
	}
	return refusal.As(err)
}

func (a *account) cash(amount string) Entry {
	a.Helper()
	return a.must(Adjust{Account: a.head.Account, Once: a.next(), Amount: cny(amount), Reason: "test", Actor: "op"})
}

func (a *account) voucher(kind LotKind, face string, validity time.Duration) LotID {
	a.Helper()
	return a.must(a.activation(kind, face, validity)).Lots[0].ID
}

func (a *account) activation(kind LotKind, face string, validity time.Duration) Activate {
	return Activate{
		Account: a.head.Account, Once: a.next(), Kind: kind, Source: FromOperator, Face: cny(face),
		ExpiresAt: a.now.Add(validity), Actor: "op",
	}
}

func (a *account) card(face string, validity time.Duration) LotID {
	a.Helper()
	return a.must(a.allocation(face, validity)).Lots[0].ID
}

func (a *account) allocation(face string, validity time.Duration) Allocate {
	return Allocate{
		Account: a.head.Account, Once: a.next(), Source: FromOperator, Face: cny(face), ExpiresAt: a.now.Add(validity), Reason: "test", Actor: "op",
	}
}

// bill is a bill of the tests' day: products and amounts by turns.
func (a *account) bill(method Method, productsAndAmounts ...string) Settle {
	s := Settle{
		Bill:   Bill{ID: BillID("b" + a.next()), Workspace: "ws-1", Day: "2026-11-01", Currency: money.CNY},
		DayEnd: dayEnd, Method: method,
	}
	if method == Cloud {
		s.Cloud = CloudAccount{Provider: "aws", Customer: "cust-1"}
	}
	for i := 0; i < len(productsAndAmounts); i += 2 {
		s.Bill.Lines = append(s.Bill.Lines, Line{
			Product: productsAndAmounts[i], Usage: "1", Unit: "piece", Amount: cost(productsAndAmounts[i+1]),
		})
	}
	return s
}

func (a *account) settle(productsAndAmounts ...string) Entry {
	a.Helper()
	return a.must(a.bill(BillingCenter, productsAndAmounts...))
}

// reversal undoes a settled bill, with the terms of the lots that the head has dropped, as a caller has to find them.
func (a *account) reversal(settled Entry) Reverse {
	granted := map[LotID]Lot{}
	for _, id := range a.head.Dropped(settled) {
		for _, e := range a.journal {
			for _, lot := range e.Lots {
				if lot.ID == id {
					granted[id] = lot
				}
			}
		}
	}
	return Reverse{Settled: settled, Granted: granted, Once: a.next(), Reason: "test", Actor: "op"}
}

// has checks what the wallet holds: cash, arrears, and what is left in each kind of lot.
func (a *account) has(cash, arrears, regular, discount, card string) {
	a.Helper()
	b := a.head.Balances()
	got := fmt.Sprintf("cash %s, arrears %s, regular %s, discount %s, card %s", b.Cash, b.Arrears, b.Regular, b.Discount, b.Card)
	want := fmt.Sprintf("cash %s, arrears %s, regular %s, discount %s, card %s", cny(cash), cny(arrears), cny(regular), cny(discount), cny(card))
	if got != want {
		a.Fatalf("the wallet has\n\t%s, want\n\t%s", got, want)
	}
}

func (a *account) carries(general, restricted string) {
	a.Helper()
	if got, want := fmt.Sprint(a.head.Carried), fmt.Sprint([2]money.Exact{cost(general), cost(restricted)}); got != want {
		a.Fatalf("carried is %s, want %s", got, want)
	}
}

func (a *account) remaining(id LotID) string {
	lot, _ := a.head.Lot(id)
	if lot.Remaining.Currency() == "" {
		return "0.00"
	}
	return lot.Remaining.String()
}

// postings is a journal's way to say what an entry moved: "cash -> usage 9.40".
func postings(e Entry) []string {
	var said []string
	for _, p := range e.Postings {
		said = append(said, fmt.Sprintf("%s -> %s %s", p.From, p.To, p.Amount))
	}
	return said
}

// caught runs what should panic, and gives what it panicked with.
func caught(do func()) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	do()
	return errors.New("didn't panic")
}
