// Package stack runs the whole deployment on one machine, as template.yaml describes it: HTTP API, functions, table,
// queues, schedules, stream consumers, and stand-ins for what lies outside: Secrets Manager, the identity provider,
// Alipay. `make run` starts it, and so do the end-to-end tests.
//
// The template is the one source of truth: a queue, route or schedule that isn't in it isn't here. It is read twice
// (template.go): once for what there is, and again when it is known where all of that runs.
//
//	stack.go      Options, Start, Close
//	ports.go      where everything listens
//	secrets.go    secrets made once and kept
//	mailbox.go    where mails can be read
//	clock.go      a clock that can be set forward
//	template.go   the template, with local values
//	clouds.go     where cloud accounts are charged
//	storage.go    DynamoDB Local and its table; the queues; the buckets
//	bus.go        the event bus and its rules
//	functions.go  the true binaries and their environment
//	servers.go    HTTP in front of all of it
//	sources.go    what invokes functions besides HTTP
//	logs.go       where everybody's words go
//	running.go    how other commands find the stack
//
// Start begins with what others need and Close goes the same way back: first nothing new is taken in, then what is
// under way comes to its end, and storage goes last.
package stack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"billingcentre/infra/local/alipay"
	"billingcentre/infra/local/bus"
	"billingcentre/infra/local/checkout"
	"billingcentre/infra/local/console"
	"billingcentre/infra/local/dynamodb"
	"billingcentre/infra/local/issuer"
	"billingcentre/infra/local/lambda"
	"billingcentre/infra/local/lockfile"
	"billingcentre/infra/local/mailbox"
	"billingcentre/infra/local/marketplace"
	"billingcentre/infra/local/objects"
	"billingcentre/infra/local/sam"
	"billingcentre/infra/local/secrets"
	"billingcentre/infra/local/sqs"
)

const (
	// Audience is the aud of the tokens that the API takes.
	Audience = "billing-centre"
	region   = "us-east-1"
	// lockWait is how long another stack on the same data may take to end.
	lockWait = 3 * time.Second
)

// Options say where the stack keeps its things and what it tells.
type Options struct {
	Root   string // of the repository; "" looks for it
	State  string // folder for data, keys and logs; "" is .local in the repository
	Memory bool   // keep tables in memory
	Ports  Ports  // zero ports are any free ones
	Policy string // JSON that overrides constants of policy, as the template's parameter does

	Certificates bool // the app is in Alipay's certificate mode

	Console *console.Console // nil says nothing
}

// Stack is a running deployment.
type Stack struct {
	Mailbox *mailbox.Mailbox // what was mailed

	Deployment   *sam.Deployment
	Issuer       *issuer.Issuer
	Alipay       *alipay.Gateway
	Marketplaces *marketplace.Server
	Bus          *bus.Server
	Running      Running

	options        Options
	console        *console.Console
	logs           *logs
	listeners      listeners
	keys           alipay.Credentials
	alipayARN      string // of the secret with the app's keys
	marketplaceARN string // of the secret with our keys at marketplaces
	secrets        *secrets.Server
	queues         *sqs.Server
	objects        *objects.Server
	database       *dynamodb.Server
	stream         string                      // ARN of the table's stream
	functions      map[string]*lambda.Function // by LogicalID
	closers        []closer
}

// closer ends one part of the stack.
type closer struct {
	what string
	end  func() error
}

// Start starts everything and returns when it is ready to be used. When it fails, or ctx ends before, nothing is left
// running.
func Start(ctx context.Context, o Options) (*Stack, error) {
	s := &Stack{options: o, console: o.Console, functions: map[string]*lambda.Function{}}
	if err := s.start(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// Invoke starts a function, as a schedule does: tests needn't wait for the minute.
func (s *Stack) Invoke(ctx context.Context, name string, event []byte) ([]byte, error) {
	function, err := s.Function(name)
	if err != nil {
		return nil, err
	}
	return function.Invoke(ctx, event)
}

func (s *Stack) start(ctx context.Context) error {
	for _, step := range []func(context.Context) error{
		s.settle, s.listen, s.openIssuer, s.openSecrets, s.openMarketplaces, s.readTemplate, s.startStorageAndFunctions, s.startBus,
		s.startAlipay, s.startMailbox, s.serve, s.startSources, s.announce,
	} {
		if err := step(ctx); err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return nil
}

// settle finds the folders, makes those that files are kept in, and makes sure that nobody else works in them.
func (s *Stack) settle(ctx context.Context) error {
	var err error
	if s.options.Root == "" {
		if s.options.Root, err = checkout.Root(); err != nil {
			return err
		}
	}
	if s.options.State == "" {
		s.options.State = filepath.Join(s.options.Root, ".local")
	}
	for _, folder := range []string{"secrets", "streams"} {
		if err := os.MkdirAll(s.data(folder), 0o700); err != nil {
			return err
		}
	}
	wait, cancel := context.WithTimeout(ctx, lockWait)
	defer cancel()
	unlock, err := lockfile.Lock(wait, s.data("lock"))
	if err != nil {
		if ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) {
			return fmt.Errorf("another local stack runs on %s: end that one first", s.data())
		}
		return err
	}
	s.onClose("the lock", func() error { unlock(); return nil })
	s.logs, err = openLogs(filepath.Join(s.options.State, "logs"), s.console)
	if err != nil {
		return err
	}
	s.onClose("the logs", s.logs.close)
	return nil
}

// data is a path among what is kept between runs.
func (s *Stack) data(parts ...string) string {
	return filepath.Join(append([]string{s.options.State, "data"}, parts...)...)
}

// Function is the running function of a name, such as "bill-settlement", or of a logical id.
func (s *Stack) Function(name string) (*lambda.Function, error) {
	for _, f := range s.Deployment.Functions {
		if name == f.Name() || name == f.LogicalID {
			return s.functions[f.LogicalID], nil
		}
	}
	return nil, fmt.Errorf("the template has no function %q", name)
}

// Queue is the running queue of a logical id, such as "UsageBillQueue".
func (s *Stack) Queue(logicalID string) (*sqs.Queue, error) {
	i := slices.IndexFunc(s.Deployment.Queues, func(q sam.Queue) bool { return q.LogicalID == logicalID })
	if i < 0 {
		return nil, fmt.Errorf("the template has no queue %q", logicalID)
	}
	return s.queues.Queue(s.Deployment.Queues[i].Name)
}

func (s *Stack) onClose(what string, end func() error) {
	s.closers = append(s.closers, closer{what, end})
}

// Close stops everything, last started first, and keeps what is to be kept.
func (s *Stack) Close() error {
	step := s.console.Step("stop")
	var problems []error
	for _, c := range slices.Backward(s.closers) {
		step.Progress("%s", c.what)
		if err := c.end(); err != nil {
			problems = append(problems, fmt.Errorf("stop %s: %w", c.what, err))
		}
	}
	s.closers = nil
	step.Done("everything has stopped")
	return errors.Join(problems...)
}
