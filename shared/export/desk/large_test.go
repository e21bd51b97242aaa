package desk

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"os"
	"runtime"
	"strconv"
	"testing"
	"time"

	"billingcentre/shared/books"
	"billingcentre/shared/export"
	"billingcentre/shared/ledger"
	"billingcentre/shared/ledger/memory"
	"billingcentre/shared/money"
	"billingcentre/shared/shelf"
	"billingcentre/shared/wallet"
)

// heavy weighs what comes: how much memory is in use whenever a part is put on the shelf.
type heavy struct {
	parts, bytes int
	most         uint64
}

func (h *heavy) weigh(content []byte) {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	h.parts, h.bytes, h.most = h.parts+1, h.bytes+len(content), max(h.most, m.HeapAlloc)
}

func (h *heavy) Put(context.Context, string, string, []byte) error { return nil }

func (h *heavy) Begin(context.Context, string, string) (string, error) { return "1", nil }

func (h *heavy) Add(_ context.Context, _, _ string, number int32, content []byte) (shelf.Part, error) {
	h.weigh(content)
	return shelf.Part{Number: number, Tag: "0123456789abcdef0123456789abcdef", Checksum: "AAAAAA=="}, nil
}

func (h *heavy) End(context.Context, string, string, []shelf.Part) error { return nil }

func (h *heavy) Drop(context.Context, string, string) error { return nil }

// year is a walk through so many rows, a thousand a day.
func year(rows int) export.Walk {
	cost, err := money.ParseExact("", "0.01234567891", money.CNY)
	if err != nil {
		panic(err)
	}
	zero, cent := money.Zero(money.CNY), money.Of(money.CNY, 1)
	return func(_ context.Context, f books.Filter) iter.Seq2[books.Row, error] {
		return func(yield func(books.Row, error) bool) {
			first := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
			for i := range rows {
				day := first.AddDate(0, 0, i/1000).Format(time.DateOnly)
				if day < f.From {
					continue
				}
				row := books.Row{
					Day: day, Workspace: "workspace-0123456789", Product: "object_storage", Usage: "1234.5678", Unit: "GB", UnitPrice: "0.00001", Exact: cost,
					Payable: cent, Paid: books.Paid{Regular: zero, Discount: zero, Card: zero, Cash: cent, Arrears: zero, Cloud: zero}, Method: wallet.BillingCenter,
					Bill: wallet.BillID(fmt.Sprint("focus:0123456789:workspace:", i)), Entry: int64(i), Booked: first,
				}
				if !yield(row, nil) {
					return
				}
			}
		}
	}
}

// However many rows there are, they are written with the memory of a part; in strides, too.
func TestManyRowsInBoundedMemory(t *testing.T) {
	rows, part := 6_000, 1<<17
	if text := os.Getenv("EXPORT_ROWS"); text != "" { // EXPORT_ROWS=1000000 is what the README tells
		var err error
		if rows, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
		part = 0 // the normal size
	}
	for name, c := range map[string]struct {
		format Format
		stride int
	}{"csv": {CSV, rows * 3 / 10}, "focus": {Focus, rows + 1}} {
		t.Run(name, func(t *testing.T) {
			shelf, queue, now := &heavy{}, []string{}, time.Date(2026, 11, 5, 3, 0, 0, 0, time.UTC)
			send := func(_ context.Context, body string) error { queue = append(queue, body); return nil }
			m := &Maker{
				Store: new(memory.Store), Shelf: shelf, Send: send, Now: func() time.Time { return now }, Log: slog.New(slog.DiscardHandler), Part: part,
				rows: func(_ context.Context, e *Export) (export.Table, error) {
					if e.Wish.Format == Focus {
						return export.Focus(year(rows), books.Filter{}, export.Payer{ID: "acme", Zone: time.UTC, Provider: "Billing Centre"}), nil
					}
					return export.Consumption(year(rows), books.Filter{}, time.UTC, export.Chinese), nil
				},
			}
			e := Export{ID: "X1", Account: "acme", Wish: Wish{What: Consumption, Format: c.format}, State: Pending, CreatedAt: now}
			if err := m.Store.Put(t.Context(), e.document(ledger.Document{Key: keyOf("X1")})); err != nil {
				t.Fatal(err)
			}
			began, strides := time.Now(), 0
			for queue = append(queue, Message("X1")); len(queue) > 0; queue, strides = queue[1:], strides+1 {
				left := c.stride
				if err := m.Make(t.Context(), "X1", func() bool { left--; return left >= 0 }); err != nil {
					t.Fatal(err)
				}
			}
			took := time.Since(began)
			done, err := (&Desk{Store: m.Store, Now: m.Now, Days: 7}).Find(t.Context(), "acme", "X1")
			if err != nil || done.State != Ready || done.Rows != int64(rows) || done.Bytes < int64(shelf.bytes) {
				t.Fatalf("%+v, %v", done, err)
			}
			t.Logf("%d rows, %.0f MB in %d parts and %d strides: %.1f s, %.1f MB of memory at most", done.Rows, float64(done.Bytes)/1e6, shelf.parts, strides, took.Seconds(), float64(shelf.most)/1e6)
			if shelf.most > 48<<20 {
				t.Errorf("%d bytes of memory in use", shelf.most)
			}
		})
	}
}

// What is too much for the document and too little for a part gets nowhere, and isn't tried for ever.
func TestStridesThatGetNowhere(t *testing.T) {
	queue, now := []string{Message("X1")}, time.Date(2026, 11, 5, 3, 0, 0, 0, time.UTC)
	m := &Maker{
		Store: new(memory.Store), Shelf: &heavy{}, Now: func() time.Time { return now }, Log: slog.New(slog.DiscardHandler),
		Send: func(_ context.Context, body string) error { queue = append(queue, body); return nil },
		rows: func(context.Context, *Export) (export.Table, error) {
			return export.Consumption(year(5_000), books.Filter{}, time.UTC, export.English), nil
		},
	}
	e := Export{ID: "X1", Account: "acme", Wish: Wish{What: Consumption}, State: Pending, CreatedAt: now}
	if err := m.Store.Put(t.Context(), e.document(ledger.Document{Key: keyOf("X1")})); err != nil {
		t.Fatal(err)
	}
	strides := 0
	for ; len(queue) > 0; queue, strides = queue[1:], strides+1 {
		left := 1_000
		if err := m.Make(t.Context(), "X1", func() bool { left--; return left >= 0 }); err != nil {
			t.Fatal(err)
		}
	}
	e, err := (&Desk{Store: m.Store, Now: m.Now, Days: 7}).Find(t.Context(), "acme", "X1")
	if err != nil || e.State != Failed || e.Failure != "It took too long; ask for a shorter range." || strides != mostIdle {
		t.Errorf("%d strides: %+v, %v", strides, e, err)
	}
}
