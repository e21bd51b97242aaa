package desk_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"billingcentre/shared/bill"
	"billingcentre/shared/directory"
	"billingcentre/shared/export/desk"
	"billingcentre/shared/ledger"
	"billingcentre/shared/ledger/memory"
	"billingcentre/shared/money"
	"billingcentre/shared/refusal"
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

const plenty = 1 << 30

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

func TestASmallExportIsPutWhole(t *testing.T) {
	w := newWorld(t)
	w.maker.Part = 0 // the normal size
	w.settle(2)
	e := w.ask("k", november)
	if e.State != desk.Pending || len(w.queue) != 1 {
		t.Fatal(e, w.queue)
	}
	if err := w.deliver(plenty); err != nil {
		t.Fatal(err)
	}
	w.file(w.find(e.ID))
	if w.shelf.puts != 1 || w.shelf.begun != 0 || len(w.queue) != 0 {
		t.Errorf("%+v %v", w.shelf, w.queue)
	}
	url, until, err := w.desk.URL(t.Context(), w.find(e.ID))
	if err != nil || !until.Equal(w.now.Add(5*time.Minute)) || !strings.HasSuffix(url, "?name=consumption_acme_2026-11-01_2026-11-30.csv&valid=5m0s") {
		t.Error(url, until, err)
	}
}

// Whatever is made in one stride is the same in many, and each stride goes on where the one before ended.
func TestAnExportIsHandedOver(t *testing.T) {
	w := newWorld(t)
	w.settle(100)
	whole, parts := w.ask("whole", november), w.ask("parts", november)
	if err := w.deliver(plenty); err != nil {
		t.Fatal(err)
	}
	strides := 0
	for ; len(w.queue) > 0; strides++ {
		if err := w.deliver(15); err != nil {
			t.Fatal(err)
		}
		if strides == 0 {
			w.settleOne("late") // isn't in the file: it came after the first stride
		}
	}
	if strides < 7 {
		t.Errorf("%d strides", strides)
	}
	if diff := cmp.Diff(w.file(w.find(whole.ID)), w.file(w.find(parts.ID))); diff != "" {
		t.Error(diff)
	}
	if len(w.shelf.uploads) > 0 {
		t.Error("uploads are left")
	}
}

// Where few rows are wanted among many, every stride gets on, by the rows that it passes over.
func TestFewAmongMany(t *testing.T) {
	w := newWorld(t)
	w.settle(60)
	wish := november
	wish.Product = "sms"
	e := w.ask("k", wish)
	strides := 0
	for ; len(w.queue) > 0; strides++ {
		if err := w.deliver(9); err != nil {
			t.Fatal(err)
		}
	}
	if e = w.find(e.ID); e.Rows != 0 || strides != 7 {
		t.Errorf("%d strides, %+v", strides, e)
	}
	w.file(e)
}

func TestAMessageThatComesTwice(t *testing.T) {
	w := newWorld(t)
	w.settle(50)
	e := w.ask("k", november)
	body := w.queue[0]
	if err := w.make(body, 20); err != nil { // hands over
		t.Fatal(err)
	}
	w.queue = append(w.queue, body, body)
	for len(w.queue) > 0 {
		if err := w.deliver(20); err != nil {
			t.Fatal(err)
		}
	}
	file, puts := w.file(w.find(e.ID)), w.shelf.adds
	if err := w.make(body, plenty); err != nil {
		t.Fatal(err)
	}
	if again := w.file(w.find(e.ID)); again != file || w.shelf.adds != puts {
		t.Error("it was made again")
	}
}

// Somebody holds the export: nobody else touches it until his time is over.
func TestTwoWorkers(t *testing.T) {
	w := newWorld(t)
	w.settle(50)
	e := w.ask("k", november)
	body := w.queue[0]
	id, _ := desk.ReadMessage(body)
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	met := 0
	err := w.maker.Make(ctx, id, func() bool {
		if met++; met == 30 {
			if err := w.maker.Make(t.Context(), id, func() bool { return true }); !refusal.Is(err, refusal.Contended) {
				t.Errorf("the second: %v", err)
			}
			w.now = w.now.Add(2 * time.Hour) // the first should be dead by now
			if err := w.maker.Make(t.Context(), id, func() bool { return true }); err != nil {
				t.Errorf("the third: %v", err)
			}
		}
		return true
	})
	if !refusal.Is(err, refusal.Contended) && !errors.Is(err, shelf.ErrGone) && err != nil {
		t.Errorf("the first: %v", err)
	}
	w.file(w.find(e.ID))
}

