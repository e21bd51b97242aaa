package mailing_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"billingcentre/shared/event"
	"billingcentre/shared/ledger"
	"billingcentre/shared/mail"
	"billingcentre/shared/mailing"
	"billingcentre/shared/refusal"
)

var errDead = errors.New("the process is dead")

// process is what a function does between its start and its death: it dies at one of its steps, before the step or after it.
type process struct {
	steps int // done so far
	dies  int // at which step; 0: never
	after bool
	dead  bool
}

// step runs a step, unless the process is dead, and kills it when it is time.
func (p *process) step(do func() error) error {
	if p.dead {
		return errDead
	}
	p.steps++
	if p.steps != p.dies {
		return do()
	}
	p.dead = true
	if p.after {
		_ = do()
	}
	return errDead
}

type mortalStore struct {
	ledger.Store
	*process
}

func (m mortalStore) Documents(ctx context.Context, keys ...ledger.DocumentKey) (found map[ledger.DocumentKey]ledger.Document, err error) {
	err = m.step(func() error { found, err = m.Store.Documents(ctx, keys...); return err })
	return found, err
}

func (m mortalStore) Put(ctx context.Context, documents ...ledger.Document) error {
	return m.step(func() error { return m.Store.Put(ctx, documents...) })
}

type mortalSender struct {
	mail.Sender
	*process
}

func (m mortalSender) Send(ctx context.Context, e mail.Envelope) (id string, err error) {
	err = m.step(func() error { id, err = m.Sender.Send(ctx, e); return err })
	return id, err
}

// A function dies at each of its steps, before and after it. Its event comes again every two minutes. With or without SES telling
// of what it took, vital letters arrive, all others never twice; and exactly once, whenever that can be known.
func TestDeathAtAnyStep(t *testing.T) {
	for name, make := range map[string]func(*world) event.Event{
		"any": func(w *world) event.Event { return w.topUp("r1") }, "vital": func(*world) event.Event { return locked() },
	} {
		for _, told := range []bool{true, false} {
			for _, after := range []bool{false, true} {
				for dies := 1; ; dies++ {
					w := newWorld(t, "a@example.com", "b@example.com")
					p := &process{dies: dies, after: after}
					unsure := die(t, w, make(w), p, told)
					if !p.dead {
						if dies < 8 {
							t.Fatalf("the function has only %d steps", dies)
						}
						break
					}
					where := fmt.Sprintf("%s letter, told: %v, step %d, after it: %v: %s, %d taken", name, told, dies, after, w.status(), len(w.taken))
					per := map[string]int{}
					for _, letter := range w.taken {
						per[letter.To]++
					}
					for _, to := range []string{"a@example.com", "b@example.com"} {
						once := per[to] == 1
						neverSent := name == "any" && unsure && per[to] == 0 // it died between noting the call and making it
						twiceUntold := name == "vital" && !told && unsure && per[to] == 2
						if !once && !neverSent && !twiceUntold {
							t.Errorf("%s: %s got %d", where, to, per[to])
						}
					}
				}
			}
		}
	}
}

