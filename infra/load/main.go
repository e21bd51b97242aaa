// Command load puts a steady load on a local stack, shows what happens while it does, and audits every account at its end.
//
//	go run ./infra/load -minutes 1 -rate 50                         bills on the queue and requests to the API
//	go run ./infra/load -duplicates 0.3 -poison 0.01 -kill 10s      with faults
//
// It takes the stack that runs here (make run), and starts one of its own, with its data in memory, if none does.
//
//	main.go     flags, the run from its beginning to its report
//	centre.go   the stack and its accounts
//	sender.go   the producer of bills: steady, with duplicates and poison
//	client.go   customers and operators at the API
//	kill.go     sandboxes that die
//	watch.go    the live view
//	judge.go    the end: every message's terminal record, every account's audit
//	tally.go    what was done so far
//	report.go   what is told
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"sync"
	"syscall"
	"time"

	"billingcentre/infra/local/console"
)

// plan is what the flags ask for.
type plan struct {
	Time       time.Duration `json:"-"`
	Minutes    float64       `json:"minutes"`
	Rate       float64       `json:"bills_per_s"`
	Accounts   int           `json:"accounts"`
	HTTP       float64       `json:"requests_per_s"`
	Duplicates float64       `json:"duplicates"` // share of the bills that are sent twice
	Poison     float64       `json:"poison"`     // share of the messages that can't be settled
	Kill       time.Duration `json:"-"`          // between two sandboxes that are killed; 0: none is
	KillEvery  string        `json:"kill_every"`
}

func main() {
	var p plan
	flag.Float64Var(&p.Minutes, "minutes", 1, "how long")
	flag.Float64Var(&p.Rate, "rate", 50, "bills a second")
	flag.IntVar(&p.Accounts, "accounts", 20, "over how many accounts")
	flag.Float64Var(&p.HTTP, "http", 5, "requests a second to the API")
	flag.Float64Var(&p.Duplicates, "duplicates", 0, "share of bills that are sent twice, half of them much later")
	flag.Float64Var(&p.Poison, "poison", 0, "share of messages that are no bills")
	flag.DurationVar(&p.Kill, "kill", 0, "kill a sandbox at random this often (Linux)")
	file := flag.String("json", "", "write the report to this `file`, too")
	flag.Parse()
	if flag.NArg() > 0 {
		fmt.Fprintf(os.Stderr, "load: %q isn't a flag: they begin with a dash\n", flag.Arg(0))
		os.Exit(2)
	}
	p.Time, p.KillEvery = time.Duration(p.Minutes*float64(time.Minute)), p.Kill.String()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, p, *file); err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

// What a plan may ask for at most: far beyond what the local stack can do.
const (
	maxMinutes  = 7 * 24 * 60
	maxRate     = 100_000 // bills or requests a second
	maxAccounts = 100_000
)

// check refuses what no load can be. Comparisons are so that what is no number (NaN) is refused, too.
func (p plan) check() error {
	switch {
	case !(p.Minutes > 0 && p.Minutes <= maxMinutes):
		return fmt.Errorf("minutes must be above 0, and at most %d: %v", maxMinutes, p.Minutes)
	case !(p.Rate > 0 && p.Rate <= maxRate):
		return fmt.Errorf("rate must be above 0, and at most %d bills a second: %v", maxRate, p.Rate)
	case !(p.HTTP >= 0 && p.HTTP <= maxRate):
		return fmt.Errorf("http must be 0 to %d requests a second: %v", maxRate, p.HTTP)
	case p.Accounts < 1 || p.Accounts > maxAccounts:
		return fmt.Errorf("accounts must be 1 to %d: %d", maxAccounts, p.Accounts)
	case !(p.Duplicates >= 0 && p.Duplicates <= 1), !(p.Poison >= 0 && p.Poison <= 1):
		return fmt.Errorf("duplicates and poison are shares, 0 to 1: %v, %v", p.Duplicates, p.Poison)
	case p.Kill < 0 || p.Kill > 0 && p.Kill < time.Second:
		return fmt.Errorf("kill must be 0 (none is), or at least a second: %v", p.Kill)
	case p.Kill > 0 && runtime.GOOS != "linux":
		return errors.New("kill finds sandboxes on Linux only")
	}
	return nil
}

func run(ctx context.Context, p plan, file string) (err error) {
	if err := p.check(); err != nil {
		return err
	}
	c := console.Standard(os.Stdout)
	s, err := start(ctx, c, p)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	r, err := s.load(ctx, c, p)
	if err != nil {
		return err
	}
	c.Say("\n%s", r)
	if file != "" {
		if err := r.write(file); err != nil {
			return err
		}
	}
	if !r.Exact() {
		return errors.New("something was lost, done twice, or isn't as it was decided")
	}
	return nil
}

// load is the run: everybody at work for the time, then what is left, then the judgement. An interrupt ends the work only;
// what was sent until then is judged all the same.
func (s *site) load(ctx context.Context, c *console.Console, p plan) (report, error) {
	t := newTally()
	working, end := context.WithTimeout(ctx, p.Time)
	defer end()
	watching, unwatch := context.WithCancel(context.WithoutCancel(ctx))
	defer unwatch()
	began := time.Now()
	var workers, watchers sync.WaitGroup
	for _, work := range []func(context.Context, plan, *tally){s.produce, s.visit, s.kill} {
		workers.Go(func() { work(working, p, t) })
	}
	watchers.Go(func() { s.watch(watching, c, t) })
	workers.Wait()
	sent := time.Since(began)
	if ctx.Err() != nil {
		c.Say("  interrupted: what was sent is settled and audited first; a second interrupt ends that, too")
	}
	ctx, stop := signal.NotifyContext(context.WithoutCancel(ctx), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := s.drain(ctx)
	drained := time.Since(began) - sent
	unwatch()
	watchers.Wait()
	if err != nil {
		return report{}, err
	}
	return s.judge(ctx, c, p, t, sent, drained)
}
