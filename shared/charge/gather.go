package charge

import (
	"context"
	"errors"
	"math"
	"slices"
	"strconv"
	"time"

	"billingcentre/shared/ledger"
	"billingcentre/shared/money"
	"billingcentre/shared/refusal"
)

const (
	pageSize   = 100
	mostAtOnce = 5_000                 // pending charges that one run looks at
	together   = ledger.MaxActions - 2 // charges that one write puts into a record
	behind     = time.Minute           // of a record's instant: clouds take nothing from the future, and clocks differ
	regathers  = 5                     // tries of a write that others got in the way of
)

// payer is whose charges go into one record.
type payer struct {
	cloud    cloud
	currency money.Currency
}

// pending is a charge to be gathered, as it was loaded.
type pending struct {
	Charge
	document ledger.Document
	minor    int64
}

// gather puts pending charges into records, one for each customer, as far as the hour has none of his yet. The rest
// waits for the next hour. What couldn't be gathered now is counted, and stays pending.
func (d *Desk) gather(ctx context.Context, inTime func() bool, round *Round) ([]held, error) {
	at := d.Now().UTC().Add(-behind).Truncate(time.Second)
	order, groups, err := d.waiting(ctx, at, inTime, round)
	if err != nil {
		return nil, err
	}
	formed := make([][]held, len(order))
	each(d, order, round, func(i int, who payer, round *Round) {
		if !inTime() {
			return
		}
		var err error
		formed[i], err = d.form(ctx, who, at, groups[who])
		for _, r := range formed[i] {
			round.Gathered += r.Charges
		}
		if err != nil {
			round.Failed++
			d.Log.WarnContext(ctx, "charges couldn't be gathered", "provider", who.cloud.Provider, "customer", who.cloud.Customer, "error", err.Error())
		}
	})
	return slices.Concat(formed...), nil
}

// waiting are the pending charges by who pays, those that have waited longest first. Those of customers who have their
// record of this hour wait on, and stand in nobody's way.
func (d *Desk) waiting(ctx context.Context, at time.Time, inTime func() bool, round *Round) (order []payer, groups map[payer][]pending, err error) {
	groups = map[payer][]pending{}
	served := map[payer]bool{}
	before := ""
	for seen := 0; seen < mostAtOnce && inTime(); {
		page, err := d.Store.List(ctx, pendingList, before, pageSize)
		if err != nil {
			return nil, nil, err
		}
		for _, document := range page {
			before = document.Rank
			c, err := load(document)
			if err != nil {
				d.aside(ctx, document, err, round)
				continue
			}
			who := payer{c.Cloud, c.Currency}
			if _, met := served[who]; !met {
				if served[who], err = d.served(ctx, who, at); err != nil {
					return nil, nil, err
				}
				if !served[who] {
					order = append(order, who)
				}
			}
			if !served[who] {
				groups[who] = append(groups[who], c)
				seen++
			}
		}
		if len(page) < pageSize {
			break
		}
	}
	return order, groups, nil
}

// served tells whether a customer has his record of the hour.
func (d *Desk) served(ctx context.Context, who payer, at time.Time) (bool, error) {
	found, err := d.Store.Documents(ctx, RecordKey(d.blank(who, at).ID))
	return len(found) > 0, err
}

// blank is the record of a customer's hour, without charges.
func (d *Desk) blank(who payer, at time.Time) Record {
	dimension := d.Markets[who.cloud.Provider].Dimensions[who.currency]
	return Record{
		ID:    idOf(who.cloud.Provider, who.cloud.Customer, string(who.currency), dimension, hourOf(at)),
		Cloud: who.cloud, Currency: who.currency, Dimension: dimension, At: at, State: RecordGathering, DueAt: at,
	}
}

// form makes the record of a payer's charges for this hour. A charge that is too large for any record gets one of its
// own, which becomes a case.
func (d *Desk) form(ctx context.Context, who payer, at time.Time, charges []pending) ([]held, error) {
	most := int64(math.MaxInt64)
	if meter := d.Markets[who.cloud.Provider].Meter; meter != nil {
		most = meter.Limits().Quantity
	}
	var formed []held
	var fitting []pending
	for _, c := range charges {
		if c.minor <= most {
			fitting = append(fitting, c)
			continue
		}
		own := d.blank(who, at)
		own.ID = idOf("large", string(c.Bill), strconv.Itoa(c.Records))
		r, err := d.fill(ctx, own, []pending{c}, math.MaxInt64)
		if formed = append(formed, r...); err != nil {
			return formed, err
		}
	}
	r, err := d.fill(ctx, d.blank(who, at), fitting, most)
	return append(formed, r...), err
}

// fill writes a record that doesn't exist yet with as many of the charges as its sum allows, some at a time. One that
// exists is taken: the hour has its record, and others are at it, or were.
func (d *Desk) fill(ctx context.Context, r Record, charges []pending, most int64) ([]held, error) {
	if len(charges) == 0 {
		return nil, nil
	}
	document := ledger.Document{Key: RecordKey(r.ID)}
	found, err := d.Store.Documents(ctx, document.Key, customerKey(r.Cloud))
	if err != nil {
		return nil, err
	}
	if _, taken := found[document.Key]; taken {
		return nil, nil
	}
	if link, known := found[customerKey(r.Cloud)]; known {
		customer, err := ledger.Body[Customer](link)
		if err != nil {
			return nil, err
		}
		r.License = customer.License
	}
	r.Account = charges[0].Account
	for part := range slices.Chunk(charges, together) {
		full, err := d.put(ctx, &r, &document, part, most)
		if err != nil {
			if document.Version == 0 {
				return nil, err
			}
			break // what is in it is in it, and goes on its way
		}
		if full {
			break
		}
	}
	if document.Version == 0 {
		return nil, nil
	}
	return []held{{r, document}}, nil
}

// put writes some charges into a record, in one write with it. Charges that somebody else has turned meanwhile drop out.
func (d *Desk) put(ctx context.Context, r *Record, document *ledger.Document, part []pending, most int64) (full bool, err error) {
	for range regathers {
		next, documents := *r, []ledger.Document{}
		for _, c := range part {
			if full = next.Minor > most-c.minor; full {
				break
			}
			next.Minor, next.Charges = next.Minor+c.minor, next.Charges+1
			c.Status, c.Record, c.Records = Sent, r.ID, c.Records+1
			documents = append(documents, c.Charge.document(c.document))
		}
		if len(documents) == 0 {
			return full, nil
		}
		err = d.Store.Put(ctx, append(documents, next.document(*document))...)
		if err == nil {
			*r = next
			document.Version++
			return full, nil
		}
		if !errors.Is(err, ledger.ErrStale) {
			return full, err
		}
		if part, err = d.still(ctx, part); err != nil {
			return full, err
		}
		_, now, err := ledger.Read[Record](ctx, d.Store, document.Key)
		if err != nil && !refusal.Is(err, refusal.NotFound) {
			return full, err
		}
		if now.Version != document.Version {
			return true, nil // somebody else goes on with it
		}
	}
	return full, ledger.ErrContended
}

// still are those of the charges that are pending now, loaded anew.
func (d *Desk) still(ctx context.Context, part []pending) ([]pending, error) {
	keys := make([]ledger.DocumentKey, len(part))
	for i, c := range part {
		keys[i] = Key(c.Bill)
	}
	found, err := d.Store.Documents(ctx, keys...)
	if err != nil {
		return nil, err
	}
	var left []pending
	for i := range part {
		now, err := load(found[keys[i]])
		if err == nil && now.Status == Pending { // what can't be read any more is met by the next round
			left = append(left, now)
		}
	}
	return left, nil
}
