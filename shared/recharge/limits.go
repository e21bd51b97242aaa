package recharge

import (
	"context"
	"net/url"
	"strings"
	"time"

	"billingcentre/shared/ledger"
	"billingcentre/shared/money"
	"billingcentre/shared/payment"
	"billingcentre/shared/refusal"
	"billingcentre/shared/wallet"
)

// Limits bound what an account may have collected. The zero Limits are the defaults.
type Limits struct {
	Open  int   `json:"open"`  // unpaid orders at a time; 5 when zero
	Order int64 `json:"order"` // of one order, in units; as much as the policy's largest top-up when zero
	Day   int64 `json:"day"`   // of all orders of 24 hours but those that were closed, in units; no limit when zero
	Count int   `json:"count"` // of all orders of 24 hours; 100 when zero, and at most
}

const (
	defaultOpen = 5
	mostCount   = 100
	window      = 24 * time.Hour
)

// mayOpen bounds the orders of an account. The list lags a little, and so may the bounds.
func (d *Desk) mayOpen(ctx context.Context, account wallet.AccountID, amount money.Amount) error {
	latest, err := d.Ledger.Store.List(ctx, ListOf(account), "", mostCount)
	if err != nil {
		return err
	}
	now, open, count, sum := d.Ledger.Now(), 0, 0, amount
	for _, document := range latest {
		order, err := ledger.Body[Order](document)
		if err != nil {
			return err
		}
		if order.open(now) {
			open++
		}
		if order.CreatedAt.After(now.Add(-window)) {
			count++
			if order.State != Closed && (order.State == Credited || order.open(now)) {
				sum = sum.Add(order.Amount())
			}
		}
	}
	switch {
	case open >= orElse(d.Limits.Open, defaultOpen):
		return tooMany(validity, "Too many top-ups of this account wait for their payment: pay one, or let one expire.")
	case count >= min(orElse(d.Limits.Count, mostCount), mostCount):
		return tooMany(window/24, "This account has made too many top-ups in 24 hours.")
	case d.Limits.Day > 0 && sum.Cmp(money.Units(amount.Currency(), d.Limits.Day)) > 0:
		return tooMany(window/24, "The account's top-ups of 24 hours would be above their limit.")
	}
	return nil
}

func orElse(set, otherwise int) int {
	if set > 0 {
		return set
	}
	return otherwise
}

func tooMany(wait time.Duration, detail string) error {
	return &refusal.Refusal{Kind: refusal.TooMany, RetryAfter: int(wait.Seconds()), Detail: detail}
}

// checkWay refuses ways that the channel doesn't have, and pages that would send payers to somebody else.
func (d *Desk) checkWay(wish *Wish) error {
	_, cashier := d.Channel.(payment.Cashier)
	switch {
	case wish.Way == "" || wish.Way == QR:
		wish.Way = ""
		if wish.Return != "" {
			return refusal.At("/return_url", "is for the way %q only", Page)
		}
		return nil
	case wish.Way != Page:
		return refusal.At("/way", "must be %q or %q", QR, Page)
	case !cashier:
		return refusal.At("/way", "the channel %s has no page", d.Channel.Name())
	}
	for _, allowed := range d.ReturnURLs {
		if below(allowed, wish.Return) {
			return nil
		}
	}
	return refusal.At("/return_url", "must be one of this centre's own pages")
}

// below tells whether a URL is an allowed one, or below it: same scheme and host, and the path in whole segments.
func below(allowed, text string) bool {
	base, err1 := url.Parse(allowed)
	u, err2 := url.Parse(text)
	if err1 != nil || err2 != nil || len(text) > 256 || strings.ContainsAny(text, "\\ \t\r\n") || allowed == "" {
		return false
	}
	path := strings.TrimSuffix(base.Path, "/")
	return u.Scheme == base.Scheme && strings.EqualFold(u.Host, base.Host) && u.Host != "" && u.User == nil && u.Fragment == "" &&
		!strings.Contains(u.Path, "..") && (u.Path == path || strings.HasPrefix(u.Path, path+"/"))
}
