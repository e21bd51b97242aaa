package mailing_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

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
	"billingcentre/shared/refusal"
	"billingcentre/shared/wallet"
)

var noon = time.Date(2026, 11, 10, 12, 0, 0, 0, time.UTC)

// world is a post with a clock that a test moves, over one account, and a carrier that keeps what it takes.
type world struct {
	mailing.Post
	t      *testing.T
	mu     sync.Mutex
	now    time.Time
	books  *ledger.Ledger
	taken  []mail.Envelope
	echoes []mailing.Echo // what the carrier has to tell
	answer func() error   // what the carrier answers instead of a number
}

func newWorld(t *testing.T, addresses ...string) *world {
	w := &world{t: t, now: noon}
	clock := func() time.Time { w.mu.Lock(); defer w.mu.Unlock(); return w.now }
	store := new(memory.Store)
	w.books = &ledger.Ledger{Store: store, Policy: wallet.DefaultPolicy(), Now: clock}
	w.Post = mailing.Post{
		Store: store, Directory: &directory.Directory{Store: store, Now: clock}, Sender: carrier{w}, Now: clock,
		Log: slog.New(slog.DiscardHandler), Metrics: &metric.Metrics{Out: io.Discard},
	}
	if _, err := w.books.Do(t.Context(), "acme", directory.Opening(directory.Account{ID: "acme", Name: "Acme", Currency: money.CNY, Zone: "Asia/Shanghai"}, "ops")); err != nil {
		t.Fatal(err)
	}
	w.want(preference.Preferences{Addresses: addresses, Language: mail.English})
	return w
}

func (w *world) want(p preference.Preferences) {
	w.t.Helper()
	kept, err := preference.Load(w.t.Context(), w.Store, "acme")
	if err == nil {
		p.Account, p.Version = "acme", kept.Version
		_, err = preference.Save(w.t.Context(), w.Store, p, "pat", w.now)
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) do(command wallet.Command) event.Event {
	w.t.Helper()
	receipt, err := w.books.Do(w.t.Context(), "acme", ledger.Intent{Command: command})
	if err != nil {
		w.t.Fatal(err)
	}
	return event.OfEntry(receipt.Entry)
}

func (w *world) topUp(order string) event.Event {
	return w.do(wallet.TopUp{Order: order, Amount: money.Units(money.CNY, 100), Channel: "alipay", Trade: "T-" + order})
}

func (w *world) pass(d time.Duration) { w.mu.Lock(); w.now = w.now.Add(d); w.mu.Unlock() }

// mailings are what became of all letters.
func (w *world) mailings() (all []mailing.Mailing) {
	w.t.Helper()
	all, _, err := mailing.List(w.t.Context(), w.Store, "acme", "", 100)
	if err != nil {
		w.t.Fatal(err)
	}
	return all
}

// status is what became of the only mailing's letters.
func (w *world) status() string {
	w.t.Helper()
	all := w.mailings()
	if len(all) != 1 {
		w.t.Fatalf("%d mailings", len(all))
	}
	if all[0].Skipped != "" {
		return "skipped " + all[0].Skipped
	}
	var each []string
	for _, r := range all[0].Recipients {
		each = append(each, strings.TrimSpace(string(r.Status)+" "+r.Reason))
	}
	return strings.Join(each, ", ")
}

// hear lets the carrier tell all that it has to tell.
func (w *world) hear(ctx context.Context) error {
	w.mu.Lock()
	echoes := w.echoes
	w.mu.Unlock()
	for _, e := range echoes {
		if err := w.Hear(ctx, e); err != nil {
			return err
		}
	}
	return nil
}

// carrier is the world's SES.
type carrier struct{ *world }

func (c carrier) Send(_ context.Context, e mail.Envelope) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var failed error
	if c.answer != nil {
		failed = c.answer()
	}
	var failure *mail.Failure
	if errors.As(failed, &failure) && failure.Fate != mail.Unknown {
		return "", failed
	}
	c.taken = append(c.taken, e)
	id := fmt.Sprintf("m-%d", len(c.taken))
	c.echoes = append(c.echoes, echo("Send", id, e.Tags))
	return id, failed
}