// Every call fails once, before its effect or after it; the file is whole in the end.
func TestFaults(t *testing.T) {
	for _, what := range []string{"put", "begin", "add", "end"} {
		t.Run(what, func(t *testing.T) {
			w := newWorld(t)
			w.settle(50)
			if what == "put" {
				w.maker.Part = 1 << 20
			}
			want := w.ask("whole", november)
			if err := w.deliver(plenty); err != nil {
				t.Fatal(err)
			}
			e := w.ask("k", november)
			failed := false
			w.shelf.fail = func(called string) error {
				if called == what && !failed {
					failed = true
					return errors.New("lost")
				}
				return nil
			}
			body := w.queue[0]
			if err := w.deliver(plenty); err == nil || refusal.As(err) != nil || !failed {
				t.Fatalf("%v, failed: %t", err, failed)
			}
			w.queue = append(w.queue, body) // as the queue does
			for len(w.queue) > 0 {
				if err := w.deliver(plenty); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(w.file(w.find(want.ID)), w.file(w.find(e.ID))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestWhatCantBeMadeFails(t *testing.T) {
	for name, c := range map[string]struct {
		make func(w *world, id string) error
		want string
	}{
		"too many rows": {func(w *world, id string) error {
			w.maker.MostRows = 10
			return w.deliver(plenty)
		}, "It would have more than 10 rows; ask for a shorter range."},
		"uploads that are always gone": {func(w *world, id string) error {
			w.shelf.fail = func(what string) error {
				if what == "add" {
					return shelf.ErrGone
				}
				return nil
			}
			for len(w.queue) > 0 {
				if err := w.deliver(plenty); err != nil {
					return err
				}
			}
			return nil
		}, "It took too long; ask for a shorter range."},
		"a fault of ours": {func(w *world, id string) error { return w.maker.Fail(w.Context(), id) }, "It met a fault of ours; ask for it again."},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.settle(50)
			e := w.ask("k", november)
			if err := c.make(w, e.ID); err != nil {
				t.Fatal(err)
			}
			if e = w.find(e.ID); e.State != desk.Failed || e.Failure != c.want || e.Rows != 0 || e.SHA256 != "" {
				t.Errorf("%+v", e)
			}
		})
	}
}

func TestAFileGoes(t *testing.T) {
	w := newWorld(t)
	e := w.ask("k", november)
	if err := w.deliver(plenty); err != nil {
		t.Fatal(err)
	}
	w.now = w.now.AddDate(0, 0, 7).Add(-time.Minute)
	url, until, err := w.desk.URL(t.Context(), w.find(e.ID))
	if err != nil || !strings.HasSuffix(url, "valid=1m0s") || !until.Equal(w.now.Add(time.Minute)) {
		t.Error(url, until, err)
	}
	w.now = w.now.Add(time.Minute)
	if e = w.find(e.ID); e.State != desk.Expired {
		t.Errorf("%+v", e)
	}
}

func TestEverythingCanBeExported(t *testing.T) {
	w := newWorld(t)
	for i, wish := range []desk.Wish{
		november,
		{What: desk.Consumption, From: "2026-11-01", To: "2026-11-30", Format: desk.Focus},
		{What: desk.IncomeAndExpenditure},
		{What: desk.Vouchers},
		{What: desk.Cards},
		{What: desk.VoucherDetails},
		{What: desk.CardDetails},
		{What: desk.Bills},
		{What: desk.MonthlyBills, From: "2026-01-01"},
	} {
		wish.Language = "zh"
		e := w.ask(fmt.Sprint(i), wish)
		if err := w.deliver(plenty); err != nil {
			t.Fatal(err)
		}
		w.file(w.find(e.ID))
	}
	e := w.ask("none", desk.Wish{What: desk.MonthlyBill, Month: "2026-11"})
	if err := w.deliver(plenty); err != nil {
		t.Fatal(err)
	}
	if e = w.find(e.ID); e.State != desk.Failed || e.Failure != "The account has no bill of 2026-11." {
		t.Errorf("%+v", e)
	}
}

func TestAsking(t *testing.T) {
	w := newWorld(t)
	e := w.ask("k", november)
	if again := w.ask("k", november); again.ID != e.ID || len(w.queue) != 2 { // the message may have been what was lost
		t.Error(again, w.queue)
	}
	zh := november
	zh.Language = "zh"
	zh, _ = zh.Check()
	if _, _, err := w.desk.Ask(t.Context(), "acme", "k", "pat", zh); !refusal.Is(err, refusal.KeyReused) {
		t.Error(err)
	}
	if _, _, err := w.desk.Ask(t.Context(), "nobody", "k", "pat", november); !refusal.Is(err, refusal.NotFound) {
		t.Error(err)
	}
	if _, err := w.desk.Find(t.Context(), "zen", e.ID); !refusal.Is(err, refusal.NotFound) {
		t.Error(err)
	}
	w.sendIt = errors.New("the queue is away")
	if _, _, err := w.desk.Ask(t.Context(), "acme", "k2", "pat", e.Wish); !refusal.Is(err, refusal.Unavailable) {
		t.Error(err)
	}
	w.sendIt = nil
	w.ask("k2", november)
	for i := range 3 {
		w.ask(fmt.Sprint("more", i), november)
	}
	if _, _, err := w.desk.Ask(t.Context(), "acme", "k6", "pat", e.Wish); !refusal.Is(err, refusal.TooMany) {
		t.Error(err)
	}
	if _, _, err := w.desk.Ask(t.Context(), "zen", "k", "zoe", e.Wish); err != nil { // another account's key is another
		t.Error(err)
	}
}

func TestBadWishes(t *testing.T) {
	good := november
	for name, c := range map[string]struct {
		change func(w *desk.Wish)
		want   []string
	}{
		"none":                     {func(*desk.Wish) {}, nil},
		"nothing at all":           {func(w *desk.Wish) { *w = desk.Wish{} }, []string{"/what"}},
		"something else":           {func(w *desk.Wish) { w.What = "secrets" }, []string{"/what"}},
		"no days":                  {func(w *desk.Wish) { w.From, w.To = "", "" }, []string{"/from", "/to"}},
		"days that aren't (H70)":   {func(w *desk.Wish) { w.From, w.To = "2027-02-29", "10000-01-01" }, []string{"/from", "/to"}},
		"the end first":            {func(w *desk.Wish) { w.From = "2026-12-01" }, []string{"/to"}},
		"a thousand years":         {func(w *desk.Wish) { w.To = "2999-12-31" }, []string{"/to"}},
		"another language":         {func(w *desk.Wish) { w.Language = "fr" }, []string{"/language"}},
		"another format":           {func(w *desk.Wish) { w.Format = "xlsx" }, []string{"/format"}},
		"FOCUS of bills":           {func(w *desk.Wish) { w.What, w.Format = desk.Bills, desk.Focus }, []string{"/format"}},
		"a filter of another list": {func(w *desk.Wish) { w.Fund, w.Lot = "cash", "x" }, []string{"/fund", "/lot"}},
		"a workspace with a slash": {func(w *desk.Wish) { w.Workspace = "../" }, []string{"/workspace"}},
		"a kind that isn't":        {func(w *desk.Wish) { w.What, w.Kind = desk.IncomeAndExpenditure, "stolen" }, []string{"/kind"}},
		"no month":                 {func(w *desk.Wish) { *w = desk.Wish{What: desk.MonthlyBill} }, []string{"/month"}},
		"days of a monthly bill":   {func(w *desk.Wish) { w.What, w.Month = desk.MonthlyBillFunds, "2026-11" }, []string{"/from", "/to"}},
		"a month of consumption":   {func(w *desk.Wish) { w.Month = "2026-11" }, []string{"/month"}},
		"a voucher that isn't":     {func(w *desk.Wish) { w.What, w.Lot = desk.VoucherDetails, "1" }, []string{"/lot"}},
	} {
		wish := good
		c.change(&wish)
		_, err := wish.Check()
		var got []string
		if r := refusal.As(err); r != nil {
			for _, f := range r.Fields {
				got = append(got, f.Pointer)
			}
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %v\n%s", name, err, diff)
		}
	}
}

func TestBadMessages(t *testing.T) {
	for _, body := range []string{``, `null`, `[]`, `{}`, `{"version":2,"export_id":"X1"}`, `{"version":1,"export_id":""}`, `{"version":1,"export_id":"X1","more":1}`, `{"version":1,"export_id":"X1","export_id":"X1"}`} {
		if _, err := desk.ReadMessage(body); !refusal.Is(err, refusal.Invalid) {
			t.Errorf("%s: %v", body, err)
		}
	}
}
