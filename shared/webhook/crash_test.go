package webhook_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"

	"billingcentre/shared/ledger"
	"billingcentre/shared/webhook"
)

// fuse makes one call of a run fail: the how-manieth, before it took effect or after.
type fuse struct {
	left  int
	after bool
	blown bool
}

var errBlown = errors.New("the connection was lost")

// around runs a call with the fuse in its way.
func (f *fuse) around(call func() error) error {
	f.left--
	if f.left != 0 {
		return call()
	}
	f.blown = true
	if f.after {
		if err := call(); err != nil {
			return err
		}
	}
	return errBlown
}

// shaky is a store behind a fuse.
type shaky struct {
	ledger.Store
	*fuse
}

func (s shaky) Put(ctx context.Context, documents ...ledger.Document) error {
	return s.around(func() error { return s.Store.Put(ctx, documents...) })
}

func (s shaky) Documents(ctx context.Context, keys ...ledger.DocumentKey) (found map[ledger.DocumentKey]ledger.Document, err error) {
	err = s.around(func() error { found, err = s.Store.Documents(ctx, keys...); return err })
	return found, err
}

// shakyQueue is a queue behind the same fuse.
type shakyQueue struct {
	webhook.Queue
	*fuse
}

func (q shakyQueue) Send(ctx context.Context, steps ...webhook.Step) error {
	return q.around(func() error { return q.Queue.Send(ctx, steps...) })
}

// hasty is a queue whose messages are taken at once, before their sender can do anything more.
type hasty struct{ *post }

func (q hasty) Send(ctx context.Context, steps ...webhook.Step) error {
	err := q.post.Send(ctx, steps...)
	q.take(false)
	return err
}

// A step may be taken before its sender has recorded that there is one.
func TestAStepThatIsTakenTooSoonIsNotLost(t *testing.T) {
	p := newPost(t)
	e, _ := p.endpoint()
	p.tell(p.topUp("one"))
	p.run()
	p.desk.Queue = hasty{p}
	if _, err := p.desk.Replay(t.Context(), "acme", e.ID, p.only(e).ID); err != nil {
		t.Fatal(err)
	}
	p.run()
	if d := p.only(e); len(p.got) != 2 || d.Status != webhook.Delivered || len(d.Attempts) != 2 {
		t.Errorf("%d posts, %+v", len(p.got), d)
	}
}

// The connection is lost at each call of a delivery that succeeds at its third attempt, before the call took effect and
// after: the event is posted at least three times with one webhook-id, and one success is recorded, without a hand.
func TestAnyLostCallIsSurvived(t *testing.T) {
	for n := 1; ; n++ {
		blown := false
		for _, after := range []bool{false, true} {
			f := &fuse{left: n, after: after}
			t.Run(fmt.Sprintf("%d %t", n, after), func(t *testing.T) { survive(t, f) })
			blown = blown || f.blown
		}
		if !blown {
			if n < 12 {
				t.Errorf("only %d calls were tried", n)
			}
			return
		}
	}
}

func survive(t *testing.T, f *fuse) {
	p := newPost(t)
	e, _ := p.endpoint()
	p.answer = func(w http.ResponseWriter, _ *http.Request, n int) { w.WriteHeader([]int{500, 500, 200}[min(n, 2)]) }
	store, queue := shaky{p.store, f}, shakyQueue{p, f}
	p.fanout.Store, p.courier.Store, p.fanout.Queue, p.courier.Queue = store, store, queue, queue
	told := p.topUp("one")
	for tries := 0; !p.told(told); tries++ {
		if tries == 3 {
			t.Fatal("the event is never taken")
		}
	}
	p.run()
	d, good := p.only(e), 0
	for _, attempt := range d.Attempts {
		if attempt.Status == 200 {
			good++
		}
	}
	if d.Status != webhook.Delivered || good != 1 || len(p.got) < 3 || len(p.got) > 5 {
		t.Errorf("%d posts, %+v", len(p.got), d)
	}
	for _, got := range p.got {
		if got.header.Get("Webhook-Id") != d.ID {
			t.Errorf("webhook-id %s, not %s", got.header.Get("Webhook-Id"), d.ID)
		}
	}
}
