package wallet

import (
	"strconv"
	"time"

	"billingcentre/shared/money"
	"billingcentre/shared/refusal"
)

// Activate puts a voucher into the wallet (README rules 5 and 6). Vouchers never repay arrears.
type Activate struct {
	Account   AccountID
	Once      string // the client's idempotency key
	Kind      LotKind
	Source    Source // FromCode or FromOperator
	Face      money.Amount
	MinBill   money.Amount // Discount only; zero for none
	ValidDays int          // 0: the policy's months
	ExpiresAt time.Time    // zero: by ValidDays
	Reference string       // the batch and the code's public id, or what the operator noted
	Actor     string
}

// Key is scoped to verb and account. That a code works once is its own document's condition, in the same commit.
func (c Activate) Key() Key { return scoped("activate", c.Account, c.Once) }

// Fingerprint covers all that was asked.
func (c Activate) Fingerprint() Fingerprint {
	return fingerprint("activate", string(c.Account), c.Kind.String(), c.Source.String(), c.Face.String(), string(c.Face.Currency()),
		c.MinBill.String(), strconv.Itoa(c.ValidDays), instant(c.ExpiresAt), c.Reference)
}

func instant(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return strconv.FormatInt(t.UnixMilli(), 10)
}

func (c Activate) decide(d *draft) error {
	expires := d.expiry(c.ExpiresAt, c.ValidDays, d.policy.VoucherMonths)
	switch {
	case !c.Kind.IsVoucher():
		return refusal.At("/kind", `must be "regular" or "discount"`)
	case c.Kind == Regular && !c.MinBill.IsZero():
		return refusal.At("/min_bill_amount", "is for discount vouchers only")
	case c.MinBill.IsNegative():
		return refusal.At("/min_bill_amount", "must not be below 0")
	case !c.MinBill.IsZero() && c.MinBill.Currency() != c.Face.Currency():
		return refusal.At("/min_bill_amount", "must be in the currency of the face value")
	}
	if err := d.grantable(c.Face, expires); err != nil {
		return err
	}
	d.entry.Kind, d.entry.Actor, d.entry.Reference = Activated, c.Actor, c.Reference
	lot := Lot{
		ID: lotID(d.entry.Key, 0), Kind: c.Kind, Source: c.Source, Face: c.Face, MinBill: money.Of(d.head.Currency, c.MinBill.Minor()),
		GrantedAt: d.now, ExpiresAt: expires,
	}
	d.bring(lot)
	d.move(in(AtCompany), inLot(lot.ID), c.Face)
	return nil
}

// expiry is a lot's expiry: as given, or so many days from now, or the policy's months from now.
func (d *draft) expiry(at time.Time, days, months int) time.Time {
	switch {
	case !at.IsZero():
		return at.UTC().Truncate(time.Millisecond)
	case days != 0:
		return d.now.AddDate(0, 0, days)
	}
	return addMonths(d.now, months)
}

// endOfTime bounds expiries: what the codec can't read back must never be written.
var endOfTime = time.Date(2200, time.January, 1, 0, 0, 0, 0, time.UTC)

// grantable checks what every grant must satisfy.
func (d *draft) grantable(face money.Amount, expires time.Time) error {
	switch {
	case face.Currency() != d.head.Currency:
		return refusal.Of(refusal.NotApplicable, "The account is in %s, not in %s.", d.head.Currency, face.Currency())
	case !face.IsPositive():
		return refusal.At("/face_value", "must be above 0")
	case !expires.After(d.now):
		return refusal.At("/expires_at", "must be in the future")
	case !expires.Before(endOfTime):
		return refusal.At("/expires_at", "must be before the year %d", endOfTime.Year())
	}
	return d.room(1)
}

// Allocate gives a prepaid card without cash, by an operator or from a partner's quota (README rules 8, 11, 12).
type Allocate struct {
	Account   AccountID
	Once      string // the client's idempotency key
	Source    Source // FromOperator or FromPartner
	Face      money.Amount
	ValidDays int       // 0: the policy's months
	ExpiresAt time.Time // zero: by ValidDays
	Reason    string
	Actor     string
}

// Key is scoped to verb and account.
func (c Allocate) Key() Key { return scoped("allocate", c.Account, c.Once) }

// Fingerprint covers all that was asked.
func (c Allocate) Fingerprint() Fingerprint {
	return fingerprint("allocate", string(c.Account), c.Source.String(), c.Face.String(), string(c.Face.Currency()), strconv.Itoa(c.ValidDays), instant(c.ExpiresAt), c.Reason)
}

func (c Allocate) decide(d *draft) error {
	expires := d.expiry(c.ExpiresAt, c.ValidDays, d.policy.CardMonths)
	if err := d.cardFace(c.Face); err != nil {
		return err
	}
	if err := d.grantable(c.Face, expires); err != nil {
		return err
	}
	d.entry.Kind, d.entry.Actor, d.entry.Reason = Allocated, c.Actor, c.Reason
	card := Lot{
		ID: lotID(d.entry.Key, 0), Kind: Card, Source: c.Source, Face: c.Face, MinBill: money.Zero(d.head.Currency),
		GrantedAt: d.now, ExpiresAt: expires,
	}
	d.bring(card)
	d.move(in(AtCompany), inLot(card.ID), c.Face)
	d.move(inLot(card.ID), in(InArrears), money.Min(c.Face, d.head.Arrears))
	return nil
}

// cardFace is README rule 8.
func (d *draft) cardFace(face money.Amount) error {
	step := money.Units(face.Currency(), d.policy.CardStep)
	if !face.IsPositive() || face.Minor()%step.Minor() != 0 {
		return refusal.At("/face_value", "must be a positive multiple of %s", step)
	}
	return nil
}
