package bus

import (
	"cmp"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"billingcentre/infra/local/eventpattern"
	"billingcentre/infra/local/uuid"
)

// Options say where and when the buses live. The zero value is usable.
type Options struct {
	Region      string           // "us-east-1" if empty
	Now         func() time.Time // time.Now if nil
	Logger      *slog.Logger     // slog.Default() if nil
	RetryDelay  time.Duration    // before a failed invocation's first retry, twice that before the second; Lambda's minute if 0
	Concurrency int              // invocations of one function at once; 10 if 0
}

// Server holds buses and their rules. It is safe for concurrent use.
type Server struct {
	o   Options
	log *slog.Logger

	mu          sync.Mutex
	buses       map[string][]*Rule
	invocations *invocations
}

// New returns a server without buses.
func New(o Options) *Server {
	o.Region = cmp.Or(o.Region, "us-east-1")
	o.RetryDelay = cmp.Or(o.RetryDelay, time.Minute)
	o.Concurrency = cmp.Or(o.Concurrency, 10)
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Server{o: o, log: cmp.Or(o.Logger, slog.Default()), buses: map[string][]*Rule{}}
	s.invocations = newInvocations(s)
	return s
}

// Rule sends what matches its pattern to its targets.
type Rule struct {
	Bus     string // its name
	Name    string
	Pattern string // JSON
	Queues  []QueueTarget
	Invokes []FunctionTarget

	pattern eventpattern.Pattern
}

// QueueTarget is a queue that events are sent to.
type QueueTarget struct {
	ID   string
	ARN  string
	Send func(body string) error
	// DeadLetter takes what Send refused, with the attributes by which AWS tells why.
	DeadLetter func(body string, attributes map[string]string) error
}

// AddBus makes a bus.
func (s *Server) AddBus(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.buses[name] == nil {
		s.buses[name] = []*Rule{}
	}
}

// AddRule adds a rule to a bus that is there.
func (s *Server) AddRule(rule Rule) error {
	var err error
	if rule.pattern, err = eventpattern.Parse([]byte(rule.Pattern)); err != nil {
		return fmt.Errorf("rule %s: %w", rule.Name, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.buses[rule.Bus] == nil {
		return fmt.Errorf("rule %s: there is no bus %q", rule.Name, rule.Bus)
	}
	s.buses[rule.Bus] = append(s.buses[rule.Bus], &rule)
	return nil
}

// PutEvents takes entries, each by itself. The error is a refusal of all of them.
func (s *Server) PutEvents(entries []Entry) ([]Result, error) {
	if len(entries) == 0 || len(entries) > maxEntries {
		return nil, &Error{Code: "ValidationException", Message: fmt.Sprintf(
			"1 validation error detected: Value at 'entries' failed to satisfy constraint: Member must have length between 1 and %d", maxEntries)}
	}
	total := 0
	for _, e := range entries {
		total += e.size()
	}
	if total >= maxRequest {
		return nil, &Error{Code: "ValidationException", Message: "Total size of the entries in the request is over the limit."}
	}
	results := make([]Result, len(entries))
	for i, e := range entries {
		results[i] = s.put(e)
	}
	return results, nil
}

func (s *Server) put(e Entry) Result {
	if refused := e.refusal(); refused.ErrorCode != "" {
		return refused
	}
	name := cmp.Or(e.EventBusName, Default)
	if at := strings.LastIndex(name, ":event-bus/"); at >= 0 {
		name = name[at+len(":event-bus/"):] // an ARN names it too
	}
	s.mu.Lock()
	rules, there := s.buses[name]
	s.mu.Unlock()
	if !there {
		return Result{ErrorCode: "ResourceNotFoundException", ErrorMessage: fmt.Sprintf("Event bus %s does not exist.", name)}
	}
	id := uuid.New()
	event, err := e.event(id, s.o.Region, s.o.Now())
	if err != nil {
		return Result{ErrorCode: "InternalFailure", ErrorMessage: "internal failure"}
	}
	for _, rule := range rules {
		if rule.pattern.Matches(event) {
			s.deliver(rule, id, event)
		}
	}
	return Result{EventID: id}
}

// Default is the bus on which AWS's own services tell what happens. Nobody else can put events of theirs there.
const Default = "default"

// Tell takes an event of one of AWS's services, in the form in which rules see it and targets get it.
func (s *Server) Tell(id string, event []byte) {
	s.mu.Lock()
	rules := s.buses[Default]
	s.mu.Unlock()
	for _, rule := range rules {
		if rule.pattern.Matches(event) {
			s.deliver(rule, id, event)
		}
	}
}

func (s *Server) deliver(rule *Rule, id string, event []byte) {
	for _, target := range rule.Queues {
		if err := target.Send(string(event)); err != nil {
			s.giveUp(rule, target, event, err)
		}
	}
	for _, target := range rule.Invokes {
		s.invocations.add(job{ID: id, Rule: rule.Name, Function: target.Name, Event: event, Accepted: s.o.Now()}, target)
	}
}

// giveUp hands an event that a queue refused to the dead letters: a queue's refusal is for good.
func (s *Server) giveUp(rule *Rule, target QueueTarget, event []byte, cause error) {
	err := target.DeadLetter(string(event), map[string]string{
		"RULE_ARN":   "arn:aws:events:" + s.o.Region + ":" + account + ":rule/" + rule.Bus + "/" + rule.Name,
		"TARGET_ARN": target.ARN, "ERROR_CODE": "SDK_CLIENT_ERROR", "ERROR_MESSAGE": cause.Error(), "RETRY_ATTEMPTS": "0",
	})
	s.log.Error("an event reached no target", "rule", rule.Name, "target", target.ID, "error", cause, "dead_letter_error", err)
}
