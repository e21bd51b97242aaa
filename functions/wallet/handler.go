package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"billingcentre/shared/api"
	"billingcentre/shared/charge"
	"billingcentre/shared/directory"
	"billingcentre/shared/ledger"
	"billingcentre/shared/wallet"
)

type handler struct {
	ledger    *ledger.Ledger
	directory *directory.Directory
	charges   *charge.Desk
	cursors   api.Cursors
}

func (h handler) routes() []api.Route {
	return []api.Route{
		{Key: "GET /v1/accounts/{account}/wallet", Handle: h.overview},
		{Key: "GET /v1/accounts/{account}/vouchers", Handle: h.vouchers},
		{Key: "GET /v1/accounts/{account}/cards", Handle: h.cards},
		{Key: "GET /v1/accounts/{account}/entries", Handle: h.entries},
		{Key: "GET /v1/accounts/{account}/entries/{number}/proof", Handle: h.proof},
		{Key: "GET /v1/accounts/{account}/bills", Handle: h.bills},
		{Key: "GET /v1/accounts/{account}/bills/{bill}", Handle: h.bill},
		{Key: "GET /v1/accounts/{account}/cloud-charges", Handle: h.cloudCharges},
		{Key: "GET /v1/accounts/{account}/cloud-charges/{bill}", Handle: h.cloudCharge},
		{Key: "POST /v1/accounts/{account}/bill-previews", Handle: h.preview},
		{Key: "GET /v1/accounts/{account}/arrears", Handle: h.arrears},
		{Key: "GET /v1/accounts/{account}/arrears-cases", Handle: h.arrearsCases},
		{Key: "GET /v1/accounts/{account}/arrears-cases/{case}", Handle: h.arrearsCase},
		{Key: "GET /v1/operator/arrears", Handle: h.debtors},
	}
}

// place is a page that a client asks for: of which account's list, from the entry before which number.
type place struct {
	account wallet.AccountID
	list    string
	before  int64
	limit   int
}

func (h handler) place(r *api.Request, name string) (place, error) {
	account := wallet.AccountID(r.Path("account"))
	if err := errors.Join(r.Caller.MayRead(account), r.OnlyQuery("limit", "cursor")); err != nil {
		return place{}, err
	}
	p := place{account: account, list: name + "#" + string(account)}
	position, limit, err := r.Place(h.cursors, p.list)
	p.limit = limit
	if err != nil || position == "" {
		return p, err
	}
	if p.before, err = strconv.ParseInt(position, 10, 64); err != nil {
		return place{}, fmt.Errorf("a signed cursor of %s: %w", p.list, err)
	}
	return p, nil
}

// cursor is the place of the entries before one; those of entry 1 are none.
func (h handler) cursor(p place, before int64) string {
	if before <= 1 {
		return ""
	}
	return h.cursors.Encode(p.list, strconv.FormatInt(before, 10))
}

const (
	readSize = 100 // entries read at once, after a first time of as many as are asked for
	maxReads = 5   // for one page
)

// lister is one of the ledger's lists of entries, newest first.
type lister func(ctx context.Context, account wallet.AccountID, before int64, limit int) ([]wallet.Entry, error)

// collect reads entries until a page is at least half full of those that keep wants. What a page costs is bounded:
// where wanted entries are rare, the page is short, or even empty, and its cursor goes on. next is 0 at the end.
func collect(ctx context.Context, p place, list lister, keep func(wallet.Entry) bool) (kept []wallet.Entry, next int64, err error) {
	next = p.before
	for size, reads := p.limit, 0; reads < maxReads && len(kept) < (p.limit+1)/2; size, reads = readSize, reads+1 {
		page, err := list(ctx, p.account, next, size)
		if err != nil {
			return nil, 0, err
		}
		for _, entry := range page {
			next = entry.Number
			if keep(entry) {
				kept = append(kept, entry)
			}
			if len(kept) == p.limit {
				return kept, next, nil
			}
		}
		if len(page) < size {
			return kept, 0, nil
		}
	}
	return kept, next, nil
}
