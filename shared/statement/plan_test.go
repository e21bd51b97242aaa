package statement

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"billingcentre/shared/directory"
	"billingcentre/shared/refusal"
	"billingcentre/shared/wallet"
)

// zones are far apart, with odd offsets among them.
var zones = []string{"Pacific/Kiritimati", shanghai, "Asia/Kathmandu", "UTC", "America/St_Johns", "Pacific/Pago_Pago"}

// planner is a planner whose messages are kept.
func (w *world) planner(sent *[]Wish) *Planner {
	now := func() time.Time { return w.now }
	return &Planner{Store: w.store, Directory: &directory.Directory{Store: w.store, Now: now}, Now: now, Send: func(_ context.Context, bodies []string) error {
		for _, body := range bodies {
			wish, err := ReadWish([]byte(body))
			if err != nil {
				w.t.Error(err)
			}
			*sent = append(*sent, wish)
		}
		return nil
	}}
}

// times is room for so many steps.
func times(n int) func() bool {
	return func() bool { n--; return n >= 0 }
}

func always() bool { return true }

func TestThePlanGoesOnWhereItEnded(t *testing.T) {
	w := newWorld(t)
	w.now = at("2026-10-05T00:00:00Z")
	const accounts = 1_030
	for i := range accounts {
		w.now = w.now.Add(time.Second)
		w.open(wallet.AccountID(fmt.Sprintf("a-%04d", i)), zones[i%len(zones)])
	}
	w.now = at("2026-11-02T00:00:00Z")
	w.open("too-late", shanghai)
	var sent []Wish
	p := w.planner(&sent)
	w.now = at("2026-11-03T09:59:00Z") // on Kiritimati the 4th begins a minute later
	if plan, err := p.Run(t.Context(), always); err != nil || plan.Month != "2026-09" || !plan.Done || plan.Wished != 0 {
		t.Fatalf("too early: %+v, %v", plan, err)
	}
	w.now = at("2026-11-03T10:00:00Z")
	runs := 0
	for plan := (Plan{}); plan.Month != "2026-10" || !plan.Done; runs++ {
		var err error
		if plan, err = p.Run(t.Context(), times(3)); err != nil || runs > 10 {
			t.Fatalf("run %d: %+v, %v", runs, plan, err)
		}
	}
	asked := map[wallet.AccountID]int{}
	for _, wish := range sent {
		for _, account := range wish.Accounts {
			asked[account]++
		}
	}
	if len(asked) != accounts || runs != 4 {
		t.Errorf("%d accounts in %d runs, %d messages", len(asked), runs, len(sent))
	}
	for account, n := range asked {
		if n != 1 {
			t.Errorf("%s was asked for %d times", account, n)
		}
	}
	if plan, err := p.Run(t.Context(), always); err != nil || plan.Month != "2026-10" || plan.Round != 0 {
		t.Errorf("nothing is due, but %+v, %v", plan, err)
	}
}

func TestLaterRoundsAskForWhatIsMissing(t *testing.T) {
	w := newWorld(t)
	for i := range 60 {
		w.open(wallet.AccountID(fmt.Sprintf("a-%02d", i)), shanghai)
	}
	var sent []Wish
	p := w.planner(&sent)
	w.now = at("2026-11-04T02:00:00Z")
	if _, err := p.Run(t.Context(), always); err != nil {
		t.Fatal(err)
	}
	for _, wish := range sent[1:] { // the first message is lost
		for _, account := range wish.Accounts {
			w.make(account, wish.Month)
		}
	}
	lost := sent[0].Accounts
	sent = nil
	w.now = at("2026-11-05T10:00:00Z")
	plan, err := p.Run(t.Context(), always)
	if err != nil || plan.Round != 1 || plan.Wished != int64(len(lost)) || len(sent) != 1 || !slices.Equal(sent[0].Accounts, lost) {
		t.Errorf("%+v, %v, %+v", plan, err, sent)
	}
	// A planner that stood for a month goes on with the next one, and leaves no month out.
	w.now = at("2027-01-20T00:00:00Z")
	sent = nil
	if plan, err = p.Run(t.Context(), always); err != nil || plan.Month != "2026-12" || !plan.Done {
		t.Errorf("%+v, %v", plan, err)
	}
	months := map[Month]bool{}
	for _, wish := range sent {
		months[wish.Month] = true
	}
	if !months["2026-11"] || !months["2026-12"] {
		t.Errorf("asked for %v", months)
	}
}

func TestAPlanThatCannotSendStaysWhereItIs(t *testing.T) {
	w := newWorld(t)
	w.open("acme", shanghai)
	var sent []Wish
	p := w.planner(&sent)
	send := p.Send
	p.Send = func(context.Context, []string) error { return errors.New("the queue is away") }
	w.now = at("2026-11-04T02:00:00Z")
	if _, err := p.Run(t.Context(), always); err == nil {
		t.Error("no error")
	}
	p.Send = send
	if _, err := p.Run(t.Context(), always); err != nil || len(sent) != 1 {
		t.Errorf("%d messages, %v", len(sent), err)
	}
}

func TestWishesAreReadStrictly(t *testing.T) {
	for _, body := range []string{
		``, `null`, `{}`, `{"version":2,"month":"2026-10","accounts":["a"]}`, `{"version":1,"month":"2026-13","accounts":["a"]}`,
		`{"version":1,"month":"2026-10","accounts":[]}`, `{"version":1,"month":"2026-10","accounts":["#"]}`, `{"version":1,"month":"2026-10","accounts":["a"],"x":1}`,
	} {
		if _, err := ReadWish([]byte(body)); !refusal.Is(err, refusal.Invalid) {
			t.Errorf("%s: %v", body, err)
		}
	}
}
