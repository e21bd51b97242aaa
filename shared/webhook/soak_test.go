package webhook_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"billingcentre/shared/event"
	"billingcentre/shared/ledger"
	"billingcentre/shared/webhook"
)

// storm makes calls fail by chance, half of them after they took effect.
type storm struct {
	mu     sync.Mutex
	chance *rand.Rand
	often  float64
}

func (s *storm) around(call func() error) error {
	s.mu.Lock()
	fails, after := s.chance.Float64() < s.often, s.chance.IntN(2) == 0
	s.mu.Unlock()
	if !fails {
		return call()
	}
	if after {
		if err := call(); err != nil {
			return err
		}
	}
	return errBlown
}

type stormyStore struct {
	ledger.Store
	*storm
}

func (s stormyStore) Put(ctx context.Context, documents ...ledger.Document) error {
	return s.around(func() error { return s.Store.Put(ctx, documents...) })
}

func (s stormyStore) Documents(ctx context.Context, keys ...ledger.DocumentKey) (found map[ledger.DocumentKey]ledger.Document, err error) {
	err = s.around(func() error { found, err = s.Store.Documents(ctx, keys...); return err })
	return found, err
}

type stormyQueue struct {
	webhook.Queue
	*storm
}

func (q stormyQueue) Send(ctx context.Context, steps ...webhook.Step) error {
	return q.around(func() error { return q.Queue.Send(ctx, steps...) })
}

// customers are webhooks by how their receivers behave.
var customers = map[string]func(w http.ResponseWriter, r *http.Request, n int){
	"good":   func(http.ResponseWriter, *http.Request, int) {},
	"flaky":  func(w http.ResponseWriter, _ *http.Request, n int) { w.WriteHeader([]int{500, 429, 200}[n%3]) },
	"broken": func(w http.ResponseWriter, _ *http.Request, _ int) { w.WriteHeader(http.StatusBadGateway) },
	"silent": func(_ http.ResponseWriter, r *http.Request, _ int) { <-r.Context().Done() },
	"cutoff": func(_ http.ResponseWriter, _ *http.Request, n int) {
		if n%2 == 0 {
			panic(http.ErrAbortHandler)
		}
	},
}

// TestSoak tells some events, some of them twice, to customers of every sort, while calls fail, acknowledgements are lost
// and messages come twice. WEBHOOK_SOAK is how many events; WEBHOOK_SEED repeats a run.
func TestSoak(t *testing.T) {
	events, seed := number("WEBHOOK_SOAK", 12), uint64(number("WEBHOOK_SEED", 20261122))
	chance := rand.New(rand.NewPCG(seed, seed))
	p := newPost(t)
	p.courier.Client.Timeout = 30 * time.Millisecond
	gotBy := map[string]map[string]int{} // by customer, by webhook-id
	p.answer = func(w http.ResponseWriter, r *http.Request, _ int) {
		who := strings.TrimPrefix(r.URL.Path, "/")
		p.mu.Lock()
		if gotBy[who] == nil {
			gotBy[who] = map[string]int{}
		}
		n := gotBy[who][r.Header.Get("Webhook-Id")]
		gotBy[who][r.Header.Get("Webhook-Id")]++
		p.mu.Unlock()
		customers[who](w, r, n)
	}
	hooks := map[string]webhook.Endpoint{}
	for who := range customers {
		e, _, _, err := p.desk.Add(t.Context(), "acme", who, webhook.Wish{URL: p.receiver.URL + "/" + who, Events: []string{"*"}, Enabled: true})
		if err != nil {
			t.Fatal(err)
		}
		hooks[who] = e
	}
	weather := &storm{chance: chance, often: 0.05}
	store, queue := stormyStore{p.store, weather}, stormyQueue{p, weather}
	p.fanout.Store, p.courier.Store, p.fanout.Queue, p.courier.Queue = store, store, queue, queue
	for i := range events {
		told := []event.Event{p.topUp(fmt.Sprint(i))}
		if chance.IntN(3) == 0 {
			told = append(told, told[0])
		}
		for !p.told(told...) { // the bus's queue hands it out again
		}
		p.take(chance.IntN(4) == 0)
	}
	for i := 0; p.take(chance.IntN(4) == 0); i++ {
		if i > 2000*events {
			t.Fatalf("seed %d: the queue never empties", seed)
		}
	}
	for who, e := range hooks {
		examine(t, p, who, e, events, gotBy[who], seed)
	}
}

// examine holds a customer's deliveries against what its system got.
func examine(t *testing.T, p *post, who string, e webhook.Endpoint, events int, got map[string]int, seed uint64) {
	found := p.deliveries(e)
	if len(found) != min(events, 100) { // a page
		t.Errorf("seed %d: %s has %d deliveries of %d events", seed, who, len(found), events)
	}
	posts := 0
	for _, d := range found {
		posts += got[d.ID]
		good := 0
		for _, attempt := range d.Attempts {
			if attempt.Status == 200 {
				good++
			}
		}
		want, successes := webhook.Delivered, 1
		if who == "broken" || who == "silent" {
			want, successes = webhook.Dead, 0
		}
		if d.Status != want || good != successes || want == webhook.Delivered && got[d.ID] == 0 {
			t.Errorf("seed %d: %s got %d posts of %+v", seed, who, got[d.ID], d)
		}
	}
	t.Logf("%-6s %d deliveries, %d posts", who, len(found), posts)
}

func number(variable string, otherwise int) int {
	if n, err := strconv.Atoi(os.Getenv(variable)); err == nil {
		return n
	}
	return otherwise
}
