package wallet

import (
	"billingcentre/shared/money"
	"billingcentre/shared/refusal"
)

// Open opens an account's wallet: entry number 1, with which a replay begins.
type Open struct {
	Account  AccountID
	Currency money.Currency
	Zone     string
	Name     string // the account's name, part of what was asked
	Actor    string
}

// Key is one per account: it opens once.
func (c Open) Key() Key { return OpenKey(c.Account) }

// OpenKey is the key of an account's first entry.
func OpenKey(account AccountID) Key { return Key("open:" + account) }

// Fingerprint covers all that was asked.
func (c Open) Fingerprint() Fingerprint {
	return fingerprint("open", string(c.Account), string(c.Currency), c.Zone, c.Name)
}

func (c Open) decide(d *draft) error {
	if d.head.Version != 0 {
		return refusal.Of(refusal.Conflict, "The account is open already.")
	}
	d.head = emptyHead(c.Account, c.Currency, c.Zone)
	d.entry.Account = c.Account
	d.entry.Kind, d.entry.Actor = Opened, c.Actor
	d.entry.Opening = &Opening{c.Currency, c.Zone}
	return nil
}

func emptyHead(account AccountID, currency money.Currency, zone string) Head {
	zero := money.Zero(currency)
	return Head{
		Account: account, Currency: currency, Zone: zone, Cash: zero, Arrears: zero,
		Carried: [2]money.Exact{money.ZeroExact(currency), money.ZeroExact(currency)},
	}
}
