// Package mailbox stands in for Amazon SES on a developer's machine: the API v2's SendEmail behind AWS's REST protocol, and a
// page on which the mails can be read. Nothing leaves the machine.
//
//	mailbox.go    Mailbox: what was taken, and where it is kept
//	api.go        SendEmail, and all that SES refuses
//	signature.go  Signature Version 4, checked
//	event.go      what SES tells of a mail later, by EventBridge
//	page.go       the pages
//
// It refuses what SES refuses (a signature that doesn't fit, a sender that isn't verified, an address that is none, tags and headers of
// other characters, too large a message, too high a rate), so that a function which pleases it pleases SES. As at SES, a
// mail to bounce@simulator.amazonses.com bounces, one to complaint@simulator.amazonses.com is complained about, and all
// others are delivered; each is told as an event, with the mail's tags. Options.Spoil is the switchboard for faults.
package mailbox

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"billingcentre/infra/local/journal"
)

const (
	mostKept = 1_000 // mails that are shown; older ones are forgotten
	region   = "us-east-1"
	account  = "000000000000"
)

// Options are what a Mailbox may be told. The zero Options take mail from nobody.
type Options struct {
	Journal           string   // file to keep mails in; nowhere when empty
	Identities        []string // addresses and domains that may send: "example.com" stands for all of it
	ConfigurationSets []ConfigurationSet
	Keys              map[string]string                                        // secrets of access keys, by the keys' ids
	MostBytes         int                                                      // of a message; SES's 40 MB when zero
	Publish           func(ctx context.Context, id string, event []byte) error // nobody hears of events when nil
	Now               func() time.Time                                         // time.Now when nil; signatures are always compared with the wall clock
	Log               *slog.Logger                                             // nothing is logged when nil
	Spoil             func(to string) Fate
}

// ConfigurationSet is by what mails are sent.
type ConfigurationSet struct {
	Name   string
	Events []string // that it publishes, in SES's words: "SEND", "BOUNCE"
}

// Fate is what becomes of a call.
type Fate int

// The fates.
const (
	Fine        Fate = iota
	Lost             // it never arrives
	AnswerLost       // the mail is taken, and the connection breaks before the answer
	Failed           // 500, and the mail isn't taken
	FailedTaken      // 500, and the mail is taken all the same
	Throttled        // 429, the mail isn't taken
	Paused           // sending is paused, the mail isn't taken
)

// Fates are all that can go wrong.
var Fates = []Fate{Lost, AnswerLost, Failed, FailedTaken, Throttled, Paused}

// Mail is one mail that was taken.
type Mail struct {
	ID      string              `json:"message_id"`
	At      time.Time           `json:"at"`
	From    string              `json:"from"` // as the sender wrote it
	To      []string            `json:"to"`
	Subject string              `json:"subject"`
	Plain   string              `json:"plain"`
	HTML    string              `json:"html"`
	Headers map[string]string   `json:"headers,omitempty"`
	Tags    map[string][]string `json:"tags,omitempty"`
	Set     string              `json:"configuration_set,omitempty"`
	Became  string              `json:"became"` // "Delivery", "Bounce" or "Complaint"
}

// Mailbox is the stand-in. It is an http.Handler for SES's API and for the pages. Run publishes events.
type Mailbox struct {
	options Options
	mux     *http.ServeMux
	wake    chan struct{}

	mu      sync.Mutex
	mails   []Mail // the oldest first
	pending []event
	journal *journal.Journal
}

// New opens the journal and makes the mailbox. Close it when done.
func New(o Options) (*Mailbox, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.MostBytes == 0 {
		o.MostBytes = 40 << 20
	}
	m := &Mailbox{options: o, wake: make(chan struct{}, 1), mux: http.NewServeMux()}
	if err := m.open(); err != nil {
		return nil, err
	}
	m.mux.HandleFunc("POST /v2/email/outbound-emails", m.serveSend)
	m.mux.HandleFunc("/v2/", func(w http.ResponseWriter, r *http.Request) {
		refuse(w, &refusal{http.StatusNotFound, "UnknownOperationException", "Only SendEmail is simulated, not " + r.Method + " " + r.URL.Path})
	})
	m.mux.HandleFunc("GET /{$}", m.serveIndex)
	m.mux.HandleFunc("GET /mails/{id}", m.serveMail)
	m.mux.HandleFunc("GET /mails/{id}/html", m.serveHTML)
	m.mux.HandleFunc("GET /mails/{id}/plain", m.servePlain)
	return m, nil
}

// ServeHTTP implements http.Handler.
func (m *Mailbox) ServeHTTP(w http.ResponseWriter, r *http.Request) { m.mux.ServeHTTP(w, r) }

// Mails are the mails that were taken, the oldest first.
func (m *Mailbox) Mails() []Mail {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.mails)
}

// Mail finds one by its id.
func (m *Mailbox) Mail(id string) (Mail, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	at := slices.IndexFunc(m.mails, func(mail Mail) bool { return mail.ID == id })
	if at < 0 {
		return Mail{}, false
	}
	return m.mails[at], true
}

// take keeps a mail, and the events that it will have.
func (m *Mailbox) take(mail Mail) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.journal.Write(mail); err != nil {
		return err
	}
	m.mails = append(m.mails, mail)
	m.mails = m.mails[max(0, len(m.mails)-mostKept):]
	m.pending = append(m.pending, m.events(mail)...)
	select {
	case m.wake <- struct{}{}:
	default:
	}
	return nil
}

// open goes on with the mails that are still shown.
func (m *Mailbox) open() error {
	kept, err := journal.Read[Mail](m.options.Journal)
	if err != nil {
		return fmt.Errorf("mailbox: %w", err)
	}
	m.mails = kept[max(0, len(kept)-mostKept):]
	m.journal, err = journal.Open(m.options.Journal, m.mails)
	return err
}

// Close ends the journal. Calls after it fail.
func (m *Mailbox) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.journal.Close()
}
