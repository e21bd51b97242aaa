package follow_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"billingcentre/shared/directory"
	"billingcentre/shared/follow"
	"billingcentre/shared/ledger"
	"billingcentre/shared/ledger/ledgertest/faults"
	"billingcentre/shared/ledger/memory"
	"billingcentre/shared/metric"
	"billingcentre/shared/money"
	"billingcentre/shared/refusal"
	"billingcentre/shared/wallet"
)

// told is what the consumer of these tests makes of entries: a document that lists their numbers in the order in which
// they were consumed. Each of them once, in order, is all that a consumer wants.
type told struct {
	Numbers []int64 `json:"numbers"`
}

// sum is what it remembers.
type sum struct {
	Count int64 `json:"count"`
}

type world struct {
	*testing.T
	store    ledger.Store // beneath the consumer
	journal  *memory.Store
	now      time.Time
	accounts []wallet.AccountID
	metrics  bytes.Buffer
}

func newWorld(t *testing.T, accounts, entries int) *world {
	journal := new(memory.Store)
	w := &world{T: t, store: journal, journal: journal, now: time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)}
	for i := range accounts {
		id := wallet.AccountID(fmt.Sprintf("a-%d", i))
		w.accounts = append(w.accounts, id)
		w.commit(id, directory.Opening(directory.Account{ID: id, Currency: money.CNY, Zone: "Asia/Shanghai"}, "olga"))
		w.more(id, entries-1)
	}
	return w
}

func (w *world) commit(account wallet.AccountID, intents ...ledger.Intent) {
	w.Helper()
	l := &ledger.Ledger{Store: w.journal, Policy: wallet.DefaultPolicy(), Now: func() time.Time { return w.now }}
	for _, o := range l.DoAll(w.Context(), account, intents) {
		if o.Err != nil {
			w.Fatal(o.Err)
		}
	}
}

func (w *world) more(account wallet.AccountID, entries int) {
	w.Helper()
	head, err := w.journal.Head(w.Context(), account)
	if err != nil {
		w.Fatal(err)
	}
	var intents []ledger.Intent
	for i := range entries {
		order := fmt.Sprintf("%s-%d", account, head.Version+int64(i))
		intents = append(intents, ledger.Intent{Command: wallet.TopUp{Order: order, Amount: money.Units(money.CNY, 1), Channel: "alipay"}})
	}
	w.commit(account, intents...)
}

func (w *world) consumer(stride int) *follow.Consumer[sum] {
	store := w.store
	return &follow.Consumer[sum]{
		Name: "test", Store: store, Directory: &directory.Directory{Store: w.journal, Now: func() time.Time { return w.now }}, Stride: stride,
		Now: func() time.Time { return w.now }, Log: slog.New(slog.DiscardHandler), Metrics: &metric.Metrics{Out: &w.metrics},
		Wait: func(ctx context.Context, _ int) error { return ctx.Err() },
		Consume: func(ctx context.Context, at follow.Cursor[sum], entries []wallet.Entry) (follow.Step[sum], error) {
			so, document, err := ledger.Read[told](ctx, store, ledger.DocumentKey{Kind: "told", ID: string(at.Account)})
			if err != nil && !refusal.Is(err, refusal.NotFound) {
				return follow.Step[sum]{}, err
			}
			taken := min(len(entries), 37) // it need not take all that it is given
			for _, e := range entries[:taken] {
				so.Numbers = append(so.Numbers, e.Number)
			}
			return follow.Step[sum]{Taken: taken, State: sum{at.State.Count + int64(taken)}, Documents: []ledger.Document{document.With(so)}}, nil
		},
	}
}

// told fails the test unless exactly the entries up to a number were consumed, once and in order.
func (w *world) told(account wallet.AccountID, until int64) {
	w.Helper()
	cursor, err := follow.Load[sum](w.Context(), w.journal, "test", account)
	if err != nil {
		w.Fatal(err)
	}
	so, _, err := ledger.Read[told](w.Context(), w.journal, ledger.DocumentKey{Kind: "told", ID: string(account)})
	if err != nil && !refusal.Is(err, refusal.NotFound) {
		w.Fatal(err)
	}
	for i, number := range so.Numbers {
		if number != int64(i+1) {
			w.Fatalf("%s: consumed %v", account, so.Numbers)
		}
	}
	if int64(len(so.Numbers)) != until || cursor.Number != until || cursor.State.Count != until {
		w.Fatalf("%s: %d consumed, cursor %+v, want %d", account, len(so.Numbers), cursor, until)
	}
}

