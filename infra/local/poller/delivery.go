package poller

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"time"
)

// delivery brings one batch of a shard to the function.
type delivery struct {
	o      StreamOptions
	shard  string
	commit func(sequence string) error // the position, once everything up to there is settled
}

// deliver invokes until every record is processed or given up, in order. retries
// is how often this batch was retried already: splitting it doesn't count. It
// says if it came to the end; otherwise ctx ended first, and the rest stays.
func (d *delivery) deliver(ctx context.Context, batch []shardRecord, retries int) bool {
	for {
		if ctx.Err() != nil {
			return false
		}
		done, err := d.invoke(context.WithoutCancel(ctx), batch)
		d.settled(batch[:done])
		if done == len(batch) {
			return true
		}
		d.o.Logger.Warn("batch failed", "shard", d.shard, "records", len(batch), "done", done, "retries", retries, "error", err)
		whole := len(batch)
		batch = batch[done:]
		switch {
		case d.o.Bisect && done > 0:
			// The answer split it: the rest is a batch of its own.
		case d.o.Bisect && whole > 1:
			half := len(batch) / 2
			return d.deliver(ctx, batch[:half], retries) && d.deliver(ctx, batch[half:], retries)
		case d.exhausted(batch, retries):
			return d.giveUp(ctx, batch, retries)
		default:
			if !sleep(ctx, backoff(retries)) {
				return false
			}
			retries++
		}
	}
}

// invoke runs the function once and says how many records, from the first, are
// done. err is why not all are.
func (d *delivery) invoke(ctx context.Context, batch []shardRecord) (done int, err error) {
	records, index := make([][]byte, len(batch)), make(map[string]int, len(batch))
	for i, r := range batch {
		records[i], index[r.sequence] = r.json, i
	}
	answer, err := d.o.Function.Invoke(ctx, event(records))
	if err != nil {
		return 0, err
	}
	if !d.o.ReportFailures {
		return len(batch), nil
	}
	failed, err := failures(answer, index)
	if err != nil {
		return 0, err
	}
	done = len(batch)
	for _, i := range failed {
		done = min(done, i) // Lambda goes on from the lowest
	}
	if done < len(batch) {
		err = fmt.Errorf("record %s was reported", batch[done].sequence)
	}
	return done, err
}

// settled remembers how far it came. A position that can't be written costs a
// repetition after a restart, no record.
func (d *delivery) settled(records []shardRecord) {
	if len(records) == 0 {
		return
	}
	if err := d.commit(records[len(records)-1].sequence); err != nil {
		d.o.Logger.Error("checkpoint not written", "shard", d.shard, "error", err)
	}
}

func (d *delivery) exhausted(batch []shardRecord, retries int) bool {
	if d.o.MaxRetries != nil && *d.o.MaxRetries >= 0 && retries >= *d.o.MaxRetries {
		return true
	}
	return d.tooOld(batch)
}

func (d *delivery) tooOld(batch []shardRecord) bool {
	return d.o.MaxRecordAge > 0 && d.o.Now().Sub(batch[0].created) > d.o.MaxRecordAge
}

// giveUp tells the on-failure destination where the batch is in the stream, and
// goes on. As long as the destination doesn't take it, nothing is given up.
func (d *delivery) giveUp(ctx context.Context, batch []shardRecord, retries int) bool {
	body, err := json.Marshal(d.discarded(batch, retries))
	for attempt := 0; err == nil && d.o.OnFailure != nil; attempt++ {
		failure := d.o.OnFailure(ctx, string(body))
		if failure == nil {
			break
		}
		d.o.Logger.Error("on-failure destination failed", "shard", d.shard, "error", failure)
		if !sleep(ctx, backoff(attempt)) {
			return false
		}
	}
	d.o.Logger.Error("records given up", "shard", d.shard, "records", len(batch), "first", batch[0].sequence,
		"last", batch[len(batch)-1].sequence, "error", err)
	d.settled(batch)
	return true
}

func backoff(retries int) time.Duration {
	return min(firstBackoff<<min(retries, 10), maxBackoff)
}

// discarded is what Lambda sends to the on-failure destination of a stream: not
// the records, but where they are.
type discarded struct {
	RequestContext struct {
		RequestID    string `json:"requestId"`
		FunctionARN  string `json:"functionArn"`
		Condition    string `json:"condition"`
		InvokeCounts int    `json:"approximateInvokeCount"`
	} `json:"requestContext"`
	ResponseContext struct {
		StatusCode      int    `json:"statusCode"`
		ExecutedVersion string `json:"executedVersion"`
		FunctionError   string `json:"functionError"`
	} `json:"responseContext"`
	Version   string    `json:"version"`
	Timestamp time.Time `json:"timestamp"`
	Batch     struct {
		ShardID      string    `json:"shardId"`
		Start        string    `json:"startSequenceNumber"`
		End          string    `json:"endSequenceNumber"`
		FirstArrival time.Time `json:"approximateArrivalOfFirstRecord"`
		LastArrival  time.Time `json:"approximateArrivalOfLastRecord"`
		Size         int       `json:"batchSize"`
		StreamARN    string    `json:"streamArn"`
	} `json:"DDBStreamBatchInfo"`
}

func (d *delivery) discarded(batch []shardRecord, retries int) discarded {
	var told discarded
	first, last := batch[0], batch[len(batch)-1]
	told.RequestContext.RequestID = rand.Text()
	told.RequestContext.FunctionARN = d.o.FunctionARN
	told.RequestContext.Condition = "RetryAttemptsExhausted"
	if d.tooOld(batch) {
		told.RequestContext.Condition = "RecordAgeExceeded"
	}
	told.RequestContext.InvokeCounts = retries + 1
	told.ResponseContext.StatusCode = 200
	told.ResponseContext.ExecutedVersion = "$LATEST"
	told.ResponseContext.FunctionError = "Unhandled"
	told.Version = "1.0"
	told.Timestamp = d.o.Now().UTC().Truncate(time.Millisecond)
	told.Batch.ShardID = d.shard
	told.Batch.Start, told.Batch.End = first.sequence, last.sequence
	told.Batch.FirstArrival, told.Batch.LastArrival = first.created, last.created
	told.Batch.Size = len(batch)
	told.Batch.StreamARN = d.o.StreamARN
	return told
}
