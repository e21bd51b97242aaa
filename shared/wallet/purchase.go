package wallet

import (
	"slices"

	"billingcentre/shared/money"
	"billingcentre/shared/refusal"
)

// Purchase buys a prepaid card with cash. The card and its gift land together or not at all (README rules 8 to 11).
type Purchase struct {
	Account AccountID
	Once    string // the client's idempotency key
	Face    money.Amount
	Actor   string
}

// Key is scoped to verb and account.
func (c Purchase) Key() Key { return scoped("purchase", c.Account, c.Once) }

// Fingerprint covers all that was asked.
func (c Purchase) Fingerprint() Fingerprint {
	return fingerprint("purchase", string(c.Account), c.Face.String(), string(c.Face.Currency()))
}

func (c Purchase) decide(d *draft) error {
	if err := d.cardFace(c.Face); err != nil {
		return err
	}
	expires := addMonths(d.now, d.policy.CardMonths)
	if err := d.grantable(c.Face, expires); err != nil {
		return err
	}
	gift := money.Units(d.head.Currency, d.policy.giftFor(c.Face.Minor()/money.Units(d.head.Currency, 1).Minor()))
	if gift.IsPositive() {
		if err := d.room(2); err != nil {
			return err
		}
	}
	if c.Face.Cmp(d.head.Cash) > 0 {
		return refusal.Short(c.Face, d.head.Cash)
	}
	d.entry.Kind, d.entry.Actor = Purchased, c.Actor
	none := money.Zero(d.head.Currency)
	card := Lot{ID: lotID(d.entry.Key, 0), Kind: Card, Source: FromPurchase, Face: c.Face, MinBill: none, GrantedAt: d.now, ExpiresAt: expires}
	d.bring(card)
	d.move(in(InCash), inLot(card.ID), c.Face)
	if gift.IsPositive() {
		voucher := Lot{
			ID: lotID(d.entry.Key, 1), Kind: Discount, Source: FromGift, Face: gift, MinBill: none,
			GrantedAt: d.now, ExpiresAt: addMonths(d.now, d.policy.VoucherMonths),
		}
		d.bring(voucher)
		d.move(in(AtCompany), inLot(voucher.ID), gift)
	}
	return nil
}

// Order pays a prepaid order at checkout with the cards that the customer picked, and cash (README rule 23).
type Order struct {
	Account AccountID
	Once    string // the client's idempotency key
	Amount  money.Amount
	Cards   []LotID // in any order: they pay in burn order
	Item    string  // what is bought
	Actor   string
}

// Key is scoped to verb and account.
func (c Order) Key() Key { return scoped("order", c.Account, c.Once) }

// Fingerprint covers all that was asked; the order in which cards are listed means nothing.
func (c Order) Fingerprint() Fingerprint {
	fields := []string{"order", string(c.Account), c.Amount.String(), string(c.Amount.Currency()), c.Item}
	cards := make([]string, 0, len(c.Cards))
	for _, id := range c.Cards {
		cards = append(cards, id.String())
	}
	slices.Sort(cards)
	return fingerprint(append(fields, cards...)...)
}

func (c Order) decide(d *draft) error {
	if err := d.inflowOf(c.Amount); err != nil {
		return err
	}
	cards, err := c.cards(d)
	if err != nil {
		return err
	}
	available := d.head.Cash
	for _, card := range cards {
		available = available.Add(card.Remaining)
	}
	if c.Amount.Cmp(available) > 0 {
		return refusal.Short(c.Amount, available)
	}
	d.entry.Kind, d.entry.Actor, d.entry.Reason = Ordered, c.Actor, c.Item
	left := c.Amount
	for _, card := range cards {
		part := money.Min(left, card.Remaining)
		d.move(inLot(card.ID), in(AtPackage), part)
		left = left.Sub(part)
	}
	d.move(in(InCash), in(AtPackage), left)
	return nil
}

// cards finds the picked cards, in burn order.
func (c Order) cards(d *draft) ([]Lot, error) {
	var cards []Lot
	for i, id := range c.Cards {
		card, held := d.head.Lot(id)
		switch {
		case !held || card.Kind != Card:
			return nil, refusal.Of(refusal.NotFound, "Card %d of the order isn't one of the account's cards with money on it.", i+1)
		case slices.Contains(c.Cards[:i], id):
			return nil, refusal.At("/cards", "must name each card once")
		case !card.UsableAt(d.now):
			return nil, refusal.Of(refusal.Expired, "Card %s has expired.", id)
		}
		cards = append(cards, card)
	}
	slices.SortFunc(cards, burnOrder)
	return cards, nil
}
