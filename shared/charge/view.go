package charge

import (
	"context"

	"billingcentre/shared/api"
	"billingcentre/shared/ledger"
	"billingcentre/shared/refusal"
	"billingcentre/shared/wallet"
)

// View is a charge as people see it: with its record, if it is in one.
type View struct {
	Charge
	In Record // the zero record while it is pending
}

// Status is how far the charge has come: once it is in a record, as far as that.
func (v View) Status() Status {
	if v.Charge.Status != Sent {
		return v.Charge.Status
	}
	switch v.In.State {
	case RecordAccepted:
		return Accepted
	case RecordCase:
		return Rejected
	case RecordReleasing:
		return Pending
	case RecordWrittenOff:
		return WrittenOff
	}
	return Sent
}

// Told is a charge as routes tell it.
type Told struct {
	Bill       string              `json:"bill_id"`
	Account    string              `json:"account_id"`
	Workspace  string              `json:"workspace_id"`
	Day        string              `json:"day"`
	Cloud      wallet.CloudAccount `json:"cloud"`
	Amount     string              `json:"amount"`
	Currency   string              `json:"currency"`
	Status     Status              `json:"status"`
	SettledAt  string              `json:"settled_at"`
	Record     string              `json:"record_id,omitempty"`
	SentAt     string              `json:"sent_at,omitempty"`
	AcceptedAt string              `json:"accepted_at,omitempty"`
	Previous   string              `json:"previous_record_id,omitempty"` // it was in that one before, which was a case
}

// Told is the charge as routes tell it.
func (v View) Told() Told {
	told := Told{
		Bill: string(v.Bill), Account: string(v.Account), Workspace: string(v.Workspace), Day: v.Day, Cloud: v.Cloud, Amount: v.Amount,
		Currency: string(v.Currency), Status: v.Status(), SettledAt: api.Instant(v.At), Record: v.Record, SentAt: api.Instant(v.In.SentAt), Previous: v.Previous,
	}
	if told.Status == Accepted {
		told.AcceptedAt = api.Instant(v.In.EndedAt)
	}
	return told
}

// Of is an account's charge of a bill. Somebody else's is not found.
func (d *Desk) Of(ctx context.Context, account wallet.AccountID, bill wallet.BillID) (View, error) {
	none := refusal.Of(refusal.NotFound, "The account has no such cloud charge.")
	c, err := Get(ctx, d.Store, bill)
	switch {
	case refusal.Is(err, refusal.NotFound) || err == nil && c.Account != account:
		return View{}, none
	case err != nil:
		return View{}, err
	}
	views, err := d.views(ctx, []Charge{c})
	if err != nil {
		return View{}, err
	}
	return views[0], nil
}

// Charges lists an account's charges, the last settled first. It costs a constant number of reads a page.
func (d *Desk) Charges(ctx context.Context, account wallet.AccountID, before string, limit int) (views []View, next string, err error) {
	places, err := d.Store.List(ctx, listOf(account), before, limit)
	if err != nil || len(places) == 0 {
		return nil, "", err
	}
	keys := make([]ledger.DocumentKey, len(places))
	for i, place := range places {
		keys[i] = Key(wallet.BillID(place.Key.ID))
	}
	found, err := d.Store.Documents(ctx, keys...)
	if err != nil {
		return nil, "", err
	}
	charges := make([]Charge, len(keys))
	for i, key := range keys {
		if charges[i], err = ledger.Body[Charge](found[key]); err != nil {
			return nil, "", err
		}
	}
	if views, err = d.views(ctx, charges); err == nil && len(places) == limit {
		next = places[limit-1].Rank
	}
	return views, next, err
}

// Within lists the charges in a record, those that were settled first first.
func (d *Desk) Within(ctx context.Context, r Record, before string, limit int) (views []View, next string, err error) {
	charges, next, err := ledger.PageOf[Charge](ctx, d.Store, recordList(r.ID), before, limit)
	for _, c := range charges {
		views = append(views, View{c, r})
	}
	return views, next, err
}

// Records lists records by one of RecordLists: open ones by when they are due, others the last that ended first. Those
// that can't be read are left out.
func (d *Desk) Records(ctx context.Context, which, before string, limit int) (records []Record, next string, err error) {
	return readable(ctx, d.Store, "cloud-records#"+which, before, limit, func(d ledger.Document) (Record, error) {
		r, err := hold(d)
		return r.Record, err
	})
}

// views brings charges together with their records.
func (d *Desk) views(ctx context.Context, charges []Charge) ([]View, error) {
	var keys []ledger.DocumentKey
	asked := map[string]bool{}
	for _, c := range charges {
		if c.Record != "" && !asked[c.Record] {
			asked[c.Record] = true
			keys = append(keys, RecordKey(c.Record))
		}
	}
	found := map[ledger.DocumentKey]ledger.Document{}
	if len(keys) > 0 {
		var err error
		if found, err = d.Store.Documents(ctx, keys...); err != nil {
			return nil, err
		}
	}
	views := make([]View, len(charges))
	for i, c := range charges {
		views[i].Charge = c
		if c.Record == "" {
			continue
		}
		var err error
		if views[i].In, err = ledger.Body[Record](found[RecordKey(c.Record)]); err != nil {
			return nil, err
		}
	}
	return views, nil
}
