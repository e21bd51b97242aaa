package mailbox

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"
)

const simulator = "@simulator.amazonses.com"

// became is what happens to a mail in the end.
func became(to []string) string {
	switch {
	case slices.Contains(to, "bounce"+simulator), slices.Contains(to, "suppressionlist"+simulator):
		return "Bounce"
	case slices.Contains(to, "complaint"+simulator):
		return "Complaint"
	}
	return "Delivery"
}

// event is one thing that SES tells of a mail.
type event struct {
	mail Mail
	what string
}

// detailTypes are what EventBridge calls SES's events.
var detailTypes = map[string]string{
	"Send": "Email Sent", "Delivery": "Email Delivered", "Bounce": "Email Bounced", "Complaint": "Email Complaint Received",
}

// events are what SES tells of a mail, in order: what its configuration set publishes, and nothing without one.
func (m *Mailbox) events(mail Mail) []event {
	set, _ := m.set(mail.Set)
	happens := []string{"Send", mail.Became}
	if mail.Became == "Complaint" {
		happens = []string{"Send", "Delivery", "Complaint"}
	}
	var all []event
	for _, what := range happens {
		if slices.Contains(set.Events, strings.ToUpper(what)) {
			all = append(all, event{mail, what})
		}
	}
	return all
}

// id is unique to the event.
func (e event) id() string { return e.mail.ID + strings.ToLower("-"+e.what) }

// text is an event as EventBridge delivers it.
func (e event) text(now time.Time) ([]byte, error) {
	const form = "2006-01-02T15:04:05.000Z"
	tags := map[string][]string{"ses:configuration-set": {e.mail.Set}}
	maps.Copy(tags, e.mail.Tags)
	detail := map[string]any{
		"eventType": e.what,
		"mail": map[string]any{
			"timestamp": e.mail.At.Format(form), "source": e.mail.From, "sendingAccountId": account, "messageId": e.mail.ID,
			"destination": e.mail.To, "headersTruncated": false, "commonHeaders": map[string]any{"from": []string{e.mail.From}, "to": e.mail.To, "subject": e.mail.Subject},
			"tags": tags,
		},
	}
	at := now.UTC().Format(form)
	switch e.what {
	case "Send":
		detail["send"] = map[string]any{}
	case "Delivery":
		detail["delivery"] = map[string]any{"timestamp": at, "processingTimeMillis": 500, "recipients": e.mail.To, "smtpResponse": "250 OK"}
	case "Bounce":
		detail["bounce"] = map[string]any{
			"feedbackId": e.mail.ID, "bounceType": "Permanent", "bounceSubType": "General", "timestamp": at,
			"bouncedRecipients": []any{map[string]string{
				"emailAddress": e.mail.To[0], "action": "failed", "status": "5.1.1", "diagnosticCode": "smtp; 550 5.1.1 user unknown",
			}},
		}
	case "Complaint":
		detail["complaint"] = map[string]any{
			"feedbackId": e.mail.ID, "timestamp": at, "complaintFeedbackType": "abuse", "complainedRecipients": []any{map[string]string{"emailAddress": e.mail.To[0]}},
		}
	}
	return json.Marshal(map[string]any{
		"version": "0", "id": e.id(), "detail-type": detailTypes[e.what], "source": "aws.ses", "account": account,
		"time": now.UTC().Format(time.RFC3339), "region": region, "resources": []string{"arn:aws:ses:" + region + ":" + account + ":configuration-set/" + e.mail.Set},
		"detail": detail,
	})
}

// Run publishes events until the context ends.
func (m *Mailbox) Run(ctx context.Context) {
	for ctx.Err() == nil {
		m.Deliver(ctx)
		select {
		case <-ctx.Done():
		case <-m.wake:
		}
	}
}

// Deliver publishes what there is to tell now. An event that can't be published is lost, as at SES: it promises no more.
func (m *Mailbox) Deliver(ctx context.Context) {
	m.mu.Lock()
	all := m.pending
	m.pending = nil
	m.mu.Unlock()
	for _, e := range all {
		if m.options.Publish == nil {
			continue
		}
		text, err := e.text(m.options.Now())
		if err == nil {
			err = m.options.Publish(ctx, e.id(), text)
		}
		if err != nil {
			m.options.Log.Error("the mailbox can't publish an event", "event", e.what, "error", err)
		}
	}
}
