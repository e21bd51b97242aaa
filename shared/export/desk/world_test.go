package desk_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"billingcentre/shared/bill"
	"billingcentre/shared/directory"
	"billingcentre/shared/export/desk"
	"billingcentre/shared/ledger"
	"billingcentre/shared/ledger/memory"
	"billingcentre/shared/money"
	"billingcentre/shared/shelf"
	"billingcentre/shared/wallet"
)

// world is a desk and a maker on a clock that moves, with a queue and a shelf in memory.
type world struct {
	*testing.T
	now    time.Time
	store  *memory.Store
	ledger *ledger.Ledger
	queue  []string
	sendIt error // what sending fails with
	shelf  *shelfInMemory
	desk   *desk.Desk
	maker  *desk.Maker
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{T: t, now: time.Date(2026, 11, 5, 3, 0, 0, 0, time.UTC), store: new(memory.Store), shelf: newShelf()}
	now := func() time.Time { return w.now }
	w.ledger = &ledger.Ledger{Store: w.store, Policy: wallet.DefaultPolicy(), Now: now, Wait: func(context.Context, int) error { return nil }}
	for _, account := range []wallet.AccountID{"acme", "zen"} {
		opening := directory.Opening(directory.Account{ID: account, Currency: money.CNY, Zone: "Asia/Shanghai"}, "olga")
		if _, err := w.ledger.Do(t.Context(), account, opening); err != nil {
			t.Fatal(err)
		}
	}
	send := func(_ context.Context, body string) error {
		if w.sendIt == nil {
			w.queue = append(w.queue, body)
		}
		return w.sendIt
	}
	w.desk = &desk.Desk{Store: w.store, Links: w.shelf, Send: send, Now: now, Days: 7}
	w.maker = &desk.Maker{Store: w.store, Shelf: w.shelf, Send: send, Now: now, Log: slog.New(slog.DiscardHandler), Provider: "Billing Centre", Part: 400}
	return w
}

// settle settles bills of a day of acme, of a line each.
func (w *world) settle(bills int) {
	w.Helper()
	for i := range bills {
		w.settleOne(fmt.Sprintf("b-%03d", i))
	}
}

func (w *world) settleOne(id string) {
	w.Helper()
	usage, err := bill.Decode([]byte(`{"version":1,"bill_id":"` + id + `","workspace_id":"ws-1","day":"2026-11-01","currency":"CNY","lines":[{"product":"logs","usage":"1","unit":"GB","amount":"0.01"}]}`))
	if err != nil {
		w.Fatal(err)
	}
	end, err := directory.DayEnd("2026-11-01", time.UTC)
	if err != nil {
		w.Fatal(err)
	}
	if _, err := w.ledger.Do(w.Context(), "acme", ledger.Intent{Command: wallet.Settle{Bill: usage, DayEnd: end, Method: wallet.BillingCenter}}); err != nil {
		w.Fatal(err)
	}
}

var november = desk.Wish{What: desk.Consumption, From: "2026-11-01", To: "2026-11-30"}

func (w *world) ask(once string, wish desk.Wish) desk.Export {
	w.Helper()
	wish, err := wish.Check()
	if err != nil {
		w.Fatal(err)
	}
	e, _, err := w.desk.Ask(w.Context(), "acme", once, "pat", wish)
	if err != nil {
		w.Fatal(err)
	}
	return e
}

// deliver hands the first message to the maker, which has room for so many rows.
func (w *world) deliver(rows int) error {
	w.Helper()
	body := w.queue[0]
	w.queue = w.queue[1:]
	return w.make(body, rows)
}

func (w *world) make(body string, rows int) error {
	w.Helper()
	id, err := desk.ReadMessage(body)
	if err != nil {
		w.Fatal(err)
	}
	return w.maker.Make(w.Context(), id, func() bool { rows--; return rows >= 0 })
}

func (w *world) find(id string) desk.Export {
	w.Helper()
	e, err := w.desk.Find(w.Context(), "acme", id)
	if err != nil {
		w.Fatal(err)
	}
	return e
}

// file is the file of a ready export, which is as the export tells.
func (w *world) file(e desk.Export) string {
	w.Helper()
	file := w.shelf.files["exports/acme/"+e.ID+".csv"]
	sum := sha256.Sum256(file)
	lines := strings.Count(string(file), "\r\n")
	if e.State != desk.Ready || e.SHA256 != hex.EncodeToString(sum[:]) || e.Bytes != int64(len(file)) || e.Rows != int64(lines-1) {
		w.Errorf("%s with %d rows, %d bytes, %s; the file has %d rows, %d bytes, %x", e.State, e.Rows, e.Bytes, e.SHA256, lines-1, len(file), sum)
	}
	return string(file)
}

// shelfInMemory is a shelf that can fail.
type shelfInMemory struct {
	files   map[string][]byte
	uploads map[string]map[int32][]byte
	begun   int
	adds    int
	puts    int
	fail    func(what string) error
}

func newShelf() *shelfInMemory {
	return &shelfInMemory{files: map[string][]byte{}, uploads: map[string]map[int32][]byte{}, fail: func(string) error { return nil }}
}

func (s *shelfInMemory) Put(_ context.Context, key, _ string, content []byte) error {
	s.puts++
	s.files[key] = bytes.Clone(content)
	return s.fail("put")
}

func (s *shelfInMemory) Begin(context.Context, string, string) (string, error) {
	s.begun++
	id := fmt.Sprint(s.begun)
	s.uploads[id] = map[int32][]byte{}
	return id, s.fail("begin")
}

func (s *shelfInMemory) Add(_ context.Context, _, upload string, number int32, content []byte) (shelf.Part, error) {
	s.adds++
	if s.uploads[upload] == nil {
		return shelf.Part{}, shelf.ErrGone
	}
	s.uploads[upload][number] = bytes.Clone(content)
	return shelf.Part{Number: number, Tag: fmt.Sprint(len(content)), Checksum: "c"}, s.fail("add")
}

func (s *shelfInMemory) End(_ context.Context, key, upload string, parts []shelf.Part) error {
	if s.uploads[upload] == nil {
		return shelf.ErrGone
	}
	var file []byte
	for i, p := range parts {
		if p.Number != int32(i+1) || p.Tag != fmt.Sprint(len(s.uploads[upload][p.Number])) {
			return shelf.ErrGone
		}
		file = append(file, s.uploads[upload][p.Number]...)
	}
	s.files[key] = file
	delete(s.uploads, upload)
	return s.fail("end")
}

func (s *shelfInMemory) Drop(_ context.Context, _, upload string) error {
	delete(s.uploads, upload)
	return nil
}

func (s *shelfInMemory) URL(_ context.Context, key, name string, valid time.Duration) (string, error) {
	return fmt.Sprintf("https://files.example.com/%s?name=%s&valid=%s", key, name, valid), nil
}
