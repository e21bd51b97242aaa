package poller

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"

	"billingcentre/infra/local/eventpattern"
)

// maxRead is the most that GetRecords gives at once.
const maxRead = 1000

// shardReader reads one shard in order.
type shardReader struct {
	o        StreamOptions
	filters  []eventpattern.Pattern
	shard    string
	last     string        // sequence number of the last record read; "" = none yet
	iterator *string       // nil = to be asked for
	closed   bool          // nothing comes after what is pending
	pending  []shardRecord // read, but not in a batch yet
}

// atEnd says that every record of the shard was in a batch.
func (r *shardReader) atEnd() bool { return r.closed && len(r.pending) == 0 }

// gather waits for a first record, then for more until the batch is full, the
// window over or the shard at its end. It returns what it has, with an error if
// the stream had one. passed are the records behind the batch that the filters keep
// from the function: once the batch is settled, they are, too.
func (r *shardReader) gather(ctx context.Context) (batch, passed []shardRecord, err error) {
	size, end := len(envelope), time.Time{}
	for {
		for len(r.pending) > 0 {
			next := r.pending[0]
			switch {
			case !r.wanted(next):
				passed = append(passed[:0], next)
			case len(batch) == r.o.BatchSize || len(batch) > 0 && size+len(next.json)+1 > maxPayload:
				return batch, passed, nil
			default:
				batch, passed, size = append(batch, next), nil, size+len(next.json)+1
			}
			r.pending = r.pending[1:]
		}
		if r.closed || len(batch) == r.o.BatchSize || len(batch) == 0 && len(passed) > 0 {
			return batch, passed, nil
		}
		if len(batch) > 0 && end.IsZero() {
			end = time.Now().Add(r.o.Window)
		}
		if !end.IsZero() && !time.Now().Before(end) {
			return batch, passed, nil
		}
		if err := r.fetch(ctx, min(r.o.BatchSize-len(batch), maxRead)); err != nil {
			return batch, passed, err
		}
		if len(r.pending) == 0 && !r.closed && !sleep(ctx, r.idle(end)) {
			return batch, passed, ctx.Err()
		}
	}
}

// wanted tells whether a record goes to the function.
func (r *shardReader) wanted(record shardRecord) bool {
	matches := func(p eventpattern.Pattern) bool { return p.Matches(record.json) }
	return len(r.filters) == 0 || slices.ContainsFunc(r.filters, matches)
}

// idle is the time until the next read, within the window if there is one.
func (r *shardReader) idle(end time.Time) time.Duration {
	if end.IsZero() {
		return r.o.Poll
	}
	return min(r.o.Poll, time.Until(end))
}

// fetch reads once, into pending.
func (r *shardReader) fetch(ctx context.Context, limit int) error {
	if r.iterator == nil {
		if err := r.position(ctx); err != nil || r.iterator == nil {
			return err
		}
	}
	n := int32(limit)
	out, err := r.o.Streams.GetRecords(ctx, &dynamodbstreams.GetRecordsInput{ShardIterator: r.iterator, Limit: &n})
	if err != nil {
		r.iterator = nil // whatever it was, a new one goes on after the last record
		var expired *types.ExpiredIteratorException
		if errors.As(err, &expired) {
			return nil
		}
		return r.forgive(err)
	}
	for _, record := range out.Records {
		encoded, err := streamRecord(record, r.o.StreamARN, r.o.Region)
		if err != nil {
			r.iterator = nil
			return err
		}
		r.pending = append(r.pending, encoded)
		r.last = encoded.sequence
	}
	r.iterator = out.NextShardIterator
	r.closed = out.NextShardIterator == nil
	return nil
}

// position asks for an iterator after the last record read, or at the beginning.
func (r *shardReader) position(ctx context.Context) error {
	in := &dynamodbstreams.GetShardIteratorInput{
		StreamArn: &r.o.StreamARN, ShardId: &r.shard, ShardIteratorType: types.ShardIteratorTypeTrimHorizon,
	}
	if r.last != "" {
		in.ShardIteratorType, in.SequenceNumber = types.ShardIteratorTypeAfterSequenceNumber, &r.last
	}
	out, err := r.o.Streams.GetShardIterator(ctx, in)
	if err != nil {
		return r.forgive(fmt.Errorf("position in the shard: %w", err))
	}
	r.iterator = out.ShardIterator
	return nil
}

// forgive deals with what a stream loses after its 24 hours: go on with what is
// left, and say so, since nothing can bring the rest back.
func (r *shardReader) forgive(err error) error {
	var trimmed *types.TrimmedDataAccessException
	var gone *types.ResourceNotFoundException
	switch {
	case errors.As(err, &trimmed):
		r.o.Logger.Error("records were trimmed before they were read", "shard", r.shard, "after", r.last)
		r.last = ""
		return nil
	case errors.As(err, &gone):
		r.o.Logger.Error("shard is gone before it was read to its end", "shard", r.shard, "after", r.last)
		r.closed = true
		return nil
	}
	return err
}
