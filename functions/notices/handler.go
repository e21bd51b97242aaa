package main

import (
	"context"
	"errors"
	"log/slog"
	"strconv"

	"github.com/aws/aws-lambda-go/events"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"billingcentre/shared/batch"
	"billingcentre/shared/boot"
	"billingcentre/shared/boot/mailer"
	"billingcentre/shared/boot/queue"
	"billingcentre/shared/directory"
	"billingcentre/shared/event"
	"billingcentre/shared/mailing"
	"billingcentre/shared/metric"
	"billingcentre/shared/quarantine"
	"billingcentre/shared/refusal"
	"billingcentre/shared/wallet"
	"billingcentre/shared/watch"
)

type handler struct {
	messages *batch.Consumer
	post     *mailing.Post
	watch    *watch.Watch
	log      *slog.Logger
}

func newHandler(b *boot.Boot) handler {
	receives, err := strconv.Atoi(b.Env("MAX_RECEIVE_COUNT"))
	if err != nil || receives < 2 {
		b.Fail("MAX_RECEIVE_COUNT must be a number of at least 2")
	}
	store, metrics := b.Store(), new(metric.Metrics)
	return handler{
		messages: &batch.Consumer{
			Source: "notices", QueueURL: b.Env("NOTICE_QUEUE_URL"), MaxReceives: receives, Queue: queue.Client(b), Now: boot.Now, Log: b.Log,
			Quarantine: &quarantine.Quarantine{Store: store, Now: boot.Now, Metrics: metrics},
		},
		post: &mailing.Post{
			Store: store, Directory: &directory.Directory{Store: store, Now: boot.Now}, Sender: mailer.Sender(b), Now: boot.Now, Log: b.Log, Metrics: metrics,
		},
		watch: &watch.Watch{Store: store, Now: boot.Now, Log: b.Log, Metrics: metrics},
		log:   b.Log,
	}
}

// call is what starts the function: a batch of its queue, or what the schedule sends.
type call struct {
	Duty string `json:"duty"`
	events.SQSEvent
}

// Handle is what Lambda calls. It answers a batch with what failed of it, and the schedule with what it found.
func (h handler) Handle(ctx context.Context, c call) (any, error) {
	switch {
	case c.Duty == "watches":
		return h.watch.CatchUp(ctx)
	case c.Records == nil:
		return nil, errors.New(`the event is neither a batch of the queue nor the schedule's, {"duty":"watches"}`)
	}
	return h.batch(ctx, c.SQSEvent)
}

func (h handler) batch(ctx context.Context, event events.SQSEvent) (events.SQSEventResponse, error) {
	outcome, err := h.messages.Take(ctx, event, h.work)
	if err != nil {
		return events.SQSEventResponse{}, err
	}
	h.log.Info("notices", "messages", outcome.Messages, "retried", outcome.Retried, "quarantined", outcome.Quarantined)
	return outcome.Response(), nil
}

// work does letters message by message, and then looks at each account once, up to its last entry in the batch.
func (h handler) work(ctx context.Context, b *batch.Batch) {
	done := make(map[*batch.Message]error, len(b.Messages))
	entries := map[wallet.AccountID]*seen{}
	for _, m := range b.Messages {
		if !b.Room() {
			break
		}
		entry, err := h.message(ctx, m)
		done[m] = err
		if entry != nil {
			entries[entry.account] = entries[entry.account].with(m, entry)
		}
	}
	for account, s := range entries {
		err := errNoRoom
		if b.Room() {
			err = h.watch.Look(ctx, account, s.last)
		}
		for _, m := range s.messages {
			done[m] = errors.Join(done[m], err)
		}
	}
	for m, err := range done {
		m.Finish(err)
	}
}

var errNoRoom error = &refusal.Refusal{Kind: refusal.TooEarly, Detail: "There was no time left.", RetryAfter: 1}

// numbered is an entry of which a message told.
type numbered struct {
	account wallet.AccountID
	number  int64
}

// seen are the messages of a batch that told of one account's entries.
type seen struct {
	messages []*batch.Message
	last     int64
}

func (s *seen) with(m *batch.Message, entry *numbered) *seen {
	if s == nil {
		s = &seen{}
	}
	s.messages, s.last = append(s.messages, m), max(s.last, entry.number)
	return s
}

// message does what one message is about.
func (h handler) message(ctx context.Context, m *batch.Message) (*numbered, error) {
	var from struct {
		Source string         `json:"source"`
		Detail jsontext.Value `json:"detail"`
	}
	if err := json.Unmarshal([]byte(m.Body), &from); err != nil {
		return nil, refusal.At("", "must be an event of the bus")
	}
	if from.Source == mailing.EchoSource {
		echo, err := mailing.ReadEcho(from.Detail)
		if err != nil {
			return nil, refusal.At("/detail", "must be an event of SES")
		}
		return nil, h.post.Hear(ctx, echo)
	}
	e, err := event.ReadMessage([]byte(m.Body))
	if err != nil {
		return nil, refusal.Of(refusal.Invalid, "%v", err)
	}
	err = h.post.Deliver(ctx, e)
	if e.Entry == nil {
		return nil, err
	}
	return &numbered{e.Account, e.Entry.Number}, err
}
