package audit

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"billingcentre/shared/charge"
	"billingcentre/shared/ledger"
	"billingcentre/shared/recharge"
	"billingcentre/shared/voucher"
	"billingcentre/shared/wallet"
)

// entriesAgree compares entries with the documents that turned in their commits: the order of a top-up, and the charge
// of what a cloud owes. Documents are read after the entries, so what was committed with an entry is there.
func (a *Auditor) entriesAgree(ctx context.Context, entries []wallet.Entry, report *Report) error {
	var keys []ledger.DocumentKey
	for _, e := range entries {
		if key, has := documentOf(e); has {
			keys = append(keys, key)
		}
	}
	if len(keys) == 0 {
		return nil
	}
	documents, err := a.Store.Documents(ctx, keys...)
	if err != nil {
		return err
	}
	for _, e := range entries {
		key, has := documentOf(e)
		if !has {
			continue
		}
		wrong := "it isn't there"
		if document, there := documents[key]; there && e.Kind == wallet.ToppedUp {
			wrong = wrongOrder(document, e)
		} else if there {
			wrong = wrongCharge(document, e)
		}
		if wrong != "" {
			report.find(Finding{Kind: DocumentDiffers, Number: e.Number, Key: e.Key, Detail: fmt.Sprintf("the %s %s: %s", key.Kind, key.ID, wrong)})
		}
	}
	return nil
}

// documentOf is the document that an entry's commit wrote.
func documentOf(e wallet.Entry) (ledger.DocumentKey, bool) {
	switch {
	case e.Kind == wallet.ToppedUp:
		order, online := strings.CutPrefix(string(e.Key), string(wallet.TopUpKey("")))
		return recharge.Key(order), online
	case len(charge.Of(e)) > 0:
		return charge.Key(e.Settlement.Bill), true
	}
	return ledger.DocumentKey{}, false
}

func wrongOrder(document ledger.Document, e wallet.Entry) string {
	order, err := ledger.Body[recharge.Order](document)
	credited := e.Sum(wallet.InCash).Add(e.Sum(wallet.InArrears))
	switch {
	case err != nil:
		return err.Error()
	case order.State != recharge.Credited:
		return fmt.Sprintf("it is %s, but was booked", order.State)
	case order.Account != e.Account:
		return fmt.Sprintf("it is of account %s", order.Account)
	case order.Amount() != credited:
		return fmt.Sprintf("it is about %s, but %s was booked", order.Amount(), credited)
	case order.Trade != e.Reference:
		return fmt.Sprintf("it was paid by %s, but %s was booked", order.Trade, e.Reference)
	}
	return ""
}

func wrongCharge(document ledger.Document, e wallet.Entry) string {
	kept, err := ledger.Body[charge.Charge](document)
	if err != nil {
		return err.Error()
	}
	owed, err := ledger.Body[charge.Charge](charge.Of(e)[0])
	if err != nil {
		return err.Error()
	}
	// How far it has come is no part of what is owed.
	owed.Status, owed.Record, owed.Previous, owed.Records = kept.Status, kept.Record, kept.Previous, kept.Records
	if owed != kept {
		return fmt.Sprintf("it tells %s %s for %s, but the bill owes %s %s", kept.Currency, kept.Amount, kept.Account, owed.Currency, owed.Amount)
	}
	return ""
}

// walk is a way through one of an account's lists of documents, newest first.
type walk struct {
	List   string `json:"list"`
	Before string `json:"before,omitempty"` // rank of the document that was compared last
}

// The lists that are walked.
const (
	orders = "recharges"
	codes  = "codes"
)

func walks() []walk { return []walk{{List: orders}, {List: codes}} }

// claim is what a document says about an entry.
type claim struct {
	what  string
	entry wallet.Key
	wrong func(e wallet.Entry) string
	err   error // the document can't be read, and says nothing
}

// documentsAgree looks, for some pages of documents, whether the entries that they name are there, and are theirs.
func (a *Auditor) documentsAgree(ctx context.Context, s *state, report *Report, pages int) error {
	for ; pages > 0 && len(s.Walks) > 0; pages-- {
		w := s.Walks[0]
		claims, last, err := a.claims(ctx, w, s.Account)
		if err != nil {
			return err
		}
		before := len(report.Findings)
		if err := a.settle(ctx, claims, report); err != nil {
			return err
		}
		if len(report.Findings) > before && len(s.Pages) < mostStanding {
			s.Pages = append(slices.Clone(s.Pages), w)
		}
		s.Walks = slices.Clone(s.Walks)
		if s.Walks[0].Before = last; last == "" {
			s.Walks = s.Walks[1:]
		}
	}
	return nil
}

