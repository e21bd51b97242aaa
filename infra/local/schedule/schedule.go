package schedule

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Invoker runs a function once.
type Invoker interface {
	Invoke(ctx context.Context, event []byte) ([]byte, error)
}

// asyncRetries is how often Lambda repeats an asynchronous invocation that failed,
// the first time after retryDelay, the second after twice that.
const (
	asyncRetries = 2
	retryDelay   = time.Minute
)

// Options are the properties of a ScheduleV2 event of a function.
type Options struct {
	Name       string
	Expression Expression
	Input      string // JSON with Scheduler's <aws.scheduler....> keywords; "" = Scheduler's own event
	Function   Invoker
	Region     string
	Retries    *int             // of a failed invocation: 0 to 2; 2 if nil
	Now        func() time.Time // time.Now if nil: says what is due. Waiting in between is real
	Glance     time.Duration    // how often to look at a clock that somebody may set forward; never if 0
	Logger     *slog.Logger     // slog.Default() if nil
}

// Schedule invokes one function when it is due.
type Schedule struct {
	o       Options
	retries int
	log     *slog.Logger
	work    sync.WaitGroup
}

// New refuses an input that would not be JSON.
func New(o Options) (*Schedule, error) {
	if o.Function == nil || o.Expression.text == "" {
		return nil, errors.New("schedule: function and expression are required")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Glance == 0 {
		o.Glance = math.MaxInt64
	}
	s := &Schedule{o: o, retries: asyncRetries, log: cmp.Or(o.Logger, slog.Default()).With("schedule", o.Name)}
	if o.Retries != nil {
		if s.retries = *o.Retries; s.retries < 0 || s.retries > asyncRetries {
			return nil, fmt.Errorf("schedule %s: retries %d are not from 0 to %d", o.Name, s.retries, asyncRetries)
		}
	}
	if !json.Valid(s.input(occasion{})) {
		return nil, fmt.Errorf("schedule %s: the input is no JSON", o.Name)
	}
	return s, nil
}

// Run invokes the function at each instant that is due from now on, until ctx
// ends or none is left, and returns when the last invocation has. As on AWS an
// invocation doesn't wait for the one before it. Of the instants that passed
// while the machine slept only the first is made up for.
func (s *Schedule) Run(ctx context.Context) {
	defer s.work.Wait()
	start := s.o.Now()
	last := start.Add(-time.Nanosecond)
	for {
		due, ok := s.o.Expression.Next(start, last)
		if !ok || !s.wait(ctx, due) {
			return
		}
		s.work.Go(func() { s.invoke(ctx, due) })
		last = due
		if now := s.o.Now(); now.After(due) {
			last = now
		}
	}
}

// wait until an instant of the clock, and say if it came.
func (s *Schedule) wait(ctx context.Context, due time.Time) bool {
	for {
		rest := due.Sub(s.o.Now())
		if rest <= 0 {
			return ctx.Err() == nil
		}
		timer := time.NewTimer(min(rest, s.o.Glance))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return false
		}
	}
}

// occasion is one due instant.
type occasion struct {
	due     time.Time
	id      string
	attempt int // from 1
}

// invoke runs the function, and again as often as Lambda would. An invocation that
// has begun ends by itself; a retry isn't begun once ctx has ended.
func (s *Schedule) invoke(ctx context.Context, due time.Time) {
	now := occasion{due: due, id: strings.ToLower(rand.Text())}
	for retry := range s.retries + 1 {
		now.attempt = retry + 1
		_, err := s.o.Function.Invoke(context.WithoutCancel(ctx), s.input(now))
		if err == nil {
			return
		}
		s.log.Error("scheduled invocation failed", "due", due, "attempt", now.attempt, "error", err)
		if retry == s.retries {
			return
		}
		timer := time.NewTimer(retryDelay << retry)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return
		}
	}
}

func (s *Schedule) arn() string {
	return "arn:aws:scheduler:" + s.o.Region + ":000000000000:schedule/default/" + s.o.Name
}

// input is what the function gets.
func (s *Schedule) input(now occasion) []byte {
	due := now.due.UTC().Format(time.RFC3339)
	if s.o.Input == "" {
		return s.standardInput(now, due)
	}
	return []byte(strings.NewReplacer(
		"<aws.scheduler.scheduled-time>", due,
		"<aws.scheduler.schedule-arn>", s.arn(),
		"<aws.scheduler.execution-id>", now.id,
		"<aws.scheduler.attempt-number>", strconv.Itoa(now.attempt),
	).Replace(s.o.Input))
}

// standardInput is what Scheduler sends to a function for which no input is set.
func (s *Schedule) standardInput(now occasion, due string) []byte {
	text, err := json.Marshal(map[string]any{
		"version": "0", "id": now.id, "detail-type": "Scheduled Event", "source": "aws.scheduler",
		"account": "000000000000", "time": due, "region": s.o.Region, "resources": []string{s.arn()}, "detail": "{}",
	})
	if err != nil {
		panic(err) // strings only
	}
	return text
}
