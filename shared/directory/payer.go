package directory

import (
	"context"
	"slices"
	"sync"
	"time"

	"billingcentre/shared/ledger"
	"billingcentre/shared/refusal"
	"billingcentre/shared/wallet"
)

const (
	together   = 100         // workspaces that one read of the store asks for
	remembered = 20_000      // payers kept in memory, some 200 bytes each
	settledAge = time.Minute // how long a day must be over before its payer is remembered: clocks differ
)

// Payment is who settles a bill, and how; or why that can't be told.
type Payment struct {
	Account wallet.AccountID
	Settle  wallet.Settle
	Err     error
}

// Settle finds the account that settles a bill: the one that the workspace was bound to at the day's end, by the
// method of that instant (README rule 18). NotFound means that there is none, yet.
func (d *Directory) Settle(ctx context.Context, bill wallet.Bill) (wallet.AccountID, wallet.Settle, error) {
	p := d.SettleAll(ctx, []wallet.Bill{bill})[0]
	return p.Account, p.Settle, p.Err
}

// SettleAll is Settle for many bills, with as few reads as they need. What becomes of one never stops another.
func (d *Directory) SettleAll(ctx context.Context, bills []wallet.Bill) []Payment {
	found := d.find(ctx, bills)
	payments := make([]Payment, len(bills))
	for i, bill := range bills {
		p := found[placeOf(bill)]
		payments[i] = Payment{p.account, wallet.Settle{Bill: bill, DayEnd: p.dayEnd, Method: p.method, Cloud: p.cloud}, p.err}
	}
	return payments
}

// place is what a payer is found for.
type place struct {
	workspace wallet.WorkspaceID
	day       string
}

func placeOf(bill wallet.Bill) place { return place{bill.Workspace, bill.Day} }

// payer is who pays for a place.
type payer struct {
	account wallet.AccountID
	dayEnd  time.Time
	method  wallet.Method
	cloud   wallet.CloudAccount
	err     error
}

// payers remembers who paid for days that are over: a binding of a past day never changes. That there was none isn't
// remembered, since an operator may bind from a past instant.
type payers struct {
	mu sync.Mutex
	of map[place]payer
}

func (p *payers) get(at place) (payer, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	found, ok := p.of[at]
	return found, ok
}

func (p *payers) put(at place, found payer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.of == nil || len(p.of) >= remembered {
		p.of = make(map[place]payer)
	}
	p.of[at] = found
}

// find tells the payers of the bills' places, from memory or from the store.
func (d *Directory) find(ctx context.Context, bills []wallet.Bill) map[place]payer {
	found := make(map[place]payer, len(bills))
	missing := make(map[wallet.WorkspaceID][]place)
	for _, bill := range bills {
		at := placeOf(bill)
		if _, seen := found[at]; seen {
			continue
		}
		known, ok := d.payers.get(at)
		if found[at] = known; !ok {
			missing[at.workspace] = append(missing[at.workspace], at)
		}
	}
	keys := make([]ledger.DocumentKey, 0, len(missing))
	for id := range missing {
		keys = append(keys, workspaceKey(id))
	}
	for chunk := range slices.Chunk(keys, together) {
		documents, err := d.Store.Documents(ctx, chunk...)
		for _, key := range chunk {
			document, exists := documents[key]
			d.resolve(document, exists, err, missing[wallet.WorkspaceID(key.ID)], found)
		}
	}
	return found
}

// resolve tells the payers of one workspace's days.
func (d *Directory) resolve(document ledger.Document, exists bool, err error, places []place, found map[place]payer) {
	var w Workspace
	if err == nil && exists {
		w, err = ledger.Body[Workspace](document)
	}
	for _, at := range places {
		p := payer{err: err}
		if err == nil {
			p = w.payer(at.day)
		}
		if p.err == nil && d.Now().Sub(p.dayEnd) >= settledAge {
			d.payers.put(at, p)
		}
		found[at] = p
	}
}

// payer is who pays for a day of the workspace.
func (w *Workspace) payer(day string) payer {
	if len(w.Bindings) == 0 {
		return payer{err: refusal.Of(refusal.NotFound, "Nobody knows the workspace.")}
	}
	zone, err := Zone(w.Zone)
	if err != nil {
		return payer{err: err}
	}
	end, err := DayEnd(day, zone)
	if err != nil {
		return payer{err: err}
	}
	b := w.Before(end)
	if b.Account == "" {
		return payer{err: refusal.Of(refusal.NotFound, "The workspace was bound to no account at the end of %s.", day)}
	}
	return payer{account: b.Account, dayEnd: end, method: b.Method, cloud: b.Cloud}
}