// die lets a function die at its step, and another one do the rest. unsure tells that it died with a letter noted as being sent.
func die(t *testing.T, w *world, e event.Event, p *process, told bool) (unsure bool) {
	t.Helper()
	mortal := w.Post
	mortal.Store, mortal.Sender = mortalStore{w.Store, p}, mortalSender{w.Sender, p}
	mortal.Directory.Store = mortal.Store
	err := mortal.Deliver(t.Context(), e)
	if p.dead != (err != nil) {
		t.Fatalf("dead: %v, but %v", p.dead, err)
	}
	w.Directory.Store = w.Store
	for _, m := range w.mailings() {
		for _, r := range m.Recipients {
			unsure = unsure || r.Status == mailing.Sending
		}
	}
	for tries := 0; ; tries++ {
		w.pass(2 * time.Minute)
		if told {
			if err := w.hear(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		err := w.Deliver(t.Context(), e)
		if err == nil {
			return unsure
		}
		if !refusal.Is(err, refusal.TooEarly) || tries > 20 {
			t.Fatal(err)
		}
	}
}

// The answer is lost, but the letter was taken.
func TestALostAnswer(t *testing.T) {
	for name, row := range map[string]struct {
		event func(*world) event.Event
		told  bool
		want  string
		taken int
	}{
		"SES tells":                       {func(w *world) event.Event { return w.topUp("r") }, true, "sent", 1},
		"SES tells of a vital one":        {func(*world) event.Event { return locked() }, true, "sent", 1},
		"SES is silent":                   {func(w *world) event.Event { return w.topUp("r") }, false, "unknown no answer", 1},
		"SES is silent about a vital one": {func(*world) event.Event { return locked() }, false, "sent", 2},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "a@example.com")
			e := row.event(w)
			w.answer = fails(mail.Unknown, "no answer")
			if err := w.Deliver(t.Context(), e); !refusal.Is(err, refusal.TooEarly) || w.status() != "sending" {
				t.Fatalf("%v, %s", err, w.status())
			}
			w.answer = nil
			w.pass(mailing.Doubt - time.Second)
			if row.told {
				if err := w.hear(t.Context()); err != nil {
					t.Fatal(err)
				}
			} else if err := w.Deliver(t.Context(), e); !refusal.Is(err, refusal.TooEarly) {
				t.Fatalf("it was decided too early: %v", err)
			}
			w.pass(time.Second)
			if err := w.Deliver(t.Context(), e); err != nil || w.status() != row.want || len(w.taken) != row.taken {
				t.Errorf("%v, %s, %d taken", err, w.status(), len(w.taken))
			}
			if err := w.hear(t.Context()); err != nil || w.status() != "sent" {
				t.Errorf("when SES spoke up at last: %v, %s", err, w.status())
			}
		})
	}
}

// SES answers nothing for days, though it takes everything: a vital letter goes out a few times, not hundreds of times.
func TestAVitalLetterIsntSentForEver(t *testing.T) {
	w := newWorld(t, "a@example.com")
	w.answer = fails(mail.Unknown, "no answer")
	e, tries := locked(), 0
	for ; tries < 1000; tries++ {
		no := refusal.As(w.Deliver(t.Context(), e))
		if no == nil {
			break
		}
		w.pass(time.Duration(no.RetryAfter) * time.Second)
	}
	if w.status() != "unknown no answer" || len(w.taken) < 5 || len(w.taken) > 12 {
		t.Errorf("%s after %d tries, %d taken", w.status(), tries, len(w.taken))
	}
}

// faultyStore answers one write as the database does when it has trouble: it is unknown whether it was made.
type faultyStore struct {
	ledger.Store
	*process
}

func (f faultyStore) Put(ctx context.Context, documents ...ledger.Document) error {
	f.steps++
	if f.steps != f.dies {
		return f.Store.Put(ctx, documents...)
	}
	if f.after {
		if err := f.Store.Put(ctx, documents...); err != nil {
			return err
		}
	}
	return ledger.ErrUnknown
}

// Every write fails once, written and not written. Nobody is in doubt for that: each letter goes out once, without any word of SES's.
func TestAWriteOfUnknownOutcomeAtAnyStep(t *testing.T) {
	for name, make := range map[string]func(*world) event.Event{
		"any": func(w *world) event.Event { return w.topUp("r1") }, "vital": func(*world) event.Event { return locked() },
	} {
		for _, after := range []bool{false, true} {
			for dies := 1; ; dies++ {
				w := newWorld(t, "a@example.com", "b@example.com")
				e, p := make(w), &process{dies: dies, after: after}
				faulty := w.Post
				faulty.Store = faultyStore{w.Store, p}
				_ = faulty.Deliver(t.Context(), e)
				if p.steps < dies {
					if dies != 6 {
						t.Fatalf("it writes %d times", dies-1)
					}
					break
				}
				for range 3 {
					w.pass(time.Minute)
					if err := w.Deliver(t.Context(), e); err != nil && !refusal.Is(err, refusal.TooEarly) {
						t.Fatal(err)
					}
				}
				if len(w.taken) != 2 || w.status() != "sent, sent" {
					t.Errorf("%s letter, write %d, written: %v: %s, %d taken", name, dies, after, w.status(), len(w.taken))
				}
			}
		}
	}
}

func TestNoCallIsBegunThatWouldBeCutOff(t *testing.T) {
	w := newWorld(t, "a@example.com")
	e := w.topUp("r1")
	short, end := context.WithTimeout(t.Context(), 9*time.Second)
	defer end()
	if err := w.Deliver(short, e); !refusal.Is(err, refusal.TooEarly) || len(w.taken) > 0 || w.status() != "pending" {
		t.Errorf("%v, %s", err, w.status())
	}
}
