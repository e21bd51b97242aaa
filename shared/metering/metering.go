// Package metering is how clouds are told what their customers owe us: one small interface, a Meter, and an adapter for
// each cloud's marketplace behind it (README rule 20). An adapter turns records into its cloud's calls and tells of each
// what became of it. It keeps nothing and never tries twice: what is sent, what is sent again, and what a missing answer
// means, is decided by whoever writes it down first (shared/charge).
//
//	aws      AWS Marketplace Metering, BatchMeterUsage, by AWS's SDK
//	alibaba  Alibaba Cloud Marketplace, PushMeteringData
//	huawei   Huawei Cloud KooGallery, usage push (new)
//
// Every cloud meters whole numbers of a unit that the product's listing prices. Ours is the minor unit of the account's
// currency (README rule M1): the listing has one dimension for each currency, priced at one cent of it.
package metering

import (
	"context"
	"errors"
	"net"
	"time"
)

// Record is one customer's usage of one dimension at one time. Once it may have been sent it never changes: the same
// record again is the same bytes again.
type Record struct {
	ID        string // ours, unique for ever: 33 letters and digits
	Customer  string // the cloud's id of who pays
	License   string // AWS only: the licence's ARN; "" where the agreement has none
	Dimension string // as the product's listing calls it
	Quantity  int64  // minor units, above 0
	At        time.Time
}

// Span is the time before a record's instant that it is said to be about, where a cloud wants both ends of it. Alibaba
// Cloud asks for more than five minutes.
const Span = 10 * time.Minute

// Limits are what a cloud takes.
type Limits struct {
	Records  int           // in one call
	Quantity int64         // of one record
	Age      time.Duration // of one record, by its instant; an older one is refused
	// Again tells whether the same record may be sent again without being charged again. Where it may not, a missing
	// answer is a case for a person at once.
	Again bool
}

// Verdict is what became of one record in one call.
type Verdict string

// The verdicts. Only Unknown leaves open whether the customer is charged.
const (
	Accepted      Verdict = "accepted"       // charged, by this call or by the same record before
	NotSubscribed Verdict = "not_subscribed" // the cloud knows no such customer of ours
	Duplicate     Verdict = "duplicate"      // the cloud has another quantity for this hour, which isn't ours
	Refused       Verdict = "refused"        // for what the record is: sending it again won't help
	Busy          Verdict = "busy"           // nothing was done, and it isn't the record's fault: send it again later
	Unknown       Verdict = "unknown"        // no answer that tells
)

// Result is what a cloud said about one record.
type Result struct {
	Verdict   Verdict
	Code      string // the cloud's word for it, where it had one
	Detail    string
	Reference string // the cloud's own id of an accepted record, where it gives one
}

// Meter is one cloud's marketplace.
type Meter interface {
	Limits() Limits
	// Push sends at most Limits().Records records, and tells of each what became of it, in the same order.
	Push(ctx context.Context, records []Record) []Result
}

// Push sends records in one call, for adapters. A call that is refused as a whole for what is in it was refused for one
// of its records, and nothing of it was done: then each is sent alone, so that one can't take the others with it.
func Push(ctx context.Context, records []Record, call func(context.Context, []Record) []Result) []Result {
	if ctx.Err() != nil {
		return All(records, Result{Verdict: Busy, Detail: "There was no time left to send it."})
	}
	results := call(ctx, records)
	if len(records) == 1 || !refusedWhole(results) {
		return results
	}
	for i := range records {
		results[i] = Push(ctx, records[i:i+1], call)[0]
	}
	return results
}

func refusedWhole(results []Result) bool {
	for _, r := range results {
		if r != results[0] {
			return false
		}
	}
	return len(results) > 0 && (results[0].Verdict == Refused || results[0].Verdict == NotSubscribed)
}

// All gives each record the same result.
func All(records []Record, result Result) []Result {
	results := make([]Result, len(records))
	for i := range results {
		results[i] = result
	}
	return results
}

// Failed is the result of a call without an answer. One that never left this machine did nothing.
func Failed(err error) Result {
	var dial *net.OpError
	if errors.As(err, &dial) && dial.Op == "dial" {
		return Result{Verdict: Busy, Code: "unreachable", Detail: "The marketplace can't be reached."}
	}
	return Result{Verdict: Unknown, Code: "no_answer", Detail: "The marketplace didn't answer."}
}
