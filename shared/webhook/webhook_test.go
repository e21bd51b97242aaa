package webhook_test

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"billingcentre/shared/event"
	"billingcentre/shared/ledger"
	"billingcentre/shared/notice"
	"billingcentre/shared/refusal"
	"billingcentre/shared/webhook"
)

func TestAnEventIsPostedSignedAndRecorded(t *testing.T) {
	p := newPost(t)
	e, secret := p.endpoint()
	told := p.topUp("one")
	p.tell(told)
	p.run()
	d := p.only(e)
	if d.Status != webhook.Delivered || len(d.Attempts) != 1 || d.Attempts[0].Status != 200 || len(p.got) != 1 {
		t.Fatalf("%+v, %d posts", d, len(p.got))
	}
	got := p.got[0]
	if err := verify(secret, got); err != nil {
		t.Error(err)
	}
	detail, err := told.JSON()
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf(`{"type":"entry.adjusted","timestamp":"2026-11-10T12:00:00.000Z","data":%s}`, detail)
	if !equalJSON(t, want, string(got.body)) || got.header.Get("Webhook-Id") != d.ID || got.header.Get("Content-Type") != "application/json" {
		t.Errorf("posted %s with %v, want %s", got.body, got.header, want)
	}
}

func equalJSON(t *testing.T, a, b string) bool {
	t.Helper()
	var x, y any
	if json.Unmarshal([]byte(a), &x) != nil || json.Unmarshal([]byte(b), &y) != nil {
		return false
	}
	m, _ := json.Marshal(x, json.Deterministic(true))
	n, _ := json.Marshal(y, json.Deterministic(true))
	return bytes.Equal(m, n)
}

func TestOnlyWantedEventsAreDelivered(t *testing.T) {
	p := newPost(t)
	entries, _ := p.endpoint("entry.*")
	settled, _ := p.endpoint("entry.settled", "notice.locked")
	off, _ := p.endpoint()
	if _, err := p.desk.Change(t.Context(), "acme", off.ID, webhook.Wish{URL: off.URL, Events: off.Events}); err != nil {
		t.Fatal(err)
	}
	p.tell(p.topUp("one"), p.topUp("two"), event.OfNotice(notice.ChargedInVain("acme", notice.ChargeCase{Record: "r"}))) // an operator's
	p.run()
	if a, b, c := len(p.deliveries(entries)), len(p.deliveries(settled)), len(p.deliveries(off)); a != 2 || b != 0 || c != 0 || len(p.got) != 2 {
		t.Errorf("%d, %d, %d deliveries, %d posts", a, b, c, len(p.got))
	}
}

// A receiver that fails is tried nine times in about a day, each time with the same webhook-id and body, and then no more
// until somebody replays the delivery.
func TestAFailingReceiverIsTriedForADayAndReplayable(t *testing.T) {
	p := newPost(t)
	e, secret := p.endpoint()
	p.answer = func(w http.ResponseWriter, _ *http.Request, _ int) { w.WriteHeader(http.StatusInternalServerError) }
	p.tell(p.topUp("one"))
	p.run()
	d := p.only(e)
	if d.Status != webhook.Dead || len(d.Attempts) != 9 || len(p.got) != 9 {
		t.Fatalf("%+v, %d posts", d, len(p.got))
	}
	if took := d.EndedAt.Sub(d.CreatedAt); took < 24*time.Hour || took > 28*time.Hour {
		t.Errorf("given up after %s", took)
	}
	for _, got := range p.got {
		if got.header.Get("Webhook-Id") != d.ID || !bytes.Equal(got.body, p.got[0].body) || verify(secret, got) != nil {
			t.Errorf("posted %v", got.header)
		}
	}
	p.answer = func(http.ResponseWriter, *http.Request, int) {}
	if _, err := p.desk.Replay(t.Context(), "acme", e.ID, d.ID); err != nil {
		t.Fatal(err)
	}
	p.run()
	if d = p.only(e); d.Status != webhook.Delivered || len(d.Attempts) != 10 || p.got[9].header.Get("Webhook-Id") != d.ID {
		t.Errorf("after its replay %+v", d)
	}
}

