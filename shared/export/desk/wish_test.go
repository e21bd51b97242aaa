package desk_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"billingcentre/shared/export/desk"
	"billingcentre/shared/refusal"
)

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
