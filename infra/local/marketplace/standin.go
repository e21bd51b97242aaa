// Package marketplace stands in for the clouds' marketplaces on one machine: AWS Marketplace's BatchMeterUsage in its own
// JSON protocol, as the SDK speaks it; Alibaba Cloud's PushMeteringData; Huawei Cloud's usage push. It checks each
// request's signature, refuses what they refuse, and keeps what it accepted, so that a test can tell what each customer
// was charged. A switchboard (Spoil) makes calls fail in the ways in which networks and services do.
//
//	standin.go  what is kept, and the switchboard
//	aws.go      BatchMeterUsage       sigv4.go  its signature
//	alibaba.go  PushMeteringData      huawei.go usage push
//
// What is charged twice by resending differs, as the real ones do as far as is known: AWS keeps one record a customer,
// dimension and hour, Huawei one a metering_sn, and Alibaba takes everything that it gets.
package marketplace

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Fate is what becomes of a call.
type Fate int

// The fates.
const (
	Fine            Fate = iota
	Lost                 // never arrives
	AnswerLost           // done, and the connection breaks before the answer
	Slow                 // done, and the answer comes when nobody waits for it any more
	ServerError          // HTTP 500, and it wasn't done
	ServerErrorDone      // HTTP 500, though it was done
	Throttled            // refused for its rate
	Partial              // AWS: every second record is told as unprocessed, and wasn't; others: Throttled
	Forgetful            // AWS: done, but the answer leaves out every second record; others: AnswerLost
)

// Fates are all that can go wrong.
var Fates = []Fate{Lost, AnswerLost, Slow, ServerError, ServerErrorDone, Throttled, Partial, Forgetful}

// Standing is what a marketplace knows of a customer.
type Standing int

// The standings.
const (
	Subscribed Standing = iota
	Unsubscribed
	Stranger // no customer at all
)

// Options say who sells what to whom. The zero value sells to everybody but customers whose names begin with
// "unsubscribed" or "stranger".
type Options struct {
	Now       func() time.Time                         // time.Now if nil
	Spoil     func(provider string, call int) Fate     // the switchboard; nil spoils nothing
	Customer  func(provider, customer string) Standing // nil goes by the name
	Product   string                                   // AWS's product code; "" takes any
	Dimension []string                                 // AWS's; none takes any
	Keys      Keys                                     // with which requests must be signed
	Age       time.Duration                            // AWS: how old a record may be; 6 hours if 0
}

// Keys are those that sellers sign with.
type Keys struct {
	AWSKeyID, AWSSecret         string
	AlibabaKeyID, AlibabaSecret string
	HuaweiKey                   string
}

// Accepted is what a customer was charged by one record.
type Accepted struct {
	Provider  string    `json:"provider"`
	ID        string    `json:"id"` // the marketplace's
	Customer  string    `json:"customer"`
	License   string    `json:"license,omitempty"`
	Dimension string    `json:"dimension,omitempty"`
	Quantity  int64     `json:"quantity"`
	At        time.Time `json:"at"`
	Sent      string    `json:"sent,omitempty"` // the sender's id, where there is one
}

// Server is the marketplaces. It is safe for concurrent use.
type Server struct {
	options Options

	mu       sync.Mutex
	accepted []Accepted
	byKey    map[string]int // index into accepted, where the same record again is the same
	nonces   map[string]bool
	last     map[string]time.Time // Alibaba: an instance's last push
	calls    int
}

// New is marketplaces that have charged nobody yet.
func New(o Options) *Server {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Age == 0 {
		o.Age = 6 * time.Hour
	}
	return &Server{options: o, byKey: map[string]int{}, nonces: map[string]bool{}, last: map[string]time.Time{}}
}

// Accepted is all that was charged, in order.
func (s *Server) Accepted() []Accepted {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.accepted)
}

// Takes tells whether a request is for a marketplace: other services listen at the same place.
func Takes(r *http.Request) bool {
	return strings.HasPrefix(r.Header.Get("X-Amz-Target"), awsTarget) || strings.HasPrefix(r.URL.Path, alibabaPath) ||
		r.URL.Path == huaweiPath || r.URL.Path == "/marketplaces"
}

// ServeHTTP is all marketplaces at one address. GET /marketplaces tells what was accepted.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case strings.HasPrefix(r.Header.Get("X-Amz-Target"), awsTarget):
		s.aws(w, r)
	case strings.HasPrefix(r.URL.Path, alibabaPath):
		s.alibaba(w, r)
	case r.URL.Path == huaweiPath:
		s.huawei(w, r)
	case r.URL.Path == "/marketplaces" && r.Method == http.MethodGet:
		accepted := s.Accepted()
		if accepted == nil {
			accepted = []Accepted{}
		}
		reply(w, http.StatusOK, "application/json", map[string]any{"accepted": accepted})
	default:
		http.NotFound(w, r)
	}
}

// fate is what becomes of this call.
func (s *Server) fate(provider string) Fate {
	s.mu.Lock()
	s.calls++
	call := s.calls
	s.mu.Unlock()
	if s.options.Spoil == nil {
		return Fine
	}
	return s.options.Spoil(provider, call)
}

// lose breaks the connection without an answer.
func lose() { panic(http.ErrAbortHandler) }

// deliver sends an answer, or doesn't. For a slow one it waits until the client has gone.
func deliver(w http.ResponseWriter, r *http.Request, fate Fate, send func(http.ResponseWriter)) {
	switch fate {
	case AnswerLost, Forgetful:
		lose()
	case Slow:
		<-r.Context().Done()
		lose()
	}
	send(w)
}

func (s *Server) standing(provider, customer string) Standing {
	if s.options.Customer != nil {
		return s.options.Customer(provider, customer)
	}
	switch {
	case strings.HasPrefix(customer, "unsubscribed"):
		return Unsubscribed
	case strings.HasPrefix(customer, "stranger"), customer == "":
		return Stranger
	}
	return Subscribed
}

func reply(w http.ResponseWriter, status int, media string, body any) {
	text, err := json.Marshal(body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", media)
	w.WriteHeader(status)
	_, _ = w.Write(text) // whoever doesn't listen any more doesn't miss it
}