func echo(what, message string, tags map[string]string) (e mailing.Echo) {
	e.Type, e.Mail.Message, e.Mail.Tags = what, message, map[string][]string{}
	for name, value := range tags {
		e.Mail.Tags[name] = []string{value}
	}
	return e
}

func fails(fate mail.Fate, reason string) func() error {
	return func() error { return &mail.Failure{Fate: fate, Reason: reason, Err: errors.New(reason)} }
}

func TestALetterIsSentOnceHoweverOftenItsEventComes(t *testing.T) {
	w := newWorld(t, "a@example.com", "b@example.com")
	e := w.topUp("r1")
	for range 5 {
		if err := w.Deliver(t.Context(), e); err != nil {
			t.Fatal(err)
		}
		w.pass(time.Hour)
	}
	if len(w.taken) != 2 || w.taken[0].To != "a@example.com" || w.taken[1].To != "b@example.com" || w.status() != "sent, sent" {
		t.Errorf("%d taken, %s", len(w.taken), w.status())
	}
	if got := w.taken[0].Letter.Subject; got != "Top-up received: CNY 100.00" {
		t.Error(got)
	}
}

func TestManyAtOnceSendOnce(t *testing.T) {
	w := newWorld(t, "a@example.com", "b@example.com", "c@example.com")
	e := w.topUp("r1")
	var all sync.WaitGroup
	for range 32 {
		all.Go(func() {
			if err := w.Deliver(t.Context(), e); err != nil && !refusal.Is(err, refusal.TooEarly) {
				t.Error(err)
			}
		})
	}
	all.Wait()
	for range 3 {
		w.pass(time.Hour)
		if err := w.Deliver(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	if len(w.taken) != 3 || w.status() != "sent, sent, sent" {
		t.Errorf("%d taken, %s", len(w.taken), w.status())
	}
}

func TestWhoGetsNothingIsNoted(t *testing.T) {
	for name, row := range map[string]struct {
		prepare func(w *world)
		event   func(w *world) event.Event
		want    string
		taken   int
	}{
		"no address":                   {func(w *world) { w.want(preference.Preferences{Language: mail.English}) }, func(w *world) event.Event { return w.topUp("r") }, "skipped no_address", 0},
		"an unwanted kind":             {func(w *world) { w.unwanted(mail.ToppedUp) }, func(w *world) event.Event { return w.topUp("r") }, "skipped unwanted", 0},
		"another kind is unwanted":     {func(w *world) { w.unwanted(mail.LotExpiring) }, func(w *world) event.Event { return w.topUp("r") }, "sent", 1},
		"a vital kind":                 {func(w *world) { w.unwanted(mail.Locked) }, func(*world) event.Event { return locked() }, "sent", 1},
		"what happened eight days ago": {nil, func(w *world) event.Event { e := w.topUp("r"); w.pass(8 * 24 * time.Hour); return e }, "skipped too_old", 0},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "a@example.com")
			if row.prepare != nil {
				row.prepare(w)
			}
			e := row.event(w)
			for range 2 {
				if err := w.Deliver(t.Context(), e); err != nil {
					t.Fatal(err)
				}
			}
			if w.status() != row.want || len(w.taken) != row.taken {
				t.Errorf("%s, %d taken", w.status(), len(w.taken))
			}
		})
	}
}

func (w *world) unwanted(kind mail.Kind) {
	w.want(preference.Preferences{Language: mail.English, Addresses: []string{"a@example.com"}, Unwanted: []mail.Kind{kind}})
}

func locked() event.Event {
	n := notice.Locked("acme", notice.Arrears{Case: 1, Owed: "3.50", Currency: "CNY", Workspaces: []wallet.WorkspaceID{"shop"}})
	n.At = noon
	return event.OfNotice(n)
}

// Whoever changes the addresses while a mailing is under way changes the next one.
func TestAMailingsAddressesAreFixed(t *testing.T) {
	w := newWorld(t, "a@example.com")
	e := w.topUp("r1")
	w.answer = fails(mail.Later, "TooManyRequestsException")
	if err := w.Deliver(t.Context(), e); !refusal.Is(err, refusal.TooEarly) {
		t.Fatal(err)
	}
	w.want(preference.Preferences{Language: mail.Chinese, Addresses: []string{"z@example.com"}})
	w.answer = nil
	w.pass(time.Hour)
	if err := w.Deliver(t.Context(), e); err != nil || len(w.taken) != 1 || w.taken[0].To != "a@example.com" {
		t.Errorf("%v, %+v", err, w.taken)
	}
}

