package desk_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"billingcentre/shared/export/desk"
	"billingcentre/shared/refusal"
	"billingcentre/shared/shelf"
)

const plenty = 1 << 30

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
