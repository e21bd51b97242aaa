package sim

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"billingcentre/shared/ledger"
	"billingcentre/shared/money"
	"billingcentre/shared/payment"
	"billingcentre/shared/recharge"
	"billingcentre/shared/refusal"
	"billingcentre/shared/reversal"
	"billingcentre/shared/voucher"
	"billingcentre/shared/wallet"
)

const requestLimit = 29 * time.Second // of an API's request

// ask is what a client wants, under one key, however often it has to ask.
type ask struct {
	name    string
	account wallet.AccountID
	key     wallet.Key     // of the entry that answers, when that is known beforehand
	command wallet.Command // as far as it is known beforehand
	do      func(ctx context.Context, c *centre) (ledger.Receipt, error)
	view    bool
	answer  *wallet.Entry
	refused error
	settled bool // it has an answer, or needs none any more
	flying  int
}

// ask begins something new.
func (s *Simulation) ask() {
	account := s.world.accounts[s.dice.IntN(len(s.world.accounts))]
	once := fmt.Sprintf("k%d", len(s.world.asks))
	a := &ask{account: account}
	switch s.dice.IntN(16) {
	case 0, 1:
		a.recharge(once, s.amount(2_000))
	case 2, 3, 4:
		a.activate(s.world.codes[s.dice.IntN(len(s.world.codes))], once)
	case 5, 6:
		a.purchase(once, money.Units(money.CNY, int64(1+s.dice.IntN(40))))
	case 7, 8:
		a.order(once, s.amount(1_500), s.cards(account))
	case 9, 10:
		if len(s.world.bills) == 0 {
			return
		}
		a.reverse(s.world.bills[s.dice.IntN(len(s.world.bills))], once)
	case 11, 12:
		a.grant(once, s.amount(800), s.now.Add(time.Duration(s.dice.Int64N(int64(5*24*time.Hour)))).Truncate(time.Second).Add(time.Minute))
	case 13:
		a.adjust(once, s.amount(1_000), s.dice.IntN(2) == 0)
	default:
		a.look(once)
	}
	s.world.asks = append(s.world.asks, a)
	s.try(a)
}

func (s *Simulation) amount(most int64) money.Amount {
	return money.Of(money.CNY, 1+s.dice.Int64N(most))
}

// cards picks some of an account's cards, usable or not.
func (s *Simulation) cards(account wallet.AccountID) []wallet.LotID {
	var cards []wallet.LotID
	for _, lot := range s.auditors[account].head.Lots {
		if lot.Kind == wallet.Card && s.dice.IntN(2) == 0 {
			cards = append(cards, lot.ID)
		}
	}
	return cards
}

// commands runs a command whose key and content are known beforehand.
func (a *ask) run(name string, command wallet.Command) {
	a.name, a.command, a.key = name, command, command.Key()
	a.do = func(ctx context.Context, c *centre) (ledger.Receipt, error) {
		if _, err := c.ledger.Open(ctx, a.account); err != nil { // as the functions do, for the currency
			return ledger.Receipt{}, err
		}
		return c.ledger.Do(ctx, a.account, ledger.Intent{Command: command})
	}
}

func (a *ask) purchase(once string, face money.Amount) {
	a.run("purchase", wallet.Purchase{Account: a.account, Once: once, Face: face, Actor: "owner"})
}

func (a *ask) order(once string, amount money.Amount, cards []wallet.LotID) {
	a.run("order", wallet.Order{Account: a.account, Once: once, Amount: amount, Cards: cards, Item: "package", Actor: "owner"})
}

func (a *ask) grant(once string, face money.Amount, expires time.Time) {
	a.run("grant", wallet.Activate{
		Account: a.account, Once: once, Kind: wallet.Regular, Source: wallet.FromOperator, Face: face, MinBill: money.Zero(money.CNY), ExpiresAt: expires, Actor: "operator",
	})
}

func (a *ask) adjust(once string, amount money.Amount, debit bool) {
	a.run("adjust", wallet.Adjust{Account: a.account, Once: once, Amount: amount, Debit: debit, Reason: "correction", Actor: "operator"})
}

func (a *ask) recharge(once string, amount money.Amount) {
	a.name = "recharge"
	a.do = func(ctx context.Context, c *centre) (ledger.Receipt, error) {
		_, _, err := c.recharges.Take(ctx, recharge.Wish{Account: a.account, Once: once, Amount: amount.String()})
		return ledger.Receipt{}, err
	}
}

// activate enters a code; codes are handed around, so another account may enter it too.
func (a *ask) activate(code voucher.Code, once string) {
	a.name = "activate " + string(code[:4])
	a.do = func(ctx context.Context, c *centre) (ledger.Receipt, error) {
		return c.vouchers.Activate(ctx, voucher.Activation{Account: a.account, Code: code, Once: once, Actor: "owner"})
	}
}

func (a *ask) reverse(b *sent, once string) {
	a.name, a.account, a.key = "reverse "+string(b.bill.ID), b.account, wallet.ReverseKey(b.bill.ID)
	a.do = func(ctx context.Context, c *centre) (ledger.Receipt, error) {
		return reversal.Do(ctx, c.ledger, reversal.Wish{Bill: b.bill.ID, Once: once, Reason: "wrong", Actor: "operator"})
	}
}

func (a *ask) look(string) { a.name, a.view = "view", true }

