package wallet

import (
	"errors"
	"slices"
	"time"

	"billingcentre/shared/money"
	"billingcentre/shared/refusal"
)

// Policy is every constant that the company may choose. DefaultPolicy is what the README states.
type Policy struct {
	Restricted    []string      `json:"restricted"`     // products that vouchers never pay (README rule 14)
	Grace         time.Duration `json:"grace"`          // how long past its expiry a fund still pays for its last valid day (rule 19)
	VoucherMonths int           `json:"voucher_months"` // validity from activation, unless the batch says otherwise (rule 6)
	CardMonths    int           `json:"card_months"`    // validity of a card (rule 11)
	CardStep      int64         `json:"card_step"`      // a card's face is a positive multiple of this, in units (rule 8)
	Gifts         []Gift        `json:"gifts"`          // discount vouchers for card purchases (rule 10)
	CreditFloor   int64         `json:"credit_floor"`   // a class may fall this far below zero, in units (rule 21)
	MaxLots       int           `json:"max_lots"`       // active lots of one account
	ExpiryNotice  time.Duration `json:"expiry_notice"`  // how long before its expiry a fund is announced (rule 24)
	MaxTopUp      int64         `json:"max_top_up"`     // largest single inflow of cash, in units (rule M3)
	LapseRestored bool          `json:"lapse_restored"` // a reversed slice of an expired fund lapses at once (rule 21)
	MaxBillAge    time.Duration `json:"max_bill_age"`   // 0: bills of any age settle (rule 18)
	CountdownDays int           `json:"countdown_days"` // from the monthly bill that finds arrears to the lock (rule 26)
	ReminderDays  int           `json:"reminder_days"`  // how long before the lock it is told again (rule 26)
}

// Gift is one tier: a single purchase of From units or more gives a discount voucher of Gift units.
type Gift struct {
	From int64 `json:"from"`
	Gift int64 `json:"gift"`
}

// DefaultPolicy is the policy that the README's rules state.
func DefaultPolicy() Policy {
	return Policy{
		Restricted:    []string{"sms", "dial_testing"},
		Grace:         24 * time.Hour,
		VoucherMonths: 12,
		CardMonths:    12,
		CardStep:      100,
		Gifts:         []Gift{{10_000, 1_000}, {30_000, 5_000}, {100_000, 20_000}},
		CreditFloor:   100,
		MaxLots:       1_000,
		ExpiryNotice:  3 * 24 * time.Hour,
		MaxTopUp:      100_000_000,
		LapseRestored: true,
		CountdownDays: 14,
		ReminderDays:  3,
	}
}

// Check tells what makes a policy impossible to follow.
func (p *Policy) Check() error {
	switch {
	case p.Grace < 0, p.ExpiryNotice < 0, p.MaxBillAge < 0:
		return errors.New("a policy's durations must not be negative")
	case p.VoucherMonths < 1, p.CardMonths < 1, p.CardStep < 1, p.MaxLots < 1, p.MaxTopUp < 1:
		return errors.New("a policy's months, steps and limits must be at least 1")
	case p.CountdownDays < 0, p.ReminderDays < 0, p.ReminderDays > p.CountdownDays:
		return errors.New("a policy's countdown must not be negative, and its reminder must lie within it")
	case p.CreditFloor < 0:
		return errors.New("a policy's credit floor says how far below zero, and must not be negative")
	}
	for _, tier := range p.Gifts {
		if tier.From < 1 || tier.Gift < 1 {
			return errors.New("a policy's gift tiers must be above zero")
		}
	}
	return nil
}

// CheckInflow refuses an amount of cash that is too small or too large to come in (README rule M3).
func (p *Policy) CheckInflow(amount money.Amount) error {
	switch {
	case !amount.IsPositive():
		return refusal.At("/amount", "must be above 0")
	case amount.Cmp(money.Units(amount.Currency(), p.MaxTopUp)) > 0:
		return refusal.At("/amount", "must be at most %d.00", p.MaxTopUp)
	}
	return nil
}

// ClassOf is the class of a product (README rule 14).
func (p *Policy) ClassOf(product string) Class {
	if slices.Contains(p.Restricted, product) {
		return Restricted
	}
	return General
}

// giftFor is what one cash purchase earns: the highest tier it reaches, not the sum of tiers (README rule 10).
func (p *Policy) giftFor(units int64) int64 {
	gift, reached := int64(0), int64(-1)
	for _, tier := range p.Gifts {
		if units >= tier.From && tier.From > reached {
			gift, reached = tier.Gift, tier.From
		}
	}
	return gift
}

// addMonths is the same instant of the day, so many calendar months later, in UTC. A day that the month doesn't
// have becomes its last one, so a fund never lives on into a further month.
func addMonths(t time.Time, months int) time.Time {
	t = t.UTC()
	later := t.AddDate(0, months, 0)
	if later.Day() != t.Day() {
		later = later.AddDate(0, 0, -later.Day())
	}
	return later
}
