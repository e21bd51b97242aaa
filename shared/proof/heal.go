package proof

import (
	"context"
	"errors"
	"fmt"

	"billingcentre/shared/money"
	"billingcentre/shared/recharge"
	"billingcentre/shared/refusal"
)

// itself is who has closed a case that came right without an operator's word.
const itself = "proof"

// healer is a Source whose cases can come right afterwards, when money that waited has found its place.
type healer interface {
	// healed tells why a case is over, or "" when it isn't.
	healed(ctx context.Context, c Case) (reason string, err error)
}

const healPage = 100

// heal closes the open cases that have come right since. What it reads is what made them cases.
func (a *Auditor) heal(ctx context.Context) error {
	var open []Case
	for before := ""; ; {
		cases, next, err := a.Book.Cases(ctx, false, before, healPage)
		if err != nil {
			return err
		}
		if open, before = append(open, cases...), next; next == "" {
			break
		}
	}
	var failed []error
	for _, c := range open {
		source, can := a.Sources[c.Source].(healer)
		if !can {
			continue
		}
		reason, err := source.healed(ctx, c)
		if err == nil && reason != "" {
			if _, err = a.Book.Close(ctx, c.ID, reason, itself); refusal.Is(err, refusal.Conflict) {
				err = nil // an operator was faster, and that word stands
			}
		}
		if err != nil {
			failed = append(failed, fmt.Errorf("case %s: %w", c.ID, err))
		}
	}
	return errors.Join(failed...)
}

// healed: a row left suspense when all of it is credited or sent back, and the journal says so.
func (b Bank) healed(ctx context.Context, c Case) (string, error) {
	if c.Class != TheirsOnly {
		return "", nil
	}
	row, err := b.Desk.Row(ctx, c.Order)
	if err != nil || !row.Held().IsZero() {
		return "", err
	}
	credited, returned, err := b.booked(ctx, row)
	if err != nil || credited+returned != row.Minor {
		return "", err
	}
	return fmt.Sprintf("It has left suspense: %s was credited, %s sent back.", money.Of(row.Currency, credited), money.Of(row.Currency, returned)), nil
}

// healed: a payment that we didn't know of was found after its day was proved, and credited or sent back.
func (p Provider) healed(ctx context.Context, c Case) (string, error) {
	if c.Class != StatusDiffers || c.Refund != "" {
		return "", nil
	}
	orders, err := p.Desk.OrdersOf(ctx, []string{c.Order})
	order, known := orders[c.Order]
	if err != nil || !known {
		return "", err
	}
	if order.State == recharge.Credited && order.Trade == c.Trade {
		return "It was credited later.", nil
	}
	refunds, err := p.Desk.Refunds(ctx, c.Order)
	for _, refund := range refunds {
		if refund.Trade == c.Trade && refund.State == recharge.RefundPaid && refund.Minor == c.Theirs {
			return "It was sent back whole later.", nil
		}
	}
	return "", err
}
