package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"billingcentre/shared/batch"
	"billingcentre/shared/directory"
	"billingcentre/shared/event"
	"billingcentre/shared/ledger"
	"billingcentre/shared/ledger/memory"
	"billingcentre/shared/mail"
	"billingcentre/shared/mailing"
	"billingcentre/shared/metric"
	"billingcentre/shared/money"
	"billingcentre/shared/notice"
	"billingcentre/shared/preference"
	"billingcentre/shared/quarantine"
	"billingcentre/shared/wallet"
	"billingcentre/shared/watch"
)

const folder = "../../events/notices/"

var (
	update = flag.Bool("update", false, "record the events and their answers anew: read them before you commit them")
	noon   = time.Date(2026, 11, 10, 4, 0, 0, 0, time.UTC)
)

// world is the function over the account acme, whose people read English at one address.
type world struct {
	handler
	t     *testing.T
	now   time.Time
	books *ledger.Ledger
	taken []mail.Envelope
	fail  error
	queue visibility
}

// visibility notes for how many seconds messages are hidden.
type visibility struct{ hidden []int32 }

func (v *visibility) ChangeMessageVisibilityBatch(_ context.Context, in *sqs.ChangeMessageVisibilityBatchInput, _ ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityBatchOutput, error) {
	for _, e := range in.Entries {
		v.hidden = append(v.hidden, e.VisibilityTimeout)
	}
	return &sqs.ChangeMessageVisibilityBatchOutput{}, nil
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, now: noon}
	clock := func() time.Time { return w.now }
	w.books = &ledger.Ledger{Store: new(memory.Store), Policy: wallet.DefaultPolicy(), Now: clock}
	log, metrics := slog.New(slog.DiscardHandler), &metric.Metrics{Out: io.Discard, Now: clock}
	w.handler = handler{
		messages: &batch.Consumer{
			Source: "notices", QueueURL: "http://127.0.0.1/123456789012/billing-notices", MaxReceives: 100, Queue: &w.queue, Now: clock, Log: log,
			Quarantine: &quarantine.Quarantine{Store: w.books.Store, Now: clock, Metrics: metrics},
		},
		post: &mailing.Post{
			Store: w.books.Store, Directory: &directory.Directory{Store: w.books.Store, Now: clock}, Sender: w, Now: clock, Log: log, Metrics: metrics,
		},
		watch: &watch.Watch{Store: w.books.Store, Now: clock, Log: log, Metrics: metrics},
		log:   log,
	}
	w.do(directory.Opening(directory.Account{ID: "acme", Name: "Acme", Currency: money.CNY, Zone: "Asia/Shanghai"}, "ops"))
	_, err := preference.Save(t.Context(), w.books.Store, preference.Preferences{
		Account: "acme", Addresses: []string{"finance@example.com"}, Language: mail.English, LowBalance: "50.00", DayTotal: "5.00",
	}, "pat", noon)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// Send implements mail.Sender.
func (w *world) Send(_ context.Context, e mail.Envelope) (string, error) {
	if w.fail != nil {
		return "", w.fail
	}
	w.taken = append(w.taken, e)
	return fmt.Sprintf("m-%d", len(w.taken)), nil
}

func (w *world) do(intent ledger.Intent) event.Event {
	w.t.Helper()
	receipt, err := w.books.Do(w.t.Context(), "acme", intent)
	if err != nil {
		w.t.Fatal(err)
	}
	return event.OfEntry(receipt.Entry)
}

