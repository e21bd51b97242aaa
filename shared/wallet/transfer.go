package wallet

import (
	"strconv"

	"billingcentre/shared/money"
)

// TransferIn credits what a row of a bank statement brought, or a part of it, once an operator has said whose it is
// (README rules 2 and 3).
type TransferIn struct {
	Row       string // the row's id, ours
	Part      int    // of the row: it may be split
	Amount    money.Amount
	Order     string // the transfer order that it pays; "" when there is none
	Actor     string // who confirmed it
	Reference string // the bank's own number of the row
}

// Key is one per part of a row: it credits once, ever.
func (c TransferIn) Key() Key { return TransferKey(c.Row, c.Part) }

// TransferKey is the key of the entry that credits a part of a bank's row.
func TransferKey(row string, part int) Key { return Key("transfer:" + row + "/" + strconv.Itoa(part)) }

// Fingerprint covers the part, its amount and the order that it pays.
func (c TransferIn) Fingerprint() Fingerprint {
	return fingerprint("transfer", c.Row, strconv.Itoa(c.Part), c.Amount.String(), string(c.Amount.Currency()), c.Order)
}

func (c TransferIn) decide(d *draft) error {
	if err := d.inflowOf(c.Amount); err != nil {
		return err
	}
	d.entry.Kind, d.entry.Actor, d.entry.Reason, d.entry.Reference = ToppedUp, c.Actor, "bank transfer", c.Reference
	d.inflow(in(AtPayer), c.Amount)
	return nil
}
