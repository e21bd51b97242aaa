package batch

import (
	"bytes"
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"billingcentre/shared/ledger"
	"billingcentre/shared/quarantine"
	"billingcentre/shared/refusal"
)

// slow is a store that answers writes when it is too late.
type slow struct{ ledger.Store }

func (slow) Put(ctx context.Context, _ ...ledger.Document) error {
	<-ctx.Done()
	return ledger.ErrUnknown
}

// Keeping what can't be done takes no longer than the function has: what is done stays acknowledged, the rest is handed
// back and hidden, though the quarantine doesn't answer. After the deadline nobody would hear of it, and all would come again.
func TestASlowQuarantineCostsNobodyHisAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, q := newConsumer(new(bytes.Buffer))
		c.Quarantine = &quarantine.Quarantine{Store: slow{}, Now: time.Now}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		var event events.SQSEvent
		for _, id := range []string{"done", "poison-1", "poison-2"} {
			event.Records = append(event.Records, record(id, 1, time.Second))
		}
		out, err := c.Take(ctx, event, func(_ context.Context, b *Batch) {
			b.Messages[0].Finish(nil)
			for _, m := range b.Messages[1:] {
				m.Finish(refusal.Of(refusal.Invalid, "No bill."))
			}
		})
		ends, _ := ctx.Deadline()
		if left := time.Until(ends); err != nil || left < 500*time.Millisecond {
			t.Errorf("%s before the deadline, %v", left, err)
		}
		if len(out.failures) != 2 || len(q.hidden) != 2 {
			t.Errorf("%+v, hidden %v", out, q.hidden)
		}
	})
}
