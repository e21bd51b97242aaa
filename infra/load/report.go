package main

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"
)

// report is what a load came to.
type report struct {
	Machine  string `json:"machine"`
	Plan     plan   `json:"plan"`
	Messages struct {
		Bills       int `json:"bills"`
		Duplicates  int `json:"duplicates"`
		Poison      int `json:"poison"`
		Settled     int `json:"settled"`
		Quarantined int `json:"quarantined"`
		Lost        int `json:"lost"`
		Doubled     int `json:"doubled"`
		SendErrors  int `json:"send_errors"`
	} `json:"messages"`
	Minutes float64 `json:"minutes"` // that it took: fewer than planned when it was interrupted
	Rate    float64 `json:"messages_per_s"`
	Drained float64 `json:"drained_after_s"`
	Latency struct {
		P50 float64 `json:"p50_ms"`
		P99 float64 `json:"p99_ms"`
		Max float64 `json:"max_ms"`
	} `json:"queue_to_settled"`
	HTTP struct {
		Requests int     `json:"requests"`
		Failed   int     `json:"failed"`
		P50      float64 `json:"p50_ms"`
		P99      float64 `json:"p99_ms"`
		Posts    int     `json:"posts"`  // credits that were answered, each asked for twice under one key
		Booked   int     `json:"booked"` // credits in the journals
	} `json:"http"`
	Killed    map[string]int `json:"killed"`
	LastError string         `json:"last_error,omitempty"`
	Audit     struct {
		Accounts int      `json:"accounts"`
		Entries  int      `json:"entries"`
		Seconds  float64  `json:"seconds"`
		Findings []string `json:"findings"`
	} `json:"audit"`
}

func newReport(p plan, t *tally, sent, drained time.Duration) (r report) {
	t.lock(func() {
		r.Machine = fmt.Sprintf("%d CPUs, %s %s/%s, DynamoDB Local", runtime.NumCPU(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
		r.Plan, r.Killed, r.LastError = p, t.killed, t.lastError
		m := &r.Messages
		m.Bills, m.Duplicates, m.Poison, m.SendErrors = len(t.sent), t.duplicates, len(t.poison), t.sendErrors
		r.Minutes = sent.Minutes()
		r.Rate, r.Drained = float64(m.Bills+m.Duplicates+m.Poison)/sent.Seconds(), drained.Seconds()
		r.HTTP.Requests, r.HTTP.Failed = t.requests, t.refused
		r.HTTP.P50, r.HTTP.P99 = ms(quantile(t.answers, 0.5)), ms(quantile(t.answers, 0.99))
	})
	return r
}

func (r *report) latency(of []time.Duration) {
	r.Latency.P50, r.Latency.P99, r.Latency.Max = ms(quantile(of, 0.5)), ms(quantile(of, 0.99)), ms(quantile(of, 1))
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// Exact tells whether every message has its one terminal record, and every account is what its journal says. Requests
// that failed while sandboxes were killed are no harm: their clients were told. Of what couldn't be sent nobody knows
// what became of it.
func (r report) Exact() bool {
	if r.HTTP.Failed > 0 && len(r.Killed) == 0 || r.HTTP.Booked < r.HTTP.Posts || r.HTTP.Booked > r.HTTP.Posts+r.HTTP.Failed {
		return false
	}
	return r.Messages.SendErrors == 0 && r.Messages.Lost == 0 && r.Messages.Doubled == 0 && len(r.Audit.Findings) == 0
}

func (r report) String() string {
	var b strings.Builder
	say := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	m := r.Messages
	say("Load of %.3g of %g minutes: %g bills/s over %d accounts, %g requests/s (%s)", r.Minutes, r.Plan.Minutes, r.Plan.Rate, r.Plan.Accounts, r.Plan.HTTP, r.Machine)
	say("  messages      %d bills, %d sent twice, %d poison: %.1f messages/s; %d send errors", m.Bills, m.Duplicates, m.Poison, r.Rate, m.SendErrors)
	say("  became        %d settled, %d in quarantine, %d lost, %d settled twice", m.Settled, m.Quarantined, m.Lost, m.Doubled)
	say("  queue→settled p50 %.0f ms, p99 %.0f ms, max %.0f ms (to the entry's decision; the queue's batch window is 2 s of it)", r.Latency.P50, r.Latency.P99, r.Latency.Max)
	say("  queue empty   %.1f s after the last message", r.Drained)
	say("  HTTP          %d requests, %d failed, p50 %.0f ms, p99 %.0f ms; %d credits answered twice, %d booked",
		r.HTTP.Requests, r.HTTP.Failed, r.HTTP.P50, r.HTTP.P99, r.HTTP.Posts, r.HTTP.Booked)
	say("  killed        %d sandboxes %v", total(r.Killed), r.Killed)
	say("  audit         %d accounts, %d entries replayed against their heads in %.1f s: %d findings", r.Audit.Accounts, r.Audit.Entries, r.Audit.Seconds, len(r.Audit.Findings))
	for _, f := range r.Audit.Findings {
		say("  ! %s", f)
	}
	if r.LastError != "" {
		say("  last error    %s", r.LastError)
	}
	if r.Exact() {
		say("Exact: every message has its one terminal record, every account is what its journal says.")
	}
	return b.String()
}

func total(killed map[string]int) (n int) {
	for _, times := range killed {
		n += times
	}
	return n
}

func (r report) write(file string) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(text, '\n'), 0o644)
}
