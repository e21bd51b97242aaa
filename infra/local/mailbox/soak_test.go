package mailbox_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"billingcentre/infra/local/mailbox"
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

// soak is a post whose SES fails every third call in every way, and forgets to tell of some letters; events come twice and in any order.
type soak struct {
	t      *testing.T
	mu     sync.Mutex // the server goes on when its client has lost it
	random *rand.Rand
	now    time.Time
	post   *post
	mail   mailing.Post
	echoes []mailing.Echo
}

func (s *soak) chance(n int) int { s.mu.Lock(); defer s.mu.Unlock(); return s.random.IntN(n) }

func (s *soak) clock() time.Time { s.mu.Lock(); defer s.mu.Unlock(); return s.now }

func (s *soak) pass(d time.Duration) { s.mu.Lock(); defer s.mu.Unlock(); s.now = s.now.Add(d) }

// Letters of every kind through the SDK to an SES that fails: nobody gets one twice, but for vital ones of which SES said nothing;
// and what the list says is what SES has.
func TestLettersThroughAnSESThatFails(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	s := newSoak(t, rand.New(rand.NewPCG(seed, 1)))
	open := map[string]event.Event{}
	for i := range 60 {
		e := s.topUp(i)
		if i%3 == 0 {
			e = event.OfNotice(notice.Notice{Kind: "locked", Cause: fmt.Sprint(i), Account: "acme", At: s.now, Arrears: &notice.Arrears{Case: i, Owed: "1.00", Currency: "CNY"}})
		}
		open[e.Key] = e
	}
	for round := 0; len(open) > 0; round++ {
		if round == 400 {
			t.Fatalf("%d events aren't done", len(open))
		}
		for key, e := range open { // in any order
			err := s.mail.Deliver(t.Context(), e)
			switch {
			case err == nil && s.chance(2) == 0: // else it comes again
				delete(open, key)
			case err != nil && !refusal.Is(err, refusal.TooEarly):
				t.Fatal(err)
			}
		}
		s.pass(3 * time.Minute)
		s.post.Deliver(t.Context())
		for _, e := range s.echoes {
			if err := s.mail.Hear(t.Context(), e); err != nil {
				t.Fatal(err)
			}
		}
		s.echoes = nil
	}
	s.agree()
}

func newSoak(t *testing.T, random *rand.Rand) *soak {
	s := &soak{t: t, random: random, now: time.Date(2026, 11, 10, 4, 0, 0, 0, time.UTC)}
	s.post = newPost(t, func(o *mailbox.Options) {
		o.Now = s.clock
		o.Spoil = func(string) mailbox.Fate {
			if s.chance(3) > 0 {
				return mailbox.Fine
			}
			return mailbox.Fates[s.chance(len(mailbox.Fates))]
		}
		o.Publish = func(_ context.Context, _ string, text []byte) error {
			var told struct{ Detail json.RawMessage }
			if err := json.Unmarshal(text, &told); err != nil {
				return err
			}
			e, err := mailing.ReadEcho(told.Detail)
			if s.chance(5) > 0 { // SES promises its best, no more
				s.echoes = append(s.echoes, e)
			}
			return err
		}
	})
	store := new(memory.Store)
	s.mail = mailing.Post{
		Store: store, Directory: &directory.Directory{Store: store, Now: s.clock}, Sender: s.post.sender, Now: s.clock, Log: slog.New(slog.DiscardHandler),
		Metrics: &metric.Metrics{Out: io.Discard},
	}
	s.do(directory.Opening(directory.Account{ID: "acme", Name: "Acme", Currency: money.CNY, Zone: "Asia/Shanghai"}, "ops"))
	_, err := preference.Save(t.Context(), store, preference.Preferences{Account: "acme", Addresses: []string{"a@example.org", "b@example.org"}, Language: mail.Chinese}, "pat", s.now)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *soak) do(intent ledger.Intent) wallet.Entry {
	s.t.Helper()
	books := &ledger.Ledger{Store: s.mail.Store, Policy: wallet.DefaultPolicy(), Now: s.mail.Now}
	receipt, err := books.Do(s.t.Context(), "acme", intent)
	if err != nil {
		s.t.Fatal(err)
	}
	return receipt.Entry
}

func (s *soak) topUp(i int) event.Event {
	return event.OfEntry(s.do(ledger.Intent{Command: wallet.TopUp{Order: fmt.Sprint("r", i), Amount: money.Units(money.CNY, 1), Channel: "alipay"}}))
}

// agree holds what the list says against what SES has.
func (s *soak) agree() {
	s.t.Helper()
	taken := map[string]int{}
	for _, m := range s.post.Mails() {
		taken[m.Tags["mailing"][0]+"/"+m.Tags["recipient"][0]]++
	}
	told, _, err := mailing.List(s.t.Context(), s.mail.Store, "acme", "", 100)
	if err != nil || len(told) != 60 {
		s.t.Fatalf("%d mailings, %v", len(told), err)
	}
	became := map[mailing.Status]int{}
	for _, m := range told {
		for i, r := range m.Recipients {
			n := taken[fmt.Sprintf("%s/%d", m.ID, i)]
			became[r.Status]++
			ok := n == 1
			switch {
			case r.Status == mailing.Unknown:
				ok = n <= 1 && m.Kind != mail.Locked
			case m.Kind == mail.Locked:
				ok = n >= 1
			}
			if !ok || r.Status == mailing.Pending || r.Status == mailing.Sending {
				s.t.Errorf("%s to %s: %s after %d attempts, and SES has %d", m.Kind, r.Address, r.Status, r.Attempts, n)
			}
		}
	}
	s.t.Logf("became %v, of %d mails", became, len(s.post.Mails()))
}
