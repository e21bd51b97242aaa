package poller

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"

	"billingcentre/infra/local/eventpattern"
)

const (
	// defaultStreamBatch is Lambda's BatchSize for streams.
	defaultStreamBatch = 100
	// defaultPoll is Lambda's: each shard four times a second.
	defaultPoll = 250 * time.Millisecond
	// discovery is how often new shards are looked for, unless one was closed.
	discovery = 10 * time.Second
	// firstBackoff doubles with each retry of a batch, up to maxBackoff.
	firstBackoff, maxBackoff = time.Second, time.Minute
)

// Streams is what a mapping needs of DynamoDB Streams: *dynamodbstreams.Client has it.
type Streams interface {
	DescribeStream(context.Context, *dynamodbstreams.DescribeStreamInput, ...func(*dynamodbstreams.Options)) (*dynamodbstreams.DescribeStreamOutput, error)
	GetShardIterator(context.Context, *dynamodbstreams.GetShardIteratorInput, ...func(*dynamodbstreams.Options)) (*dynamodbstreams.GetShardIteratorOutput, error)
	GetRecords(context.Context, *dynamodbstreams.GetRecordsInput, ...func(*dynamodbstreams.Options)) (*dynamodbstreams.GetRecordsOutput, error)
}

// StreamOptions are the properties of a DynamoDB event of a function that starts
// at TRIM_HORIZON.
type StreamOptions struct {
	Streams        Streams
	StreamARN      string
	Function       Invoker
	FunctionARN    string // told to the on-failure destination
	Region         string
	BatchSize      int                                          // 1 to 10,000; 100 if 0
	Window         time.Duration                                // MaximumBatchingWindowInSeconds: 0 to 300 s
	ReportFailures bool                                         // FunctionResponseTypes has ReportBatchItemFailures
	Bisect         bool                                         // BisectBatchOnFunctionError
	MaxRetries     *int                                         // MaximumRetryAttempts: 0 to 10,000; nil or -1 = for ever
	MaxRecordAge   time.Duration                                // MaximumRecordAgeInSeconds: 60 s to 7 days; 0 = for ever
	OnFailure      func(ctx context.Context, body string) error // DestinationConfig.OnFailure; nil = given-up records are only logged
	Filters        []string                                     // FilterCriteria: patterns of records, any of which will do; none = all records
	Checkpoint     string                                       // file that remembers the position
	Poll           time.Duration                                // between reads of an idle shard; 250 ms if 0
	Now            func() time.Time                             // time.Now if nil: the age of records, and what is told
	Logger         *slog.Logger                                 // slog.Default() if nil
}

// StreamMapping reads one stream for one function.
type StreamMapping struct {
	o         StreamOptions
	filters   []eventpattern.Pattern
	positions *positions
	work      sync.WaitGroup
	closed    chan string // shards that were read to their end
}

// NewStreamMapping refuses what Lambda's CreateEventSourceMapping would, and a
// checkpoint that can't be read: starting over silently would hide its loss.
func NewStreamMapping(o StreamOptions) (*StreamMapping, error) {
	o.BatchSize = cmp.Or(o.BatchSize, defaultStreamBatch)
	o.Poll = cmp.Or(o.Poll, defaultPoll)
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	o.Logger = o.Logger.With("stream", o.StreamARN)
	if o.Now == nil {
		o.Now = time.Now
	}
	switch {
	case o.Streams == nil || o.Function == nil || o.StreamARN == "" || o.Checkpoint == "":
		return nil, errors.New("stream mapping: streams, stream, function and checkpoint are required")
	case o.BatchSize < 1 || o.BatchSize > maxBatch:
		return nil, fmt.Errorf("stream mapping: BatchSize %d is not from 1 to %d", o.BatchSize, maxBatch)
	case o.Window < 0 || o.Window > maxWindow:
		return nil, fmt.Errorf("stream mapping: MaximumBatchingWindowInSeconds %v is not from 0 to %v", o.Window, maxWindow)
	case o.MaxRetries != nil && (*o.MaxRetries < -1 || *o.MaxRetries > 10_000):
		return nil, fmt.Errorf("stream mapping: MaximumRetryAttempts %d is not from -1 to 10000", *o.MaxRetries)
	case o.MaxRecordAge != 0 && (o.MaxRecordAge < time.Minute || o.MaxRecordAge > 7*24*time.Hour):
		return nil, fmt.Errorf("stream mapping: MaximumRecordAgeInSeconds %v is not from 1 minute to 7 days", o.MaxRecordAge)
	}
	filters := make([]eventpattern.Pattern, len(o.Filters))
	for i, text := range o.Filters {
		var err error
		if filters[i], err = eventpattern.Parse([]byte(text)); err != nil {
			return nil, fmt.Errorf("stream mapping: FilterCriteria: %w", err)
		}
	}
	kept, err := loadPositions(o.Checkpoint, o.StreamARN)
	if err != nil {
		return nil, err
	}
	return &StreamMapping{o: o, filters: filters, positions: kept, closed: make(chan string)}, nil
}