// entries are an account's, oldest first.
func (w *world) entries(account wallet.AccountID) []wallet.Entry {
	w.Helper()
	entries, err := w.journal.Journal(w.Context(), account, 0, 1<<20)
	if err != nil {
		w.Fatal(err)
	}
	slices.Reverse(entries)
	return entries
}

// record is what the table's stream says of an entry.
func record(e wallet.Entry, sequence int) events.DynamoDBEventRecord {
	return events.DynamoDBEventRecord{EventName: "INSERT", Change: events.DynamoDBStreamRecord{
		SequenceNumber: fmt.Sprint(sequence), NewImage: map[string]events.DynamoDBAttributeValue{
			"pk": events.NewStringAttribute("E#" + string(e.Key)), "sk": events.NewStringAttribute("entry"),
			"body": events.NewBinaryAttribute(append([]byte{2}, e.Canonical()...)), // uncompressed
		},
	}}
}

// head is what it says of a head: nothing that anybody follows.
func head(sequence int) events.DynamoDBEventRecord {
	return events.DynamoDBEventRecord{EventName: "MODIFY", Change: events.DynamoDBStreamRecord{
		SequenceNumber: fmt.Sprint(sequence), NewImage: map[string]events.DynamoDBAttributeValue{"pk": events.NewStringAttribute("A#acme")},
	}}
}

func (w *world) handle(c *follow.Consumer[sum], records ...events.DynamoDBEventRecord) []events.DynamoDBBatchItemFailure {
	w.Helper()
	answer, err := c.Handle(w.Context(), events.DynamoDBEvent{Records: records})
	if err != nil {
		w.Fatal(err)
	}
	return answer.BatchItemFailures
}

// Records in any order, twice, some never: each entry counts once.
func TestEachEntryCountsOnce(t *testing.T) {
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, seed))
		w := newWorld(t, 3, 120)
		var records []events.DynamoDBEventRecord
		for _, account := range w.accounts {
			for _, e := range w.entries(account) {
				for range random.IntN(3) {
					records = append(records, record(e, len(records)), head(len(records)))
				}
			}
		}
		random.Shuffle(len(records), func(i, j int) { records[i], records[j] = records[j], records[i] })
		stride := []int{0, 1, 10, 50}[random.IntN(4)]
		c := w.consumer(stride)
		for batch := range slices.Chunk(records, 40) {
			if failed := w.handle(c, batch...); failed != nil {
				t.Fatalf("seed %d: %v", seed, failed)
			}
		}
		if out, err := c.CatchUp(t.Context()); err != nil || out.Accounts != 3 || !out.Round {
			t.Fatalf("%+v, %v", out, err)
		}
		for _, account := range w.accounts {
			w.told(account, int64(120-120%max(stride, 1)))
		}
	}
}

// Twenty consumers at once, over a database that fails, throttles, writes late and loses answers.
func TestRacesAndFaultsCountNothingTwice(t *testing.T) {
	for seed := range uint64(4) {
		w := newWorld(t, 2, 150)
		w.store = faults.Over(w.journal, faults.Random(seed, 0.15))
		var batch []events.DynamoDBEventRecord
		for _, account := range w.accounts {
			for _, e := range w.entries(account) {
				batch = append(batch, record(e, len(batch)))
			}
		}
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				_, _ = w.consumer(0).Handle(t.Context(), events.DynamoDBEvent{Records: batch}) // may fail as it likes
			})
		}
		all.Wait()
		w.store = w.journal
		if failed := w.handle(w.consumer(0), batch...); failed != nil {
			t.Fatal(failed)
		}
		for _, account := range w.accounts {
			w.told(account, 150)
		}
	}
}

// laggard is a store whose journals don't list some entries yet.
type laggard struct {
	ledger.Store
	missing func(wallet.Entry) bool
}

func (l *laggard) Journal(ctx context.Context, account wallet.AccountID, before int64, limit int) ([]wallet.Entry, error) {
	all, err := l.Store.Journal(ctx, account, before, 1<<20)
	all = slices.DeleteFunc(all, l.missing)
	return all[:min(limit, len(all))], err
}