// live is what happened to acme, in order, as the bus tells it.
func (w *world) live() map[string]string {
	do := func(command wallet.Command) event.Event { return w.do(ledger.Intent{Command: command}) }
	cost, err := money.ParseExact("", "161.5", money.CNY)
	if err != nil {
		w.t.Fatal(err)
	}
	told := map[string]string{
		"topped-up":         w.body(do(wallet.TopUp{Order: "r1", Amount: money.Units(money.CNY, 200), Channel: "alipay", Trade: "2026111022001"})),
		"card-bought":       w.body(do(wallet.Purchase{Account: "acme", Once: "c1", Face: money.Units(money.CNY, 100), Actor: "pat"})),
		"voucher-activated": w.body(do(wallet.Activate{Account: "acme", Once: "v1", Kind: wallet.Regular, Face: money.Units(money.CNY, 1), MinBill: money.Zero(money.CNY), ExpiresAt: noon.AddDate(0, 0, 2)})),
		"settled": w.body(do(wallet.Settle{
			Bill:   wallet.Bill{ID: "b1", Workspace: "shop", Day: "2026-11-09", Currency: money.CNY, Lines: []wallet.Line{{Product: "sms", Usage: "1615", Unit: "message", Amount: cost}}},
			DayEnd: noon.Add(-12 * time.Hour), Method: wallet.BillingCenter,
		})),
	}
	head, err := w.books.Store.Head(w.t.Context(), "acme")
	if err != nil {
		w.t.Fatal(err)
	}
	expiring := notice.Expiring("acme", head.Lots[0])
	expiring.At = noon
	told["lot-expiring"] = w.body(event.OfNotice(expiring))
	locked := notice.Locked("acme", notice.Arrears{Case: 1, Owed: "3.50", Currency: "CNY", Month: "2026-10", EndsAt: noon, Workspaces: []wallet.WorkspaceID{"shop"}})
	locked.At = noon
	told["locked"] = w.body(event.OfNotice(locked))
	return told
}

// body is an event as the bus sends it into the queue.
func (w *world) body(e event.Event) string {
	w.t.Helper()
	detail, err := e.JSON()
	if err != nil {
		w.t.Fatal(err)
	}
	text, err := json.Marshal(map[string]any{
		"version": "0", "id": "2f3b1d0c-0000-4000-8000-000000000001", "detail-type": e.Name, "source": event.Source, "account": "123456789012", "time": "2026-11-10T04:00:00Z",
		"region": "eu-central-1", "resources": []string{}, "detail": jsontext.Value(detail),
	}, json.Deterministic(true))
	if err != nil {
		w.t.Fatal(err)
	}
	return string(text)
}

// result is all that a batch led to.
type result struct {
	Failures    []events.SQSBatchItemFailure `json:"batchItemFailures"`
	Letters     []string                     `json:"letters"`
	Notices     []string                     `json:"notices"`     // what became of them, the last first
	Limits      []string                     `json:"limits"`      // notices of limits that were reached
	Quarantined []string                     `json:"quarantined"` // why
}

func (w *world) result(answer events.SQSEventResponse) result {
	w.t.Helper()
	r := result{Failures: answer.BatchItemFailures}
	for _, e := range w.taken {
		r.Letters = append(r.Letters, e.To+": "+e.Letter.Subject)
	}
	told, _, err := mailing.List(w.t.Context(), w.books.Store, "acme", "", 100)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, m := range told {
		for _, to := range m.Recipients {
			r.Notices = append(r.Notices, strings.TrimSpace(fmt.Sprintf("%s to %s: %s %s", m.Kind, to.Address, to.Status, to.Reason)))
		}
	}
	for _, key := range []ledger.DocumentKey{notice.KeyOf("low_balance", "acme#5"), notice.KeyOf("high_consumption", "acme#2026-11-09")} {
		if found, err := w.books.Store.Documents(w.t.Context(), key); err != nil {
			w.t.Fatal(err)
		} else if len(found) > 0 {
			r.Limits = append(r.Limits, key.ID)
		}
	}
	kept, _, err := w.messages.Quarantine.List(w.t.Context(), "", 100)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, m := range kept {
		r.Quarantined = append(r.Quarantined, m.ID+": "+m.Kind+": "+m.Detail)
	}
	return r
}

