// Package event is the one form in which the centre tells other systems what happened: on the event bus, and in
// customers' webhooks. An event is an entry of a journal, as its receipt tells it, or a notice; its name says which
// kind: "entry.settled", "notice.lot_expiring".
//
//	event.go  Event, its names, and how it is read back
//	schemas/  a JSON Schema (draft 2020-12) of each, by name: what consumers may rely on
//
// Version 1 may gain members and kinds, and loses none: consumers ignore what they don't know. An event may come twice
// and out of order: Key is the same whenever it comes again, and an entry's number orders the entries of its account.
package event

import (
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-lambda-go/events"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"billingcentre/shared/api"
	"billingcentre/shared/notice"
	"billingcentre/shared/receipt"
	"billingcentre/shared/wallet"
)

const (
	// Source is the source of all our events on the bus.
	Source = "billing-centre"
	// Version of an event's form.
	Version = 1

	ofEntry  = "entry."
	ofNotice = "notice."
)

// Event is one thing that happened to one account. Either Entry or Notice is set.
type Event struct {
	Name    string           `json:"-"` // "entry.settled": the bus's detail-type, a webhook's type
	Version int              `json:"version"`
	Key     string           `json:"key"` // the same whenever the event comes again
	Account wallet.AccountID `json:"account_id"`
	At      string           `json:"at"` // when it was booked, or noticed
	Entry   *receipt.Receipt `json:"entry,omitempty"`
	Notice  *notice.Notice   `json:"notice,omitempty"`
	// Abridged tells that lines and funds of a settlement were left out, because the event would have been too large for
	// the bus. The entry at its account's route has them.
	Abridged bool `json:"abridged,omitzero"`
}

// Abridge is the event without the lines of its settlement and the funds that were looked at.
func (e Event) Abridge() Event {
	if e.Entry == nil || e.Entry.Settlement == nil {
		return e
	}
	entry, settlement := *e.Entry, *e.Entry.Settlement
	settlement.Lines, settlement.Classes = []receipt.Line{}, slices.Clone(settlement.Classes)
	for i := range settlement.Classes {
		settlement.Classes[i].Funds = []receipt.Fund{}
	}
	entry.Settlement = &settlement
	e.Entry, e.Abridged = &entry, true
	return e
}

// OfEntry is the event of an entry.
func OfEntry(e wallet.Entry) Event {
	told := receipt.Of(e)
	return Event{Name: ofEntry + told.Kind, Version: Version, Key: string(e.Key), Account: e.Account, At: told.At, Entry: &told}
}

// OfNotice is the event of a notice.
func OfNotice(n notice.Notice) Event {
	return Event{
		Name: ofNotice + n.Kind, Version: Version, Key: "notice:" + n.Kind + ":" + n.Cause, Account: n.Account, At: api.Instant(n.At), Notice: &n,
	}
}

// Names are the names of all events.
func Names() []string {
	var names []string
	for _, kind := range wallet.EntryKinds() {
		names = append(names, ofEntry+kind.String())
	}
	for _, kind := range notice.Kinds() {
		names = append(names, ofNotice+kind)
	}
	return names
}

// ForCustomers tells whether customers hear of events of a name: an operator's cases are the operator's to look at.
func ForCustomers(name string) bool { return name != ofNotice+"charge_case" }

// Matches tells whether a name is among some wanted ones: each a name, "entry.*", "notice.*", or "*".
func Matches(name string, wanted []string) bool {
	for _, w := range wanted {
		prefix, open := strings.CutSuffix(w, "*")
		if name == w || open && strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

// JSON is the event as the bus's detail.
func (e Event) JSON() ([]byte, error) { return json.Marshal(e, json.Deterministic(true)) }

// Read is the event that a function was invoked with by a rule of the bus.
func Read(from events.EventBridgeEvent) (Event, error) {
	if from.Source != Source {
		return Event{}, fmt.Errorf("event: from %q, not from the centre", from.Source)
	}
	return Decode(from.DetailType, from.Detail)
}

// ReadMessage is the event in a message of a queue that a rule of the bus sends to.
func ReadMessage(body []byte) (Event, error) {
	var from struct {
		Source     string         `json:"source"`
		DetailType string         `json:"detail-type"`
		Detail     jsontext.Value `json:"detail"`
	}
	if err := json.Unmarshal(body, &from); err != nil {
		return Event{}, fmt.Errorf("event: %w", err)
	}
	if from.Source != Source {
		return Event{}, fmt.Errorf("event: from %q, not from the centre", from.Source)
	}
	return Decode(from.DetailType, from.Detail)
}

// Decode reads an event of a name back from its JSON. What a later version 1 has more is ignored.
func Decode(name string, detail []byte) (Event, error) {
	e := Event{}
	if err := json.Unmarshal(detail, &e); err != nil {
		return Event{}, fmt.Errorf("event %s: %w", name, err)
	}
	e.Name = name
	switch {
	case e.Version != Version:
		return Event{}, fmt.Errorf("event %s: version %d is not %d", name, e.Version, Version)
	case e.Key == "" || e.Account == "":
		return Event{}, fmt.Errorf("event %s: without a key or an account", name)
	case (e.Entry == nil) == (e.Notice == nil):
		return Event{}, fmt.Errorf("event %s: neither an entry nor a notice", name)
	case e.Entry != nil && name != ofEntry+e.Entry.Kind, e.Notice != nil && name != ofNotice+e.Notice.Kind:
		return Event{}, fmt.Errorf("event %s: it is of another kind", name)
	}
	return e, nil
}
