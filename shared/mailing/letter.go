package mailing

import (
	"context"
	"slices"
	"strings"
	"time"

	"billingcentre/shared/event"
	"billingcentre/shared/ledger"
	"billingcentre/shared/mail"
	"billingcentre/shared/money"
	"billingcentre/shared/notice"
	"billingcentre/shared/receipt"
	"billingcentre/shared/refusal"
	"billingcentre/shared/wallet"
)

func vital(kind mail.Kind) bool { return slices.Contains(mail.Vital, kind) }

// ofEntries are the entries that people get a letter of.
var ofEntries = map[string]mail.Kind{
	wallet.ToppedUp.String():  mail.ToppedUp,
	wallet.Purchased.String(): mail.CardBought,
	wallet.Activated.String(): mail.VoucherActivated,
	wallet.Lapsed.String():    mail.LotLapsed,
}

// ofStages are the letters of a cloud account's unlinking.
var ofStages = map[string]mail.Kind{
	notice.CloudUnlinkedNow: mail.CloudUnlinked, notice.CloudReminder: mail.CloudReminder, notice.CloudLocked: mail.CloudLocked,
}

// KindOf is the kind of an event's letter; is false for what people get none of.
func KindOf(e event.Event) (kind mail.Kind, is bool) {
	if e.Entry != nil {
		kind, is = ofEntries[e.Entry.Kind]
		return kind, is
	}
	kind = mail.Kind(e.Notice.Kind)
	if c := e.Notice.CloudLink; kind == mail.CloudUnlinked && c != nil {
		kind = ofStages[c.Stage]
	}
	return kind, slices.Contains(mail.Kinds, kind)
}

// facts are what an event's letter says.
func (p *Post) facts(ctx context.Context, e event.Event, kind mail.Kind, v mail.Voice) (mail.Facts, error) {
	if e.Entry != nil {
		return p.entryFacts(ctx, *e.Entry, kind, v)
	}
	return noticeFacts(*e.Notice, kind, v)
}

func (p *Post) entryFacts(ctx context.Context, r receipt.Receipt, kind mail.Kind, v mail.Voice) (mail.Facts, error) {
	time, err := time.Parse(time.RFC3339, r.At)
	if err != nil {
		return nil, refusal.Of(refusal.Invalid, "The entry's time %q is none.", r.At)
	}
	at := v.Instant(time)
	switch kind {
	case mail.ToppedUp:
		return toppedUp(r, v, at)
	case mail.CardBought:
		return cardBought(r, v)
	case mail.VoucherActivated:
		if len(r.Lots) == 0 {
			return nil, lacks(r, "a voucher")
		}
		lot := r.Lots[0]
		return mail.Facts{
			"lot": v.Word(lot.Kind), "voucher": v.Name(lot.ID), "face": v.Amount(lot.Face), "min_bill": v.Amount(lot.MinBill), "expires": instant(v, lot.ExpiresAt),
		}, nil
	}
	return p.lapsed(ctx, r, v, at)
}

func lacks(r receipt.Receipt, what string) error {
	return refusal.Of(refusal.Invalid, "The entry %s tells of no %s.", r.Key, what)
}

func instant(v mail.Voice, text string) string {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return v.Name(text)
	}
	return v.Instant(t)
}

// moved is what an entry's postings moved between places; "" stands for any.
func moved(r receipt.Receipt, from, to string) (string, error) {
	currency := money.Currency(r.Currency)
	sum := money.Zero(currency)
	for _, p := range r.Postings {
		if (from == "" || p.From == from) && (to == "" || p.To == to) {
			amount, err := money.Parse("/postings", p.Amount, currency)
			if err != nil {
				return "", err
			}
			sum = sum.Add(amount)
		}
	}
	return sum.String(), nil
}

func toppedUp(r receipt.Receipt, v mail.Voice, at string) (mail.Facts, error) {
	amount, err := moved(r, wallet.Place{Kind: wallet.AtPayer}.String(), "")
	if err != nil {
		return nil, err
	}
	repaid, err := moved(r, "", wallet.Place{Kind: wallet.InArrears}.String())
	if err != nil {
		return nil, err
	}
	return mail.Facts{
		"amount": v.Amount(amount), "time": at, "repaid": v.Positive(repaid), "arrears": v.Positive(r.Balances.Arrears),
		"cash": v.Amount(r.Balances.Cash), "reference": v.Name(r.Reference),
	}, nil
}