// Every batch of events/notices, and what the schedule sends: what it leads to is beside it. What happened was committed before.
func TestEvents(t *testing.T) {
	if *update {
		record(t)
	}
	files, err := filepath.Glob(folder + "*.json")
	if err != nil || len(files) == 0 {
		t.Fatal(err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, ".answer.json") {
			continue
		}
		t.Run(strings.TrimSuffix(filepath.Base(file), ".json"), func(t *testing.T) {
			w := newWorld(t)
			w.live()
			var c call
			read(t, file, &c)
			answered, err := w.Handle(t.Context(), c)
			if err != nil {
				t.Fatal(err)
			}
			answer, _ := answered.(events.SQSEventResponse)
			got, path := w.result(answer), strings.TrimSuffix(file, ".json")+".answer.json"
			if *update {
				write(t, path, got)
				return
			}
			var want result
			read(t, path, &want)
			if diff := cmp.Diff(plain(t, want), plain(t, got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func plain(t *testing.T, r result) string {
	t.Helper()
	text, err := json.Marshal(r, json.Deterministic(true), jsontext.WithIndent("  "))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func read(t *testing.T, path string, into any) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, into)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, path string, value any) {
	t.Helper()
	text, err := json.Marshal(value, json.Deterministic(true), jsontext.WithIndent("  "))
	if err == nil {
		err = os.WriteFile(path, append(bytes.TrimSpace(text), '\n'), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// record writes the batches.
func record(t *testing.T) {
	t.Helper()
	w := newWorld(t)
	told := w.live()
	bounce := `{"version":"0","id":"e-1","detail-type":"Email Bounced","source":"aws.ses","account":"123456789012","time":"2026-11-10T04:00:05Z","region":"eu-central-1",` +
		`"resources":["arn:aws:ses:eu-central-1:123456789012:configuration-set/billing-mail"],"detail":{"eventType":"Bounce","bounce":{"bounceType":"Permanent","bounceSubType":"General",` +
		`"bouncedRecipients":[{"emailAddress":"finance@example.com","action":"failed","status":"5.1.1","diagnosticCode":"smtp; 550 5.1.1 user unknown"}],"timestamp":"2026-11-10T04:00:05.000Z"},` +
		`"mail":{"timestamp":"2026-11-10T04:00:00.000Z","messageId":"m-1","destination":["finance@example.com"],"tags":{"ses:configuration-set":["billing-mail"],"mailing":["944c969610b9a051d1bc601c"],"recipient":["0"]}}}}`
	for name, bodies := range map[string][]string{
		"topped-up": {told["topped-up"]}, "card-bought": {told["card-bought"]}, "voucher-activated": {told["voucher-activated"]}, "lot-expiring": {told["lot-expiring"]},
		"locked": {told["locked"]}, "settled": {told["settled"]},
		"twice-and-out-of-order": {told["settled"], told["topped-up"], told["card-bought"], told["settled"], told["topped-up"]},
		"bounced":                {told["topped-up"], bounce},
		"poison":                 {"", "null", `{"source":"aws.s3","detail-type":"Object Created","detail":{}}`, `{"source":"billing-centre","detail-type":"entry.settled","detail":{"version":2}}`, told["topped-up"]},
	} {
		var batch events.SQSEvent
		for i, body := range bodies {
			batch.Records = append(batch.Records, events.SQSMessage{
				MessageId: fmt.Sprintf("message-%d", i+1), ReceiptHandle: fmt.Sprintf("receipt-%d", i+1), Body: body, EventSource: "aws:sqs", AWSRegion: "eu-central-1",
				EventSourceARN: "arn:aws:sqs:eu-central-1:123456789012:billing-notices", Attributes: map[string]string{"ApproximateReceiveCount": "1", "SentTimestamp": "1794283200000"},
			})
		}
		write(t, folder+name+".json", batch)
	}
}

// A letter that SES doesn't take now comes back after a pause of its own; the batch's others are done.
func TestAMessageComesBackWhenItsLetterMust(t *testing.T) {
	w := newWorld(t)
	w.live()
	var batch events.SQSEvent
	read(t, folder+"topped-up.json", &batch)
	w.fail = &mail.Failure{Fate: mail.Later, Reason: "TooManyRequestsException", Err: io.EOF}
	answer, err := w.batch(t.Context(), batch)
	if err != nil || len(answer.BatchItemFailures) != 1 || len(w.queue.hidden) != 1 || w.queue.hidden[0] != 61 {
		t.Fatalf("%+v, %v, hidden for %v", answer, err, w.queue.hidden)
	}
	w.fail, w.now = nil, noon.Add(61*time.Second)
	if answer, err = w.batch(t.Context(), batch); err != nil || len(answer.BatchItemFailures) > 0 || len(w.taken) != 1 {
		t.Errorf("%+v, %v, %d taken", answer, err, len(w.taken))
	}
}

func TestABatchOfAnotherQueueIsRefused(t *testing.T) {
	w := newWorld(t)
	batch := events.SQSEvent{Records: []events.SQSMessage{{MessageId: "1", EventSourceARN: "arn:aws:sqs:eu-central-1:123456789012:billing-usage-bills"}}}
	if _, err := w.batch(t.Context(), batch); err == nil {
		t.Error("it was taken")
	}
}

func TestOtherEventsDoNothing(t *testing.T) {
	w := newWorld(t)
	for _, c := range []call{{}, {Duty: "arrears"}} {
		if answer, err := w.Handle(t.Context(), c); err == nil {
			t.Errorf("%+v was answered: %v", c, answer)
		}
	}
}