// Run reads the stream until ctx ends, and returns when the last invocation has.
// Each shard has a reader of its own, which begins when its parent was read to
// its end, or is no longer there.
func (m *StreamMapping) Run(ctx context.Context) {
	defer m.work.Wait()
	reading := map[string]bool{}
	for {
		shards, err := m.shards(ctx)
		if err != nil && ctx.Err() == nil {
			m.o.Logger.Error("stream not readable", "error", err)
			sleep(ctx, pause)
			continue
		}
		for _, shard := range m.ready(shards) {
			if !reading[shard] {
				reading[shard] = true
				m.work.Go(func() { m.read(ctx, shard) })
			}
		}
		timer := time.NewTimer(discovery)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-m.closed:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// shards lists all shards of the stream.
func (m *StreamMapping) shards(ctx context.Context) ([]types.Shard, error) {
	var shards []types.Shard
	var last *string
	for {
		out, err := m.o.Streams.DescribeStream(ctx, &dynamodbstreams.DescribeStreamInput{
			StreamArn: &m.o.StreamARN, ExclusiveStartShardId: last,
		})
		if err != nil {
			return nil, fmt.Errorf("describe the stream: %w", err)
		}
		shards = append(shards, out.StreamDescription.Shards...)
		if last = out.StreamDescription.LastEvaluatedShardId; last == nil {
			return shards, nil
		}
	}
}

// ready names the shards that may be read now: not at their end, and with a parent
// that is at its own, or is gone.
func (m *StreamMapping) ready(shards []types.Shard) []string {
	there := map[string]bool{}
	for _, shard := range shards {
		there[*shard.ShardId] = true
	}
	m.positions.prune(there)
	var ready []string
	for _, shard := range shards {
		parent := ""
		if shard.ParentShardId != nil {
			parent = *shard.ParentShardId
		}
		if !m.positions.at(*shard.ShardId).Closed && (!there[parent] || m.positions.at(parent).Closed) {
			ready = append(ready, *shard.ShardId)
		}
	}
	return ready
}

// read delivers a shard to its end.
func (m *StreamMapping) read(ctx context.Context, shard string) {
	reader := &shardReader{o: m.o, filters: m.filters, shard: shard, last: m.positions.at(shard).Sequence}
	delivery := &delivery{o: m.o, shard: shard, commit: func(sequence string) error {
		return m.positions.reached(shard, sequence)
	}}
	for ctx.Err() == nil {
		batch, passed, err := reader.gather(ctx)
		if len(batch) > 0 && !delivery.deliver(ctx, batch, 0) {
			return
		}
		delivery.settled(passed)
		if err != nil && ctx.Err() == nil {
			m.o.Logger.Error("shard not readable", "shard", shard, "error", err)
			sleep(ctx, pause)
		}
		if !reader.atEnd() {
			continue
		}
		if err := m.positions.close(shard); err != nil {
			m.o.Logger.Error("checkpoint not written", "shard", shard, "error", err)
		}
		select {
		case m.closed <- shard:
		case <-ctx.Done():
		}
		return
	}
}