// credit is the provider's notice that an order was paid.
func (a *ask) credit(trade payment.Trade) {
	a.name, a.key = "credit "+trade.OrderID, wallet.TopUpKey(trade.OrderID)
	a.do = func(ctx context.Context, c *centre) (ledger.Receipt, error) { return c.recharges.Credit(ctx, trade) }
}

// askAgain tries something once more: because it has no answer yet, or to hear the answer again, or out of impatience.
func (s *Simulation) askAgain() {
	open := slices.DeleteFunc(slices.Clone(s.world.asks), func(a *ask) bool { return a.settled || a.flying > 1 })
	if len(open) == 0 || s.dice.IntN(5) == 0 {
		open = s.world.asks
	}
	s.try(open[s.dice.IntN(len(open))])
}

// try is one request. Its outcome is recorded for Porcupine, and for the asking client.
func (s *Simulation) try(a *ask) {
	a.flying++
	s.start(a.name+" "+string(a.account), requestLimit, func(ctx context.Context, w *worker) func() {
		c := s.centre(w)
		o := Operation{Account: a.account, Key: a.key, Command: a.command, View: a.view, Call: int64(s.steps), Began: w.now()}
		var receipt ledger.Receipt
		var err error
		if a.view {
			o.Head, err = c.ledger.Open(ctx, a.account)
		} else {
			receipt, err = a.do(ctx, c)
		}
		return func() {
			a.flying--
			if w.dead {
				err = ledger.ErrUnknown
			}
			o.Return, o.Ended = int64(s.steps), w.now()
			s.hear(a, w, o, receipt, err)
		}
	})
}

// hear takes an answer.
func (s *Simulation) hear(a *ask, w *worker, o Operation, receipt ledger.Receipt, err error) {
	unknown := err != nil && !final(err)
	s.tell("  answer %v %t", err, receipt.Repeated)
	s.record(w, o, receipt, err, unknown)
	switch {
	case unknown, a.name == "recharge":
		a.settled = a.settled || !unknown
	case a.view:
		a.settled = true
	case err != nil:
		s.refused(a, w, o, err)
	default:
		s.answered(a, receipt.Entry)
	}
}

// final tells refusals from failures, after which a client asks again.
func final(err error) bool {
	return refusal.As(err) != nil && !refusal.Is(err, refusal.Contended) && !refusal.Is(err, refusal.Throttled) && !refusal.Is(err, refusal.Unavailable)
}

// answered holds an answer against the one before (I10).
func (s *Simulation) answered(a *ask, entry wallet.Entry) {
	if a.answer != nil && a.answer.Hash() != entry.Hash() {
		s.violated("answers: %s was answered by %s, and then by %s", a.name, a.answer.Key, entry.Key)
	}
	a.answer, a.settled = &entry, true
}

// refused holds a refusal against what the try did: nothing (I9).
func (s *Simulation) refused(a *ask, w *worker, o Operation, err error) {
	for _, commit := range w.landed {
		for _, entry := range commit.Entries {
			s.violated("refusal: %s was refused (%v), and yet %s was committed", a.name, err, entry.Key)
		}
	}
	if a.answer != nil && a.command != nil {
		s.violated("answers: %s was answered by %s, and then refused: %v", a.name, a.answer.Key, err)
	}
	a.refused, a.settled = err, true
	s.world.refusals = append(s.world.refusals, refused{a, w, err})
}

// refused is a try that was told no, for good.
type refused struct {
	ask    *ask
	worker *worker
	err    error
}

// till is the payment provider, as a worker reaches it.
type till struct{ worker *worker }

func (till) Name() string                 { return "till" }
func (till) Currencies() []money.Currency { return []money.Currency{money.CNY} }
func (till) Query(context.Context, string) (payment.Trade, error) {
	return payment.Trade{}, payment.ErrUnknownOutcome
}

func (till) VerifyNotice(payment.Delivery) (payment.Notice, error) {
	return payment.Notice{}, payment.ErrUnreadable
}
func (till) Reply(bool) payment.Reply { return payment.Reply{} }

// Create makes a payment that can be paid from then on, whether or not anybody hears that it was made.
func (t till) Create(ctx context.Context, order payment.Order) (payment.Checkout, error) {
	s := t.worker.sim
	err := t.worker.leave(ctx, "create "+order.ID, true, payment.ErrUnknownOutcome, func() error {
		if !s.world.known[order.ID] {
			s.world.known[order.ID] = true
			s.world.payable = append(s.world.payable, order)
		}
		return nil
	})
	return payment.Checkout{Content: "https://pay.example.com/" + order.ID, ExpiresAt: order.ExpiresAt}, err
}

// pay has somebody pay an order; its notices come from then on.
func (s *Simulation) pay() {
	i := s.dice.IntN(len(s.world.payable))
	order := s.world.payable[i]
	s.world.payable = slices.Delete(s.world.payable, i, i+1)
	a := &ask{account: s.ownerOf(order)}
	a.credit(payment.Trade{
		Channel: "till", OrderID: order.ID, Ref: "trade-" + order.ID, State: payment.Paid,
		Total: order.Amount, Received: order.Amount, Refunded: money.Zero(money.CNY), PaidAt: s.now,
	})
	s.world.paid = append(s.world.paid, order)
	s.world.asks = append(s.world.asks, a)
	s.try(a)
}

func (s *Simulation) ownerOf(order payment.Order) wallet.AccountID {
	return wallet.AccountID(order.Subject[len("Top-up of "):])
}

// chance makes codes that a seed repeats.
type chance struct{ dice *rand.Rand }

func (c chance) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = byte(c.dice.UintN(256))
	}
	return len(b), nil
}