// A delivery is kept for 30 days from when it was made or replayed last: each write tells the store so, and nobody sees it
// beyond that, although the store forgets it later.
func TestADeliveryHasAnEnd(t *testing.T) {
	const month = 30 * 24 * time.Hour
	p := newPost(t)
	e, _ := p.endpoint()
	until := func(id string) time.Time {
		key := ledger.DocumentKey{Kind: "webhook-delivery", ID: id}
		found, err := p.store.Documents(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		return found[key].Until
	}
	p.tell(p.topUp("one"))
	made := p.only(e)
	if got := until(made.ID); !got.Equal(noon.Add(month)) {
		t.Errorf("made: until %s", got)
	}
	p.run()
	if got := until(made.ID); !got.Equal(noon.Add(month)) {
		t.Errorf("delivered: until %s", got)
	}
	p.now = noon.Add(month - time.Second)
	if p.only(e).ID != made.ID {
		t.Error("it isn't listed on its last day")
	}
	if _, err := p.desk.Replay(t.Context(), "acme", e.ID, made.ID); err != nil {
		t.Fatal(err)
	}
	p.run()
	replayed := p.only(e)
	if got := until(made.ID); got.Before(replayed.BegunAt.Add(month)) || replayed.BegunAt.Before(noon.Add(month-time.Minute)) {
		t.Errorf("replayed: until %s", got)
	}
	p.now = replayed.BegunAt.Add(month)
	if left := p.deliveries(e); len(left) != 0 {
		t.Errorf("listed beyond its end: %+v", left)
	}
	if _, err := p.desk.Delivery(t.Context(), "acme", e.ID, made.ID); !refusal.Is(err, refusal.NotFound) {
		t.Errorf("seen beyond its end: %v", err)
	}
	if _, err := p.desk.Replay(t.Context(), "acme", e.ID, made.ID); !refusal.Is(err, refusal.NotFound) {
		t.Errorf("replayed beyond its end: %v", err)
	}
}

// The key of a test is good for as long as its delivery; after that it makes another one, stored or not.
func TestAKeyOfATestEndsWithItsDelivery(t *testing.T) {
	p := newPost(t)
	e, _ := p.endpoint()
	for posts := 1; posts <= 2; posts++ {
		for _, again := range []bool{false, true} {
			if _, repeated, err := p.desk.Test(t.Context(), "acme", e.ID, "once"); err != nil || repeated != again {
				t.Fatalf("repeated %t, %v", repeated, err)
			}
			p.run()
		}
		if d := p.only(e); len(p.got) != posts || d.Status != webhook.Delivered || len(d.Attempts) != 1 {
			t.Errorf("%d posts, %+v", len(p.got), d)
		}
		p.now = p.now.Add(30 * 24 * time.Hour)
	}
}

// A webhook for which deliveries die for days is disabled; one success in between begins the count anew.
func TestAWebhookThatFailsForDaysIsDisabled(t *testing.T) {
	p := newPost(t)
	p.endpoint()
	status := http.StatusInternalServerError
	p.answer = func(w http.ResponseWriter, _ *http.Request, _ int) { w.WriteHeader(status) }
	day := func(i int) webhook.Endpoint {
		p.tell(p.topUp(fmt.Sprint(i)))
		p.run()
		return p.endpoints()[0]
	}
	for i := range 5 {
		if e := day(i); !e.Enabled || e.FailingSince.IsZero() {
			t.Fatalf("after %d days %+v", i+1, e)
		}
	}
	status = http.StatusOK
	if e := day(5); !e.Enabled || !e.FailingSince.IsZero() {
		t.Fatalf("after a success %+v", e)
	}
	status = http.StatusInternalServerError
	for i := range 5 {
		if e := day(6 + i); !e.Enabled {
			t.Fatalf("%d days after the success %+v", i+1, e)
		}
	}
	if e := day(11); e.Enabled || e.Disabled != "failing" {
		t.Errorf("after six days %+v", e)
	}
}

// Acknowledgements are lost, steps come twice, the bus tells twice, a worker dies between its writes: each event is
// posted at least once with one webhook-id, and recorded once.
func TestRedeliveryAndDuplicates(t *testing.T) {
	p := newPost(t)
	e, _ := p.endpoint()
	p.answer = func(w http.ResponseWriter, _ *http.Request, n int) {
		w.WriteHeader([]int{500, 500, 200, 500, 200}[min(n, 4)])
	}
	a, b := p.topUp("one"), p.topUp("two")
	p.tell(a, b)
	p.tell(a, b, a) // nobody has begun: both are sent again
	for i := range 200 {
		if !p.take(i%3 != 2) { // two of three acknowledgements are lost
			break
		}
		if i == 2 {
			p.tell(b)
		}
	}
	p.run()
	ids := map[string]int{}
	for _, got := range p.got {
		ids[got.header.Get("Webhook-Id")]++
	}
	found := p.deliveries(e)
	if len(found) != 2 || len(ids) != 2 {
		t.Fatalf("%d deliveries, ids %v", len(found), ids)
	}
	for _, d := range found {
		good := 0
		for _, attempt := range d.Attempts {
			if attempt.Status == 200 {
				good++
			}
		}
		if d.Status != webhook.Delivered || good != 1 {
			t.Errorf("%+v", d)
		}
	}
}

func TestRotationSignsTwiceForADay(t *testing.T) {
	p := newPost(t)
	e, old := p.endpoint()
	_, fresh, err := p.desk.Rotate(t.Context(), "acme", e.ID)
	if err != nil || fresh == old {
		t.Fatal(err)
	}
	p.tell(p.topUp("one"))
	p.run()
	p.now = p.now.Add(24 * time.Hour)
	p.tell(p.topUp("two"))
	p.run()
	for i, row := range []struct {
		secret string
		good   bool
	}{{old, true}, {fresh, true}, {old, false}, {fresh, true}} {
		if err := verify(row.secret, p.got[i/2]); (err == nil) != row.good {
			t.Errorf("%d: %v", i, err)
		}
	}
	if n := len(strings.Fields(p.got[0].header.Get("Webhook-Signature"))); n != 2 {
		t.Errorf("%d signatures", n)
	}
}

func TestWhatIsOnItsWayToARemovedEndpointIsCancelled(t *testing.T) {
	p := newPost(t)
	e, _ := p.endpoint()
	p.tell(p.topUp("one"))
	if _, err := p.desk.Change(t.Context(), "acme", e.ID, webhook.Wish{URL: e.URL, Events: e.Events}); err != nil {
		t.Fatal(err)
	}
	p.run()
	if d := p.only(e); d.Status != webhook.Cancelled || len(p.got) != 0 {
		t.Errorf("%+v", d)
	}
}
