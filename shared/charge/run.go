package charge

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"billingcentre/shared/ledger"
	"billingcentre/shared/metering"
	"billingcentre/shared/money"
	"billingcentre/shared/quarantine"
)

// Market is how one cloud's customers are metered.
type Market struct {
	Meter      metering.Meter
	Dimensions map[money.Currency]string // of the product's listing, priced at one minor unit of the currency
}

// Desk brings charges to their clouds.
type Desk struct {
	Store   ledger.Store
	Now     func() time.Time
	Log     *slog.Logger
	Markets map[string]Market // by provider
	Hands   int               // writes at once; 0 is one
	// Quarantine shows an operator what can't be read; nil is nowhere but in the log.
	Quarantine *quarantine.Quarantine
	Wait       ledger.Wait // before another try of a write
}

// Round is what one run did.
type Round struct {
	Gathered int `json:"gathered"` // charges that went into records
	Sent     int `json:"sent"`     // records that a cloud was told of, again or for the first time
	Accepted int `json:"accepted"`
	Cases    int `json:"cases"`
	Waiting  int `json:"waiting"`  // sent, without an outcome
	Released int `json:"released"` // charges of cases that are pending again
	Failed   int `json:"failed"`   // left where it was for a fault of ours
	Aside    int `json:"aside"`    // left out, since it can't be read
}

const (
	roundMost = 2_000 // open records that one run goes on with
	lease     = 5 * time.Minute
	mostWait  = 15 * time.Minute
	hurry     = 2 * time.Minute // before a cloud stops taking a record, it is too late for another try
)

// held is a record as it was loaded or written.
type held struct {
	Record
	document ledger.Document
}

// Run makes a round: records that are due go on, pending charges are gathered, and all of that is sent. It begins
// nothing new after the context's deadline less a reserve.
func (d *Desk) Run(ctx context.Context, reserve time.Duration) (Round, error) {
	var round Round
	inTime := func() bool {
		deadline, bounded := ctx.Deadline()
		return ctx.Err() == nil && (!bounded || time.Until(deadline) > reserve)
	}
	due, err := d.due(ctx, inTime, &round)
	if err != nil {
		return round, err
	}
	d.goOn(ctx, due, inTime, &round)
	gathered, err := d.gather(ctx, inTime, &round)
	d.goOn(ctx, gathered, inTime, &round)
	return round, err
}

// goOn takes records one step further: charges of cases come out of them, all others are sent, cloud by cloud.
func (d *Desk) goOn(ctx context.Context, records []held, inTime func() bool, round *Round) {
	byProvider := map[string][]held{}
	var order []string
	for _, r := range records {
		if r.State == RecordReleasing {
			if inTime() {
				d.noted(ctx, r, round, d.release(ctx, r, round))
			}
			continue
		}
		if byProvider[r.Cloud.Provider] == nil {
			order = append(order, r.Cloud.Provider)
		}
		byProvider[r.Cloud.Provider] = append(byProvider[r.Cloud.Provider], r)
	}
	for _, provider := range order {
		d.send(ctx, d.Markets[provider], byProvider[provider], inTime, round)
	}
}

// each does something to each of several, so many at once as the desk has hands, and adds up what was done.
func each[T any](d *Desk, items []T, sum *Round, do func(i int, item T, round *Round)) {
	rounds := make([]Round, len(items))
	if d.Hands <= 1 {
		for i, item := range items {
			do(i, item, &rounds[i])
		}
	} else {
		var group errgroup.Group
		group.SetLimit(d.Hands)
		for i, item := range items {
			group.Go(func() error {
				do(i, item, &rounds[i])
				return nil
			})
		}
		_ = group.Wait() // what failed is in the rounds
	}
	for _, r := range rounds {
		sum.add(r)
	}
}

func (r *Round) add(o Round) {
	r.Gathered, r.Sent, r.Accepted, r.Cases = r.Gathered+o.Gathered, r.Sent+o.Sent, r.Accepted+o.Accepted, r.Cases+o.Cases
	r.Waiting, r.Released, r.Failed = r.Waiting+o.Waiting, r.Released+o.Released, r.Failed+o.Failed
	r.Aside += o.Aside
}

