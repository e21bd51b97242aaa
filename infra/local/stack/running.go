package stack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"billingcentre/infra/demo/centre"
	"billingcentre/infra/local/checkout"
	"billingcentre/infra/local/issuer"
	"billingcentre/infra/local/wholefile"
)

// billQueue is the template's queue of usage bills.
const billQueue = "UsageBillQueue"

// Running tells where a stack is: in a file, for commands such as `make token`, and to tests.
type Running struct {
	PID       int    `json:"pid"`
	API       string `json:"api"`
	AWS       string `json:"aws"` // endpoint of SQS and Secrets Manager
	Alipay    string `json:"alipay"`
	Issuer    string `json:"issuer"`
	Mailbox   string `json:"mailbox"`
	DynamoDB  string `json:"dynamodb"`
	Table     string `json:"table"`
	BillQueue string `json:"bill_queue"` // its URL
}

// announce writes down where the stack is, as long as it is.
func (s *Stack) announce(context.Context) error {
	s.Running = Running{
		PID: os.Getpid(), API: url(s.listeners.api), AWS: url(s.listeners.aws), Alipay: url(s.listeners.alipay),
		Issuer: url(s.listeners.issuer), Mailbox: url(s.listeners.mailbox), DynamoDB: s.database.Endpoint,
	}
	for _, q := range s.Deployment.Queues {
		if q.LogicalID == billQueue {
			s.Running.BillQueue = q.URL
		}
	}
	for _, t := range s.Deployment.Tables {
		s.Running.Table = t.Name
	}
	text, err := json.MarshalIndent(s.Running, "", "  ")
	if err != nil {
		return err
	}
	path := runningFile(s.options.State)
	if err := wholefile.Write(path, append(text, '\n')); err != nil {
		return err
	}
	s.onClose("the note where it runs", func() error { return os.Remove(path) })
	return nil
}

func runningFile(state string) string { return filepath.Join(state, "stack.json") }

// ErrNotRunning says that there is no local stack.
var ErrNotRunning = errors.New("no local stack runs here: start one with `make run`")

// Find finds the repository's running stack.
func Find() (Running, error) {
	root, err := checkout.Root()
	if err != nil {
		return Running{}, err
	}
	text, err := os.ReadFile(runningFile(filepath.Join(root, ".local")))
	if errors.Is(err, fs.ErrNotExist) {
		return Running{}, ErrNotRunning
	}
	if err != nil {
		return Running{}, err
	}
	var found Running
	if err := json.Unmarshal(text, &found); err != nil {
		return Running{}, fmt.Errorf("%s: %w", runningFile(".local"), err)
	}
	if !alive(found.PID) {
		return Running{}, ErrNotRunning
	}
	return found, nil
}

// FindIssuer is the running stack's issuer of tokens, for another process.
func FindIssuer(r Running) (*issuer.Issuer, error) {
	root, err := checkout.Root()
	if err != nil {
		return nil, err
	}
	return issuer.Open(issuer.Options{
		KeyFile: filepath.Join(root, ".local", "data", issuerKeyFile), URL: r.Issuer, Audience: Audience,
	})
}

// Centre is a client of the running stack, with tokens of its issuer that are good for half a day.
func (r Running) Centre(tokens *issuer.Issuer) *centre.Centre {
	return centre.New(centre.Options{API: r.API, AWS: r.AWS, Queue: r.BillQueue, Token: func(role, account string) (string, error) {
		return tokens.Token(issuer.Claims{Role: role, Account: account}, 12*time.Hour)
	}})
}

func alive(pid int) bool {
	process, err := os.FindProcess(pid)
	return err == nil && process.Signal(syscall.Signal(0)) == nil
}
