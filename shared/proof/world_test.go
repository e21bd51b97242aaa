package proof

import (
	"context"
	"slices"
	"testing"
	"time"

	"billingcentre/shared/ledger"
	"billingcentre/shared/ledger/memory"
	"billingcentre/shared/money"
	"billingcentre/shared/payment"
	"billingcentre/shared/recharge"
	"billingcentre/shared/transfer"
	"billingcentre/shared/wallet"
)

// provider takes payments, sends money back, and writes both on its bills.
type provider struct {
	payment.Channel
	rows   map[string][]payment.BillRow // by day
	trades map[string]payment.Trade     // by number
	silent bool
	asked  int // for bills
}

func (p *provider) Name() string                 { return "alipay" }
func (p *provider) Currencies() []money.Currency { return []money.Currency{money.CNY} }

func (p *provider) Create(_ context.Context, order payment.Order) (payment.Checkout, error) {
	return payment.Checkout{Content: "https://pay.example.com/" + order.ID, ExpiresAt: order.ExpiresAt}, nil
}

func (p *provider) Refund(context.Context, payment.Refund) (payment.RefundState, error) {
	return payment.RefundDone, nil
}

func (p *provider) QueryRefund(context.Context, payment.Refund) (payment.RefundState, error) {
	return payment.RefundDone, nil
}

func (p *provider) Bill(_ context.Context, day string) ([]payment.BillRow, error) {
	p.asked++
	switch rows := p.rows[day]; {
	case p.silent:
		return nil, payment.ErrUnknownOutcome
	case len(rows) == 0:
		return nil, payment.ErrNoBill
	default:
		return slices.Clone(rows), nil
	}
}

// world is a centre at ten in the morning of 3 November, GMT+8; what happens in it happens the day before.
type world struct {
	*Auditor
	t        *testing.T
	now      time.Time
	store    ledger.Store
	provider *provider
	desk     *recharge.Desk
	bank     *transfer.Desk
	account  wallet.AccountID // that takes the orders
}

const (
	yesterday = "2026-11-02"
	config    = `{"receiver":{"name":"Centre Ltd","bank":"Bank of Examples","number":"1"},
"columns":{"id":"id","date":"date","date_form":"2006-01-02","credit":"credit","payer":"payer","memo":"memo"},
"fee_tolerance":"50.00","second_operator_above":"50000.00"}`
)

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, now: time.Date(2026, 11, 2, 12, 0, 0, 0, zone), store: new(memory.Store)}
	w.provider = &provider{rows: map[string][]payment.BillRow{}, trades: map[string]payment.Trade{}}
	l := &ledger.Ledger{
		Store: w.store, Policy: wallet.DefaultPolicy(), Now: func() time.Time { return w.now },
		Wait: func(context.Context, int) error { return nil },
	}
	w.desk = &recharge.Desk{Ledger: l, Channel: w.provider}
	banking, err := transfer.ParseConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	w.bank = &transfer.Desk{Ledger: l, Config: banking}
	book := &Book{Store: w.store, Now: l.Now}
	w.Auditor = NewAuditor(book, Provider{Biller: w.provider, Desk: w.desk}, Bank{Desk: w.bank})
	w.open("acme")
	return w
}

// open opens an account, which takes the orders from now on.
func (w *world) open(account wallet.AccountID) {
	w.t.Helper()
	w.account = account
	opening := ledger.Intent{Command: wallet.Open{Account: account, Currency: money.CNY, Zone: "Asia/Shanghai"}}
	if _, err := w.desk.Ledger.Do(w.t.Context(), account, opening); err != nil {
		w.t.Fatal(err)
	}
}

func cny(text string) money.Amount {
	amount, err := money.Parse("", text, money.CNY)
	if err != nil {
		panic(err)
	}
	return amount
}

// order takes an order without paying it.
func (w *world) order(once, amount string) recharge.Order {
	w.t.Helper()
	order, _, err := w.desk.Take(w.t.Context(), recharge.Wish{Account: w.account, Once: once, Amount: amount})
	if err != nil {
		w.t.Fatal(err)
	}
	return order
}

// bill writes a movement on the provider's bill of its day.
func (w *world) bill(row payment.BillRow) {
	day := row.At.In(zone).Format(time.DateOnly)
	row.Received = row.Amount
	w.provider.rows[day] = append(w.provider.rows[day], row)
}

// pay pays an order at the provider, which writes it on its bill, and may tell us.
func (w *world) pay(order recharge.Order, ref string, told bool) {
	w.t.Helper()
	trade := payment.Trade{
		Channel: "alipay", OrderID: order.ID, Ref: ref, State: payment.Paid, Total: order.Amount(), Received: order.Amount(),
		Refunded: money.Zero(money.CNY), PaidAt: w.now,
	}
	w.provider.trades[ref] = trade
	w.bill(payment.BillRow{OrderID: order.ID, Ref: ref, Amount: order.Amount(), Fee: money.Zero(money.CNY), At: w.now})
	if told {
		if _, err := w.desk.Credit(w.t.Context(), trade); err != nil {
			w.t.Fatal(err)
		}
	}
}

// refund sends cash of an order back and has the provider write it on its bill.
func (w *world) refund(order recharge.Order, amount string, billed bool) recharge.Refund {
	w.t.Helper()
	refund, _, err := w.desk.Refund(w.t.Context(), recharge.RefundWish{Order: order.ID, Once: amount, Amount: amount, Reason: "asked for", Actor: "olga"})
	if err != nil {
		w.t.Fatal(err)
	}
	w.walk()
	if billed {
		w.billRefunds(order.ID)
	}
	return refund
}

// walk lets the watchman have refunds done.
func (w *world) walk() {
	w.t.Helper()
	watchman := recharge.Watchman{Desk: w.desk}
	if _, err := watchman.Walk(w.t.Context(), 0); err != nil {
		w.t.Fatal(err)
	}
}

// billRefunds writes all refunds of an order on the bill.
func (w *world) billRefunds(order string) {
	w.t.Helper()
	refunds, err := w.desk.Refunds(w.t.Context(), order)
	if err != nil || len(refunds) == 0 {
		w.t.Fatal(refunds, err)
	}
	for _, r := range refunds {
		if r.State != recharge.RefundPaid {
			w.t.Fatalf("the refund %s is %s", r.ID, r.State)
		}
		w.bill(payment.BillRow{OrderID: order, Ref: r.Trade, Refund: r.ID, Amount: r.Amount(), At: w.now})
	}
}

// prove goes to the next morning and proves a source's yesterday.
func (w *world) prove(source string) (Proof, []Case) {
	w.t.Helper()
	w.now = time.Date(2026, 11, 3, 10, 0, 0, 0, zone)
	proofs, err := w.Run(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	at := slices.IndexFunc(proofs, func(p Proof) bool { return p.Source == source && p.Day == yesterday })
	var cases []Case
	sum := int64(0)
	for _, id := range proofs[at].Cases {
		c, _, err := ledger.Read[Case](w.t.Context(), w.store, caseKey(id))
		if err != nil {
			w.t.Fatal(err)
		}
		cases = append(cases, c)
		sum += c.Difference()
	}
	if sum != proofs[at].Difference() {
		w.t.Errorf("the cases explain %d of a difference of %d: %+v", sum, proofs[at].Difference(), cases)
	}
	return proofs[at], cases
}
