package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"billingcentre/shared/charge"
	"billingcentre/shared/ledger"
	"billingcentre/shared/ledger/memory"
	"billingcentre/shared/metering"
	"billingcentre/shared/metric"
	"billingcentre/shared/money"
	"billingcentre/shared/notice"
	"billingcentre/shared/wallet"
)

// says is a marketplace that says the same of every record.
type says metering.Verdict

func (s says) Limits() metering.Limits {
	return metering.Limits{Records: 25, Quantity: 1000, Age: 6 * time.Hour, Again: true}
}

func (s says) Push(_ context.Context, records []metering.Record) []metering.Result {
	return metering.All(records, metering.Result{Verdict: metering.Verdict(s)})
}

func event(t *testing.T) (d duty) {
	text, err := os.ReadFile("../../events/cloud-charges/schedule.json")
	if err == nil {
		err = json.Unmarshal(text, &d)
	}
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestWhatARoundDoes(t *testing.T) {
	for _, row := range []struct {
		says    metering.Verdict
		want    charge.Round
		status  charge.Status
		notices int
	}{
		{metering.Accepted, charge.Round{Gathered: 1, Sent: 1, Accepted: 1}, charge.Accepted, 0},
		{metering.NotSubscribed, charge.Round{Gathered: 1, Sent: 1, Cases: 1}, charge.Rejected, 1},
		{metering.Refused, charge.Round{Gathered: 1, Sent: 1, Cases: 1}, charge.Rejected, 1},
		{metering.Busy, charge.Round{Gathered: 1, Sent: 1, Waiting: 1}, charge.Sent, 0},
		{metering.Unknown, charge.Round{Gathered: 1, Sent: 1, Waiting: 1}, charge.Sent, 0},
	} {
		t.Run(string(row.says), func(t *testing.T) {
			now := time.Date(2026, 11, 22, 1, 0, 0, 0, time.UTC)
			clock := func() time.Time { return now }
			books := &ledger.Ledger{Store: &memory.Store{}, Policy: wallet.DefaultPolicy(), Now: clock}
			h := handler{
				desk: &charge.Desk{Store: books.Store, Now: clock, Log: slog.New(slog.DiscardHandler), Markets: map[string]charge.Market{
					"aws": {Meter: says(row.says), Dimensions: map[money.Currency]string{money.CNY: "fen"}},
				}},
				metrics: &metric.Metrics{Out: io.Discard}, log: slog.New(slog.DiscardHandler),
			}
			if round, err := h.handle(t.Context(), event(t)); err != nil || round != (charge.Round{}) {
				t.Errorf("with nothing to do: %+v, %v", round, err)
			}
			settle(t, books, now)
			round, err := h.handle(t.Context(), event(t))
			if diff := cmp.Diff(row.want, round); diff != "" || err != nil {
				t.Error(diff, err)
			}
			view, err := h.desk.Of(t.Context(), "acme", "b-1")
			if err != nil || view.Status() != row.status {
				t.Errorf("%s, %v", view.Status(), err)
			}
			told, err := books.Store.Documents(t.Context(), ledger.DocumentKey{Kind: notice.DocumentKind, ID: "charge_case:" + view.Record})
			if err != nil || len(told) != row.notices {
				t.Errorf("%d notices, %v", len(told), err)
			}
		})
	}
}

// What can't be read is counted, for the alarm, and all the rest goes on.
func TestARoundCountsWhatItCantRead(t *testing.T) {
	now := time.Date(2026, 11, 22, 1, 0, 0, 0, time.UTC)
	clock := func() time.Time { return now }
	books := &ledger.Ledger{Store: &memory.Store{}, Policy: wallet.DefaultPolicy(), Now: clock}
	settle(t, books, now)
	found, err := books.Store.Documents(t.Context(), charge.Key("b-1"))
	if err != nil {
		t.Fatal(err)
	}
	document := found[charge.Key("b-1")]
	document.Body = []byte("{")
	if err := books.Store.Put(t.Context(), document); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	h := handler{
		desk:    &charge.Desk{Store: books.Store, Now: clock, Log: slog.New(slog.DiscardHandler)},
		metrics: &metric.Metrics{Out: &out}, log: slog.New(slog.DiscardHandler),
	}
	if round, err := h.handle(t.Context(), event(t)); err != nil || round != (charge.Round{Aside: 1}) || !strings.Contains(out.String(), `"CloudChargesUnreadable":1`) {
		t.Errorf("%+v, %v, %s", round, err, out.String())
	}
}

// settle settles a bill of 9.40 under the method cloud.
func settle(t *testing.T, books *ledger.Ledger, now time.Time) {
	t.Helper()
	amount, err := money.ParseExact("", "9.40", money.CNY)
	if err != nil {
		t.Fatal(err)
	}
	for _, intent := range []ledger.Intent{
		{Command: wallet.Open{Account: "acme", Currency: money.CNY, Zone: "Asia/Shanghai"}},
		{Command: wallet.Settle{
			Bill:   wallet.Bill{ID: "b-1", Workspace: "ws", Day: "2026-11-21", Currency: money.CNY, Lines: []wallet.Line{{Product: "logs", Amount: amount}}},
			DayEnd: now.Add(-9 * time.Hour), Method: wallet.Cloud, Cloud: wallet.CloudAccount{Provider: "aws", Customer: "123456789012"},
		}, After: charge.Of},
	} {
		if _, err := books.Do(t.Context(), "acme", intent); err != nil {
			t.Fatal(err)
		}
	}
}

func TestOtherEventsDoNothing(t *testing.T) {
	if _, err := (handler{}).handle(t.Context(), duty{"payments"}); err == nil {
		t.Error("took another schedule's event")
	}
}
