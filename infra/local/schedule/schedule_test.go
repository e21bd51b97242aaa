package schedule_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"billingcentre/infra/local/schedule"
)

// function remembers what it was invoked with.
type function struct {
	fail  int           // so many of the first invocations fail
	takes time.Duration // each invocation

	mu      sync.Mutex
	events  []string
	times   []string
	running int
	most    int
}

func (f *function) Invoke(_ context.Context, event []byte) ([]byte, error) {
	f.mu.Lock()
	f.events = append(f.events, string(event))
	f.times = append(f.times, time.Now().UTC().Format("15:04:05"))
	n := len(f.events)
	f.running++
	f.most = max(f.most, f.running)
	f.mu.Unlock()
	time.Sleep(f.takes)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.running--
	if n <= f.fail {
		return nil, errors.New("boom")
	}
	return nil, nil
}

// run lets a schedule run for so long. A bubble begins at 2000-01-01T00:00:00Z.
func run(t *testing.T, text string, o schedule.Options, d time.Duration) {
	t.Helper()
	expression, err := schedule.Parse(text, "")
	if err != nil {
		t.Fatal(err)
	}
	o.Name, o.Region, o.Expression, o.Logger = "Expiry", "eu-west-1", expression, slog.New(slog.DiscardHandler)
	s, err := schedule.New(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	s.Run(ctx)
}

func TestAFunctionIsInvokedWhenItIsDue(t *testing.T) {
	for text, want := range map[string]string{
		"rate(1 minute)":          "00:00:00 00:01:00 00:02:00 00:03:00",
		"cron(0/2 * * * ? *)":     "00:00:00 00:02:00",
		"at(2000-01-01T00:02:30)": "00:02:30",
		"at(1999-12-31T23:59:59)": "",
	} {
		synctest.Test(t, func(t *testing.T) {
			f := &function{}
			run(t, text, schedule.Options{Function: f}, 3*time.Minute+time.Second)
			if got := strings.Join(f.times, " "); got != want {
				t.Errorf("%s: %s, want %s", text, got, want)
			}
		})
	}
}

func TestInputs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &function{}
		run(t, "rate(1 hour)", schedule.Options{
			Function: f,
			Input:    `{"at":"<aws.scheduler.scheduled-time>","arn":"<aws.scheduler.schedule-arn>","attempt":<aws.scheduler.attempt-number>,"other":"<x>"}`,
		}, 90*time.Minute)
		want := []string{
			`{"at":"2000-01-01T00:00:00Z","arn":"arn:aws:scheduler:eu-west-1:000000000000:schedule/default/Expiry","attempt":1,"other":"<x>"}`,
			`{"at":"2000-01-01T01:00:00Z","arn":"arn:aws:scheduler:eu-west-1:000000000000:schedule/default/Expiry","attempt":1,"other":"<x>"}`,
		}
		if diff := cmp.Diff(want, f.events); diff != "" {
			t.Error(diff)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		f := &function{}
		run(t, "rate(1 hour)", schedule.Options{Function: f}, time.Minute)
		for _, part := range []string{`"detail-type":"Scheduled Event"`, `"source":"aws.scheduler"`, `"time":"2000-01-01T00:00:00Z"`, `"detail":"{}"`} {
			if !strings.Contains(f.events[0], part) {
				t.Errorf("without an input: %s lacks %s", f.events[0], part)
			}
		}
	})
}

func TestAFailureIsRetriedTwice(t *testing.T) {
	none := 0
	for _, row := range []struct {
		fail    int
		retries *int
		want    string
	}{
		{0, nil, "00:00:00"},
		{1, nil, "00:00:00 00:01:00"},
		{9, nil, "00:00:00 00:01:00 00:03:00"},
		{9, &none, "00:00:00"},
	} {
		synctest.Test(t, func(t *testing.T) {
			f := &function{fail: row.fail}
			run(t, "rate(1 day)", schedule.Options{Function: f, Retries: row.retries}, time.Hour)
			if got := strings.Join(f.times, " "); got != row.want {
				t.Errorf("%d failures: %s, want %s", row.fail, got, row.want)
			}
		})
	}
}

func TestInvocationsOverlapAndEndByThemselves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &function{takes: 90 * time.Second}
		run(t, "rate(1 minute)", schedule.Options{Function: f}, 2*time.Minute+time.Second)
		if f.most != 2 || f.running != 0 || len(f.events) != 3 {
			t.Errorf("%d at once, %d still running, %d in all", f.most, f.running, len(f.events))
		}
	})
}

func TestInstantsThatWereSleptThroughAreMadeUpForOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var slept atomic.Int64 // by so much the clock is ahead of the timers
		f := &function{}
		go func() {
			time.Sleep(90 * time.Second)
			slept.Store(int64(time.Hour))
		}()
		run(t, "rate(1 minute)", schedule.Options{Function: f, Now: func() time.Time { return time.Now().Add(time.Duration(slept.Load())) }}, 210*time.Second)
		if got := strings.Join(f.times, " "); got != "00:00:00 00:01:00 00:02:00 00:03:00" {
			t.Errorf("invoked at %s", got)
		}
	})
}

func TestSchedulesThatAreRefused(t *testing.T) {
	expression, err := schedule.Parse("rate(1 minute)", "")
	if err != nil {
		t.Fatal(err)
	}
	three := 3
	for name, o := range map[string]schedule.Options{
		"no function":      {Expression: expression},
		"no expression":    {Function: &function{}},
		"an input no JSON": {Function: &function{}, Expression: expression, Input: "{"},
		"three retries":    {Function: &function{}, Expression: expression, Retries: &three},
	} {
		if _, err := schedule.New(o); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
