package poller

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"billingcentre/infra/local/sqs"
)

const (
	// defaultQueueBatch and defaultConcurrency are what Lambda begins with.
	defaultQueueBatch  = 10
	defaultConcurrency = 5
	// maxBatch is the greatest BatchSize, of queues and of streams.
	maxBatch = 10_000
	// maxWindow is the greatest MaximumBatchingWindowInSeconds.
	maxWindow = 300 * time.Second
	// longPoll is one wait for a first message.
	longPoll = 20 * time.Second
	// pause after an error of the source, before it is asked again.
	pause = time.Second
)

// Queue is what a mapping needs of a queue: *sqs.Queue has it.
type Queue interface {
	ARN() string
	Receive(ctx context.Context, r sqs.Receipt) ([]sqs.Message, error)
	Delete(receiptHandle string) error
}

// QueueOptions are the properties of an SQS event of a function.
type QueueOptions struct {
	Queue          Queue
	Function       Invoker
	Region         string
	BatchSize      int           // 1 to 10,000; 10 if 0. Above 10 it needs a Window of a second
	Window         time.Duration // MaximumBatchingWindowInSeconds: 0 to 300 s, since the first message
	Concurrency    int           // ScalingConfig.MaximumConcurrency: 2 to 1,000; 5 if 0
	ReportFailures bool          // FunctionResponseTypes has ReportBatchItemFailures
	Logger         *slog.Logger  // slog.Default() if nil
}

// QueueMapping reads one queue for one function.
type QueueMapping struct {
	o     QueueOptions
	slots chan struct{} // one for each invocation that runs
	work  sync.WaitGroup
}

// NewQueueMapping refuses what Lambda's CreateEventSourceMapping would.
func NewQueueMapping(o QueueOptions) (*QueueMapping, error) {
	o.BatchSize = cmp.Or(o.BatchSize, defaultQueueBatch)
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	switch {
	case o.Queue == nil || o.Function == nil:
		return nil, fmt.Errorf("queue mapping: queue and function are required")
	case o.BatchSize < 1 || o.BatchSize > maxBatch:
		return nil, fmt.Errorf("queue mapping: BatchSize %d is not from 1 to %d", o.BatchSize, maxBatch)
	case o.Window < 0 || o.Window > maxWindow:
		return nil, fmt.Errorf("queue mapping: MaximumBatchingWindowInSeconds %v is not from 0 to %v", o.Window, maxWindow)
	case o.BatchSize > 10 && o.Window < time.Second:
		return nil, fmt.Errorf("queue mapping: BatchSize %d needs a MaximumBatchingWindowInSeconds of at least 1", o.BatchSize)
	case o.Concurrency != 0 && (o.Concurrency < 2 || o.Concurrency > 1000):
		return nil, fmt.Errorf("queue mapping: MaximumConcurrency %d is not from 2 to 1000", o.Concurrency)
	}
	return &QueueMapping{o: o, slots: make(chan struct{}, cmp.Or(o.Concurrency, defaultConcurrency))}, nil
}

// Run reads the queue until ctx ends, and returns when the last invocation has. A
// batch is gathered only when there is a slot to invoke with it: messages that
// nobody works on stay on the queue.
func (m *QueueMapping) Run(ctx context.Context) {
	defer m.work.Wait()
	for {
		select {
		case m.slots <- struct{}{}:
		case <-ctx.Done():
			return
		}
		batch, err := m.gather(ctx)
		if err != nil && ctx.Err() == nil {
			m.o.Logger.Error("queue not readable", "queue", m.o.Queue.ARN(), "error", err)
			sleep(ctx, pause)
		}
		if len(batch.messages) == 0 {
			<-m.slots
			continue
		}
		m.work.Go(func() {
			defer func() { <-m.slots }()
			m.process(context.WithoutCancel(ctx), batch)
		})
	}
}

// queueBatch is a batch with its event's records, encoded as they came.
type queueBatch struct {
	messages []sqs.Message
	records  [][]byte
	size     int
	full     bool
}

// gather waits for a first message, then for more until the batch is full or the
// window over. It returns what it has, with an error if the queue had one.
func (m *QueueMapping) gather(ctx context.Context) (*queueBatch, error) {
	batch := &queueBatch{size: len(envelope)}
	var refused error
	accept := func(message sqs.Message) bool {
		record, err := queueRecord(message, m.o.Queue.ARN(), m.o.Region)
		if err != nil {
			refused = err
			return false
		}
		return batch.add(record)
	}
	wait, end := longPoll, time.Time{}
	for !batch.full && len(batch.messages) < m.o.BatchSize {
		messages, err := m.o.Queue.Receive(ctx, sqs.Receipt{
			Max: m.o.BatchSize - len(batch.messages), Wait: wait, Accept: accept,
		})
		batch.messages = append(batch.messages, messages...)
		if err != nil || refused != nil {
			return batch, cmp.Or(err, refused)
		}
		if len(batch.messages) == 0 {
			return batch, nil
		}
		if end.IsZero() {
			end = time.Now().Add(m.o.Window)
		}
		if wait = time.Until(end); wait <= 0 {
			break
		}
	}
	return batch, nil
}

// add takes a record in if the event has room for it. The first always fits: a
// message has 1 MiB at most, which JSON at most doubles.
func (b *queueBatch) add(record []byte) bool {
	if b.size+len(record)+1 > maxPayload && len(b.records) > 0 {
		b.full = true
		return false
	}
	b.size += len(record) + 1
	b.records = append(b.records, record)
	return true
}

// process invokes the function and deletes what it has done. What failed is left
// to its visibility, which the function may have changed.
func (m *QueueMapping) process(ctx context.Context, batch *queueBatch) {
	log := m.o.Logger.With("queue", m.o.Queue.ARN(), "messages", len(batch.messages))
	answer, err := m.o.Function.Invoke(ctx, event(batch.records))
	if err != nil {
		log.Error("batch failed", "error", err)
		return
	}
	failed := map[int]bool{}
	if m.o.ReportFailures {
		indices, err := failures(answer, batch.index())
		if err != nil {
			log.Error("batch failed", "error", err)
			return
		}
		for _, i := range indices {
			failed[i] = true
		}
	}
	if len(failed) > 0 {
		log.Warn("messages failed", "failed", len(failed))
	}
	for i, message := range batch.messages {
		if failed[i] {
			continue
		}
		if err := m.o.Queue.Delete(message.ReceiptHandle); err != nil {
			log.Error("message not deleted", "message", message.ID, "error", err)
		}
	}
}

func (b *queueBatch) index() map[string]int {
	index := make(map[string]int, len(b.messages))
	for i, message := range b.messages {
		index[message.ID] = i
	}
	return index
}

// sleep waits, and says if it wasn't interrupted.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
