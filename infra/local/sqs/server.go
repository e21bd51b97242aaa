package sqs

import (
	"cmp"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// account owns every queue here.
const account = "000000000000"

// recent is how long AWS refuses a deleted queue's name, and a second purge.
const recent = 60 * time.Second

// Options says where and when the server lives. The zero value is usable.
type Options struct {
	Region string           // in ARNs; "us-east-1" if empty
	Now    func() time.Time // the clock; time.Now if nil. Long polls wait on real timers
	Logger *slog.Logger     // slog.Default() if nil
}

// Server holds the queues. It is safe for concurrent use.
type Server struct {
	region string
	now    func() time.Time
	log    *slog.Logger

	mu      sync.Mutex
	queues  map[string]*queue
	deleted map[string]time.Time // names that may not be used again yet
	moves   map[string][]*move   // by the source's name, newest first
}

var _ http.Handler = (*Server)(nil)

// New returns a server without queues.
func New(o Options) *Server {
	s := &Server{
		region:  cmp.Or(o.Region, "us-east-1"),
		now:     o.Now,
		log:     cmp.Or(o.Logger, slog.Default()),
		queues:  map[string]*queue{},
		deleted: map[string]time.Time{},
		moves:   map[string][]*move{},
	}
	if s.now == nil {
		s.now = time.Now
	}
	return s
}

// ARN is the name under which policies and event-source mappings know a queue.
func (s *Server) ARN(name string) string {
	return "arn:aws:sqs:" + s.region + ":" + account + ":" + name
}

// Create makes a queue, or finds the one of that name with these attributes.
// Names and values of attributes are AWS's, e.g. "VisibilityTimeout": "30". A
// queue of that name with other values is refused as QueueNameExists.
func (s *Server) Create(name string, attributes, tags map[string]string) (*Queue, error) {
	if !validQueueName(name) {
		return nil, errParameter("Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	if existing := s.queues[name]; existing != nil {
		if differs := existing.attributes.differsFrom(attributes); differs != "" {
			return nil, errQueueExists(differs)
		}
		return &Queue{s, name}, nil
	}
	if at, ok := s.deleted[name]; ok && now.Sub(at) < recent {
		return nil, errDeletedRecently()
	}
	settings, err := s.changed(name, defaultAttributes(), attributes)
	if err != nil {
		return nil, err
	}
	delete(s.deleted, name)
	s.queues[name] = newQueue(name, s.ARN(name), settings, tags, now)
	return &Queue{s, name}, nil
}

// Queue finds a queue for use within the process. It is refused as
// QueueDoesNotExist where there is none.
func (s *Server) Queue(name string) (*Queue, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.queues[name] == nil {
		return nil, errNoQueue()
	}
	return &Queue{s, name}, nil
}

// Names lists the queues in alphabetical order.
func (s *Server) Names() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.names("")
}

func (s *Server) names(prefix string) []string {
	var names []string
	for name := range s.queues {
		if strings.HasPrefix(name, prefix) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// lookup finds a queue as it is now: what became visible is visible, what is too
// old is gone. The lock is held.
func (s *Server) lookup(name string) (*queue, error) {
	q := s.queues[name]
	if q == nil {
		return nil, errNoQueue()
	}
	q.advance(s.now())
	return q, nil
}

// byARN is lookup by ARN; nil where there is no such queue.
func (s *Server) byARN(arn string) *queue {
	name := arn[strings.LastIndexByte(arn, ':')+1:]
	if arn != s.ARN(name) {
		return nil
	}
	q, err := s.lookup(name)
	if err != nil {
		return nil
	}
	return q
}

func (s *Server) remove(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.lookup(name)
	if err != nil {
		return err
	}
	delete(s.queues, name)
	s.deleted[name] = s.now()
	q.wake()
	return nil
}

func (s *Server) purge(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.lookup(name)
	if err != nil {
		return err
	}
	now := s.now()
	if !q.purged.IsZero() && now.Sub(q.purged) < recent {
		return errPurging(name)
	}
	q.clear()
	q.purged = now
	return nil
}

// validQueueName takes only standard queues' names: the suffix .fifo of the
// others has a character that these may not have.
func validQueueName(name string) bool {
	return len(name) >= 1 && len(name) <= 80 && strings.IndexFunc(name, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_')
	}) < 0
}
