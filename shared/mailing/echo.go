package mailing

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/go-json-experiment/json"

	"billingcentre/shared/ledger"
	"billingcentre/shared/refusal"
)

// EchoSource is the source of SES's events on the bus.
const EchoSource = "aws.ses"

// Echo is what SES tells about a letter: the detail of its event.
type Echo struct {
	Type string `json:"eventType"`
	Mail struct {
		Message string              `json:"messageId"`
		Tags    map[string][]string `json:"tags"`
	} `json:"mail"`
	Bounce struct {
		Type       string `json:"bounceType"`
		Recipients []struct {
			Diagnostic string `json:"diagnosticCode"`
			Status     string `json:"status"`
		} `json:"bouncedRecipients"`
	} `json:"bounce"`
	Reject struct {
		Reason string `json:"reason"`
	} `json:"reject"`
}

// ReadEcho reads an event's detail. What else is in it is ignored.
func ReadEcho(detail []byte) (Echo, error) {
	var e Echo
	if err := json.Unmarshal(detail, &e); err != nil {
		return Echo{}, fmt.Errorf("mailing: an event of SES: %w", err)
	}
	return e, nil
}

// order is how far a letter is: what SES tells may come in any order, and never takes it back.
var order = map[Status]int{Pending: 0, Sending: 1, Unknown: 2, Sent: 3, Delivered: 4, Failed: 5}

// became is the state of which an echo tells; "" when it tells of none.
func (e Echo) became() (status Status, reason string) {
	switch e.Type {
	case "Send":
		return Sent, ""
	case "Delivery":
		return Delivered, ""
	case "Bounce":
		return Failed, e.bounced()
	case "Reject", "Rendering Failure":
		return Failed, "rejected"
	case "Complaint":
		return Failed, "complaint" // it was read, and is not wanted
	}
	return "", ""
}

// bounced is a bounce's reason, such as "bounced 5.1.1".
func (e Echo) bounced() string {
	if len(e.Bounce.Recipients) == 1 && len(e.Bounce.Recipients[0].Status) <= 16 && e.Bounce.Recipients[0].Status != "" {
		return "bounced " + e.Bounce.Recipients[0].Status
	}
	return "bounced"
}

// Hear notes what SES tells. What isn't about a letter of ours, or is no news, is left alone.
func (p *Post) Hear(ctx context.Context, e Echo) error {
	status, reason := e.became()
	ids, numbers := e.Mail.Tags[tagMailing], e.Mail.Tags[tagRecipient]
	if status == "" || len(ids) != 1 || len(numbers) != 1 {
		return nil
	}
	i, err := strconv.Atoi(numbers[0])
	if err != nil {
		return nil
	}
	for range maxConflicts {
		m, document, err := ledger.Read[Mailing](ctx, p.Store, documentKey(ids[0]))
		if refusal.Is(err, refusal.NotFound) {
			return nil // of another stage, perhaps, that uses the same configuration set
		}
		if err != nil {
			return err
		}
		if i < 0 || i >= len(m.Recipients) || !m.Recipients[i].hears(status, e.Mail.Message) {
			return nil
		}
		r := &m.Recipients[i]
		r.Status, r.Reason, r.At, r.Message = status, reason, p.now(), e.Mail.Message
		if err := p.put(ctx, &m, &document); !errors.Is(err, ledger.ErrStale) {
			if err == nil && status == Failed {
				p.Log.Warn("a letter came back", "mailing", m.ID, "recipient", i, "reason", reason)
				p.Metrics.Count("LettersFailed", 1, "", "")
			}
			return err
		}
	}
	return fmt.Errorf("mailing %s: others write it all the time", ids[0])
}

// hears tells whether a state is news for an address. What is told of another try than the one that was confirmed isn't.
func (r Recipient) hears(status Status, message string) bool {
	other := r.Message != "" && r.Message != message
	return order[status] > order[r.Status] && !other
}