func TestAGapIsWaitedForButNotForEver(t *testing.T) {
	w := newWorld(t, 2, 9)
	lag := &laggard{w.journal, func(e wallet.Entry) bool { return e.Account == "a-0" && e.Number == 5 }}
	w.store = lag
	records := []events.DynamoDBEventRecord{record(w.entries("a-1")[8], 1), record(w.entries("a-0")[5], 2), record(w.entries("a-1")[7], 3)}
	if failed := w.handle(w.consumer(0), records...); len(failed) != 1 || failed[0].ItemIdentifier != "2" {
		t.Errorf("failed: %v", failed)
	}
	w.told("a-0", 0)
	w.told("a-1", 9)
	if out, err := w.consumer(0).CatchUp(t.Context()); err != nil || out.Failed != 0 {
		t.Errorf("%+v, %v", out, err)
	}
	w.now = w.now.Add(10 * time.Minute) // no list lags so long: the journal is damaged
	if failed := w.handle(w.consumer(0), records...); failed != nil || !strings.Contains(w.metrics.String(), "FollowStands") {
		t.Errorf("failed: %v", failed)
	}
	if out, err := w.consumer(0).CatchUp(t.Context()); err == nil || out.Failed != 1 {
		t.Errorf("%+v, %v", out, err)
	}
	lag.missing = func(wallet.Entry) bool { return false }
	if out, err := w.consumer(0).CatchUp(t.Context()); err != nil || out.Behind != 1 {
		t.Errorf("%+v, %v", out, err)
	}
	w.told("a-0", 9)
}

func TestAFailureIsHandedBackFromItsAccountsFirstRecordOn(t *testing.T) {
	w := newWorld(t, 3, 4)
	broken := errors.New("broken")
	c := w.consumer(0)
	consume := c.Consume
	c.Consume = func(ctx context.Context, at follow.Cursor[sum], entries []wallet.Entry) (follow.Step[sum], error) {
		if at.Account == "a-1" {
			return follow.Step[sum]{}, broken
		}
		return consume(ctx, at, entries)
	}
	var records []events.DynamoDBEventRecord
	for i, account := range w.accounts {
		for j, e := range w.entries(account) {
			records = append(records, record(e, 10*i+j))
		}
	}
	if failed := w.handle(c, records...); len(failed) != 1 || failed[0].ItemIdentifier != "10" {
		t.Errorf("failed: %v", failed)
	}
	w.told("a-0", 4)
	w.told("a-1", 0)
	w.told("a-2", 4)
	broken = fmt.Errorf("%w: it says so", ledger.ErrDamaged) // waiting won't mend it: the others go on
	if failed := w.handle(c, records...); failed != nil {
		t.Errorf("failed: %v", failed)
	}
	w.told("a-2", 4)
	spoilt := record(w.entries("a-0")[0], 99)
	spoilt.Change.NewImage["body"] = events.NewBinaryAttribute([]byte("nonsense"))
	if failed := w.handle(w.consumer(0), append(slices.Clone(records[:1]), spoilt)...); len(failed) != 1 || failed[0].ItemIdentifier != "99" {
		t.Errorf("failed: %v", failed)
	}
}

// A function that dies between its reads and its write has done nothing; the next one does it all.
func TestWhoDiesHasDoneNothing(t *testing.T) {
	w := newWorld(t, 1, 60)
	c := w.consumer(0)
	consume := c.Consume
	c.Consume = func(ctx context.Context, at follow.Cursor[sum], entries []wallet.Entry) (follow.Step[sum], error) {
		if at.Number > 0 {
			panic("killed")
		}
		return consume(ctx, at, entries)
	}
	func() {
		defer func() { _ = recover() }()
		_, _ = c.Account(t.Context(), "a-0", 60)
	}()
	w.told("a-0", 37)
	if _, err := w.consumer(0).Account(t.Context(), "a-0", 60); err != nil {
		t.Fatal(err)
	}
	w.told("a-0", 60)
}

func TestACatchUpGoesOnWhereTheLastOneEnded(t *testing.T) {
	w := newWorld(t, 230, 2)
	ctx, stop := context.WithDeadline(t.Context(), time.Now().Add(time.Second)) // less than what a run keeps in reserve
	defer stop()
	if out, err := w.consumer(0).CatchUp(ctx); err != nil || out.Accounts != 0 || out.Round {
		t.Errorf("%+v, %v", out, err)
	}
	out, err := w.consumer(0).CatchUp(t.Context())
	if err != nil || out.Accounts != 230 || out.Behind != 230 || !out.Round {
		t.Errorf("%+v, %v", out, err)
	}
	for _, account := range w.accounts {
		w.told(account, 2)
	}
	if out, err := w.consumer(0).CatchUp(t.Context()); err != nil || out.Accounts != 230 || out.Behind != 0 {
		t.Errorf("%+v, %v", out, err)
	}
}