// settle looks up what documents claim. One that can't be read, or names an entry that can't be, is found, and hides none
// of the others.
func (a *Auditor) settle(ctx context.Context, claims []claim, report *Report) error {
	var said []claim
	var keys []wallet.Key
	for _, c := range claims {
		if c.err != nil {
			report.find(Finding{Kind: Damaged, Key: c.entry, Detail: fmt.Sprintf("%s: %v", c.what, c.err)})
			continue
		}
		said, keys = append(said, c), append(keys, c.entry)
	}
	entries, err := a.Store.Entries(ctx, keys...)
	switch {
	case errors.Is(err, ledger.ErrDamaged) && len(said) == 1:
		report.find(Finding{Kind: Damaged, Key: keys[0], Detail: fmt.Sprintf("%s names an entry: %v", said[0].what, err)})
		return nil
	case errors.Is(err, ledger.ErrDamaged): // which of them?
		half := len(said) / 2
		return errors.Join(a.settle(ctx, said[:half], report), a.settle(ctx, said[half:], report))
	case err != nil:
		return err
	}
	for _, c := range said {
		wrong := "it isn't there"
		e, there := entries[c.entry]
		if there {
			wrong = c.wrong(e)
		}
		if wrong != "" {
			report.find(Finding{Kind: DocumentDiffers, Number: e.Number, Key: c.entry, Detail: fmt.Sprintf("%s names an entry: %s", c.what, wrong)})
		}
	}
	return nil
}

// claims reads a page of a walk; last is the rank to go on from, "" at the end.
func (a *Auditor) claims(ctx context.Context, w walk, account wallet.AccountID) (claims []claim, last string, err error) {
	if w.List == codes {
		return a.codeClaims(ctx, w, account)
	}
	documents, err := a.Store.List(ctx, recharge.ListOf(account), w.Before, pageSize)
	if err != nil {
		return nil, "", err
	}
	for _, document := range documents {
		last = document.Rank
		order, err := ledger.Body[recharge.Order](document)
		if err != nil {
			claims = append(claims, claim{what: "the order " + document.Key.ID, entry: wallet.TopUpKey(document.Key.ID), err: err})
		} else if order.State == recharge.Credited {
			claims = append(claims, claim{what: "the order " + order.ID, entry: wallet.TopUpKey(order.ID), wrong: func(e wallet.Entry) string { return wrongOrder(document, e) }})
		}
	}
	if len(documents) < pageSize {
		last = ""
	}
	return claims, last, nil
}

func (a *Auditor) codeClaims(ctx context.Context, w walk, account wallet.AccountID) (claims []claim, last string, err error) {
	uses, err := voucher.Used(ctx, a.Store, account, w.Before, pageSize)
	if err != nil {
		return nil, "", err
	}
	for _, use := range uses {
		last = use.Rank
		if use.Err != nil {
			claims = append(claims, claim{what: "the code used at " + use.Rank, entry: wallet.Key(use.Rank), err: use.Err})
			continue
		}
		claims = append(claims, claim{what: "the code " + use.Reference, entry: use.Entry, wrong: func(e wallet.Entry) string {
			if e.Kind != wallet.Activated || e.Account != use.Account || e.Reference != use.Reference || len(e.Lots) != 1 || e.Lots[0].Source != wallet.FromCode {
				return fmt.Sprintf("it is %s of %s for %s, not the activation of this code", e.Kind, e.Reference, e.Account)
			}
			return ""
		}})
	}
	if len(uses) < pageSize {
		last = ""
	}
	return claims, last, nil
}

// Charges compares a page of the charges that are pending at the cloud with their entries, over all accounts. next is
// the rank to go on from, "" at the end.
func (a *Auditor) Charges(ctx context.Context, before string) (found []Finding, next string, err error) {
	pending, next, err := charge.ListPending(ctx, a.Store, before, pageSize)
	if err != nil {
		return nil, "", err
	}
	for _, c := range pending {
		report := Report{Account: c.Account}
		err := a.settle(ctx, []claim{{what: "the cloud charge " + string(c.Bill), entry: wallet.BillKey(c.Bill), wrong: func(e wallet.Entry) string {
			if e.Account != c.Account || len(charge.Of(e)) == 0 {
				return "it owes the cloud nothing"
			}
			return wrongCharge(ledger.Document{}.With(c), e)
		}}}, &report)
		if err != nil {
			return found, "", err
		}
		found = append(found, report.Findings...)
	}
	return found, next, a.keep(ctx, found)
}