func (d *Desk) noted(ctx context.Context, r held, round *Round, err error) {
	if err != nil && !errors.Is(err, ledger.ErrStale) {
		round.Failed++
		d.Log.WarnContext(ctx, "a record couldn't go on", "record", r.ID, "state", r.State, "error", err.Error())
	}
}

// due are the open records whose time has come, soonest first.
func (d *Desk) due(ctx context.Context, inTime func() bool, round *Round) ([]held, error) {
	var due []held
	before, last := "", ledger.SoonestFirst(d.Now(), "")
	for len(due) < roundMost && inTime() {
		page, err := d.Store.List(ctx, openRecords, before, pageSize)
		if err != nil {
			return nil, err
		}
		for _, document := range page {
			if document.Rank < last {
				return due, nil // due ranks above now's; the rest is later
			}
			before = document.Rank
			if r, err := hold(document); err != nil {
				d.aside(ctx, document, err, round)
			} else {
				due = append(due, r)
			}
		}
		if len(page) < pageSize {
			return due, nil
		}
	}
	return due, nil
}

// send sends records of one cloud, as many at once as it takes. Those that can't be sent any more become cases.
func (d *Desk) send(ctx context.Context, market Market, records []held, inTime func() bool, round *Round) {
	var ready []held
	for _, r := range records {
		why := d.hopeless(market, r.Record)
		if why == "" {
			ready = append(ready, r)
		} else if inTime() {
			d.noted(ctx, r, round, d.conclude(ctx, r, r.into(why, d.Now()), round))
		}
	}
	if len(ready) == 0 {
		return
	}
	for batch := range slices.Chunk(ready, min(market.Meter.Limits().Records, ledger.MaxActions/2)) {
		if inTime() {
			d.push(ctx, market.Meter, batch, round)
		}
	}
}

// hopeless tells why a record can't be sent, or not any more; "" when it can.
func (d *Desk) hopeless(market Market, r Record) Why {
	if market.Meter == nil || r.Dimension == "" {
		if r.Doubtful {
			return Unanswered
		}
		return NotConfigured
	}
	limits := market.Meter.Limits()
	switch {
	case r.Minor > limits.Quantity:
		return TooLarge
	case r.Doubtful && !limits.Again:
		return Unanswered
	case d.Now().After(r.At.Add(limits.Age - hurry)):
		return TooLate
	}
	return ""
}

// push writes down that the records are sent, and then sends them: from the write on a record is doubtful, until an
// answer says more. Whoever finds it so after a crash sends the very same again, or asks a person.
func (d *Desk) push(ctx context.Context, meter metering.Meter, batch []held, round *Round) {
	now := d.Now().UTC()
	var told []held
	documents := make([]ledger.Document, len(batch))
	records := make([]metering.Record, len(batch))
	for i, r := range batch {
		next := r.Record
		next.State, next.Doubtful, next.Tries, next.DueAt = RecordSent, true, r.Tries+1, now.Add(lease)
		if next.SentAt.IsZero() {
			next.SentAt = now
		}
		documents[i], records[i] = next.document(r.document), next.metering()
		document := r.document
		document.Version++
		told = append(told, held{next, document})
	}
	err := d.Store.Put(ctx, documents...)
	if errors.Is(err, ledger.ErrStale) && len(batch) > 1 {
		for i := range batch { // somebody else is at one of them
			d.push(ctx, meter, batch[i:i+1], round)
		}
		return
	}
	if err != nil {
		d.noted(ctx, batch[0], round, err)
		return
	}
	results := meter.Push(ctx, records)
	round.Sent += len(batch)
	each(d, told, round, func(i int, r held, round *Round) {
		next := r.after(batch[i].Doubtful, results[i], meter.Limits().Again, d.Now())
		d.noted(ctx, r, round, d.conclude(ctx, r, next, round))
	})
}