func cardBought(r receipt.Receipt, v mail.Voice) (mail.Facts, error) {
	facts := mail.Facts{"gift": "", "voucher": "", "voucher_expires": "", "cash": v.Amount(r.Balances.Cash)}
	for _, lot := range r.Lots {
		if lot.Kind == wallet.Card.String() {
			facts["card"], facts["face"], facts["card_expires"] = v.Name(lot.ID), v.Amount(lot.Face), instant(v, lot.ExpiresAt)
		} else {
			facts["voucher"], facts["gift"], facts["voucher_expires"] = v.Name(lot.ID), v.Amount(lot.Face), instant(v, lot.ExpiresAt)
		}
	}
	if facts["card"] == "" {
		return nil, lacks(r, "card")
	}
	return facts, nil
}

// lapsed is about a lot that the entry only names. What it was is told by the notice that announced its expiry.
func (p *Post) lapsed(ctx context.Context, r receipt.Receipt, v mail.Voice, at string) (mail.Facts, error) {
	for _, posting := range r.Postings {
		lot, is := strings.CutPrefix(posting.From, "lot:")
		if !is {
			continue
		}
		kind := "lot"
		announced, _, err := ledger.Read[notice.Notice](ctx, p.Store, notice.KeyOf("lot_expiring", lot))
		if err == nil {
			kind = announced.LotKind
		} else if !refusal.Is(err, refusal.NotFound) {
			return nil, err
		}
		return mail.Facts{"lot": v.Word(kind), "number": v.Name(lot), "amount": v.Amount(posting.Amount), "time": at}, nil
	}
	return nil, lacks(r, "voucher or card")
}

// noticeFacts are those of notices, each with its own member. One whose member is missing can't be told.
func noticeFacts(n notice.Notice, kind mail.Kind, v mail.Voice) (mail.Facts, error) {
	switch {
	case kind == mail.LotExpiring:
		return mail.Facts{"lot": v.Word(n.LotKind), "number": v.Name(n.Cause), "remaining": v.Amount(n.Remaining), "expires": v.Instant(n.ExpiresAt)}, nil
	case kind == mail.MonthlyBill && n.MonthlyBill != nil:
		b := n.MonthlyBill
		return mail.Facts{
			"month": v.Month(b.Month), "total": v.Amount(b.Total), "cash": v.Positive(b.Cash), "cloud": v.Positive(b.Cloud), "vouchers": v.Positive(b.Vouchers),
			"cards": v.Positive(b.Cards), "overdue": v.Positive(b.Overdue), "adjustments": v.Positive(b.Adjustments), "arrears": v.Positive(b.Owed),
		}, nil
	case kind == mail.LowBalance && n.LowBalance != nil:
		return mail.Facts{"balance": v.Amount(n.LowBalance.Balance), "limit": v.Amount(n.LowBalance.Limit), "time": v.Instant(n.LowBalance.EntryAt)}, nil
	case kind == mail.HighConsumption && n.HighConsumption != nil:
		c := n.HighConsumption
		product := v.Word("total")
		if c.Product != "" {
			product = v.Name(c.Product)
		}
		return mail.Facts{"day": v.Day(c.Day), "product": product, "spent": v.Cost(c.Spent), "limit": v.Amount(c.Limit)}, nil
	case n.Arrears != nil:
		a := n.Arrears
		return mail.Facts{
			"arrears": v.Amount(a.Owed), "month": v.Month(a.Month), "deadline": v.Instant(a.EndsAt), "time": v.Instant(n.At), "workspaces": named(v, a.Workspaces, a.More),
		}, nil
	case n.CloudLink != nil:
		return unlinked(*n.CloudLink, v), nil
	}
	return nil, refusal.Of(refusal.Invalid, "The notice %s of %s says nothing.", n.Kind, n.Cause)
}

// unlinked is about a cloud account. Where no workspace was on it, nothing returned to the wallet.
func unlinked(c notice.CloudLink, v mail.Voice) mail.Facts {
	facts := mail.Facts{
		"provider": v.Word(c.Provider), "customer": v.Name(c.Customer), "workspaces": named(v, c.Workspaces, c.More), "time": v.Instant(c.UnlinkedAt),
		"returned": "", "deadline": v.Instant(c.EndsAt),
	}
	if c.Returned && len(c.Workspaces) > 0 {
		facts["returned"] = v.Instant(c.UnlinkedAt)
	}
	return facts
}

func named(v mail.Voice, workspaces []wallet.WorkspaceID, more bool) string {
	names := make([]string, len(workspaces))
	for i, workspace := range workspaces {
		names[i] = string(workspace)
	}
	return v.NamesOf(names, more)
}
