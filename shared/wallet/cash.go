package wallet

import (
	"billingcentre/shared/money"
	"billingcentre/shared/refusal"
)

// TopUp credits a recharge order once its payment is proved (README rules 1 and 3).
type TopUp struct {
	Order   string // the recharge order's id
	Amount  money.Amount
	Channel string
	Trade   string // the provider's number of the payment
}

// Key is one per recharge order: it credits once, however often the provider says that it was paid.
func (c TopUp) Key() Key { return TopUpKey(c.Order) }

// TopUpKey is the key of the entry that credits a recharge order.
func TopUpKey(order string) Key { return Key("recharge:" + order) }

// Fingerprint covers order and amount: a second notice of the same payment is the same wish.
func (c TopUp) Fingerprint() Fingerprint {
	return fingerprint("top-up", c.Order, c.Amount.String(), string(c.Amount.Currency()), c.Channel)
}

func (c TopUp) decide(d *draft) error {
	if err := d.inflowOf(c.Amount); err != nil {
		return err
	}
	d.entry.Kind, d.entry.Actor, d.entry.Reference = ToppedUp, c.Channel, c.Trade
	d.inflow(in(AtPayer), c.Amount)
	return nil
}

// inflowOf checks an amount of cash that shall come in.
func (d *draft) inflowOf(amount money.Amount) error {
	if amount.Currency() != d.head.Currency {
		return refusal.Of(refusal.NotApplicable, "The account is in %s, not in %s.", d.head.Currency, amount.Currency())
	}
	return d.policy.CheckInflow(amount)
}

// Adjust books an operator's correction of cash, or a refund, as a new entry with a reason (README rule 4).
type Adjust struct {
	Account AccountID
	Once    string // the client's idempotency key
	Amount  money.Amount
	Debit   bool // takes cash out; otherwise it comes in, arrears first
	Reason  string
	Actor   string
}

// Key is scoped to verb and account.
func (c Adjust) Key() Key { return scoped("adjust", c.Account, c.Once) }

// scoped is the key of a verb on an account that a client names once.
func scoped(verb string, account AccountID, once string) Key {
	return Key(verb + ":" + string(account) + ":" + once)
}

// Fingerprint covers all that was asked.
func (c Adjust) Fingerprint() Fingerprint {
	direction := "credit"
	if c.Debit {
		direction = "debit"
	}
	return fingerprint("adjust", string(c.Account), direction, c.Amount.String(), string(c.Amount.Currency()), c.Reason)
}

func (c Adjust) decide(d *draft) error {
	if err := d.inflowOf(c.Amount); err != nil {
		return err
	}
	if c.Debit && c.Amount.Cmp(d.head.Cash) > 0 {
		return refusal.Short(c.Amount, d.head.Cash)
	}
	d.entry.Kind, d.entry.Actor, d.entry.Reason = Adjusted, c.Actor, c.Reason
	if c.Debit {
		d.move(in(InCash), in(AtCompany), c.Amount)
	} else {
		d.inflow(in(AtCompany), c.Amount)
	}
	return nil
}