func TestARefusalIsTriedAgainOnlyIfItPasses(t *testing.T) {
	w := newWorld(t, "a@example.com")
	e := w.topUp("r1")
	w.answer = fails(mail.Later, "TooManyRequestsException")
	var waits []int
	for len(waits) < 40 {
		err := w.Deliver(t.Context(), e)
		no := refusal.As(err)
		if no == nil {
			break
		}
		waits = append(waits, no.RetryAfter)
		w.pass(time.Duration(no.RetryAfter) * time.Second)
	}
	if diff := cmp.Diff([]int{61, 121, 241, 481, 961, 1921, 3601}, waits[:7]); diff != "" {
		t.Error(diff)
	}
	if w.status() != "failed TooManyRequestsException" || len(waits) < 25 || len(waits) > 32 {
		t.Errorf("%s after %d waits", w.status(), len(waits))
	}
	w = newWorld(t, "a@example.com", "b@example.com")
	w.answer = fails(mail.Refused, "MessageRejected")
	if err := w.Deliver(t.Context(), w.topUp("r1")); err != nil || w.status() != "failed MessageRejected, failed MessageRejected" {
		t.Errorf("%v, %s", err, w.status())
	}
}

func TestWhatSESTellsLater(t *testing.T) {
	bounce := func(id string, tags map[string]string) mailing.Echo {
		e, err := mailing.ReadEcho([]byte(`{"eventType":"Bounce","bounce":{"bounceType":"Permanent","bouncedRecipients":[{"emailAddress":"a@example.com","status":"5.1.1","diagnosticCode":"x"}]}}`))
		if err != nil {
			t.Fatal(err)
		}
		e.Mail = echo("", id, tags).Mail
		return e
	}
	simple := func(what string) func(string, map[string]string) mailing.Echo {
		return func(id string, tags map[string]string) mailing.Echo { return echo(what, id, tags) }
	}
	send, delivery, complaint, delay := simple("Send"), simple("Delivery"), simple("Complaint"), simple("DeliveryDelay")
	type said = func(string, map[string]string) mailing.Echo
	for name, row := range map[string]struct {
		tells []said
		want  string
	}{
		"in order":                    {[]said{send, delivery}, "delivered"},
		"the other way round":         {[]said{delivery, send}, "delivered"},
		"twice":                       {[]said{send, send, delivery, delivery}, "delivered"},
		"a bounce":                    {[]said{send, bounce}, "failed bounced 5.1.1"},
		"a bounce before its sending": {[]said{bounce, send}, "failed bounced 5.1.1"},
		"a complaint":                 {[]said{send, delivery, complaint}, "failed complaint"},
		"a delay is no state":         {[]said{send, delay}, "sent"},
		"of another letter":           {[]said{func(_ string, tags map[string]string) mailing.Echo { return echo("Bounce", "m-99", tags) }}, "sent"},
		"of another mailing": {[]said{func(id string, _ map[string]string) mailing.Echo {
			return echo("Bounce", id, map[string]string{"mailing": "x", "recipient": "0"})
		}}, "sent"},
		"of a recipient too many": {[]said{func(id string, tags map[string]string) mailing.Echo {
			return echo("Bounce", id, map[string]string{"mailing": tags["mailing"], "recipient": "7"})
		}}, "sent"},
		"of no recipient": {[]said{func(id string, tags map[string]string) mailing.Echo {
			return echo("Bounce", id, map[string]string{"mailing": tags["mailing"], "recipient": "-1"})
		}}, "sent"},
		"of nobody": {[]said{func(id string, _ map[string]string) mailing.Echo { return echo("Bounce", id, nil) }}, "sent"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "a@example.com")
			if err := w.Deliver(t.Context(), w.topUp("r1")); err != nil {
				t.Fatal(err)
			}
			for _, tell := range row.tells {
				if err := w.Hear(t.Context(), tell("m-1", w.taken[0].Tags)); err != nil {
					t.Fatal(err)
				}
			}
			if w.status() != row.want {
				t.Errorf("%s, want %s", w.status(), row.want)
			}
		})
	}
}
