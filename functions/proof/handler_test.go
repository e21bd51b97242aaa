package main

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"billingcentre/shared/ledger"
	"billingcentre/shared/ledger/memory"
	"billingcentre/shared/metric"
	"billingcentre/shared/money"
	"billingcentre/shared/payment"
	"billingcentre/shared/proof"
	"billingcentre/shared/recharge"
	"billingcentre/shared/transfer"
	"billingcentre/shared/wallet"
)

// biller has one payment on its bill of 2 November, which nobody here knows of.
type biller struct{}

func (biller) Name() string { return "alipay" }

func (biller) Bill(_ context.Context, day string) ([]payment.BillRow, error) {
	if day != "2026-11-02" {
		return nil, payment.ErrNoBill
	}
	five := money.Units(money.CNY, 5)
	return []payment.BillRow{{OrderID: "nobody", Ref: "t1", Amount: five, Received: five}}, nil
}

func newHandler(out *bytes.Buffer) handler {
	now := func() time.Time { return time.Date(2026, 11, 3, 2, 0, 0, 0, time.UTC) }
	l := &ledger.Ledger{Store: new(memory.Store), Policy: wallet.DefaultPolicy(), Now: now}
	auditor := proof.NewAuditor(&proof.Book{Store: l.Store, Now: now}, proof.Provider{Biller: biller{}, Desk: &recharge.Desk{Ledger: l}}, proof.Bank{Desk: &transfer.Desk{Ledger: l}})
	return handler{proof.Mornings{Auditor: auditor, Log: slog.New(slog.DiscardHandler), Metrics: &metric.Metrics{Out: out, Now: now}}}
}

func TestTheSchedulesEventProvesWhatIsDue(t *testing.T) {
	text, err := os.ReadFile("../../events/proof/schedule.json")
	if err != nil {
		t.Fatal(err)
	}
	var event proof.Duty
	if err := json.Unmarshal(text, &event); err != nil {
		t.Fatal(err)
	}
	var metrics bytes.Buffer
	h := newHandler(&metrics)
	out, err := h.handle(t.Context(), event)
	if err != nil || out != (proof.Outcome{Proofs: 7, New: 7, Cases: 1}) || !strings.Contains(metrics.String(), `"ProofCases":1`) || !ran(&metrics) {
		t.Errorf("%+v, %v, %s", out, err, metrics.String())
	}
	metrics.Reset()
	if out, err = h.handle(t.Context(), event); err != nil || out != (proof.Outcome{Proofs: 7}) || !ran(&metrics) || strings.Contains(metrics.String(), "ProofCases") {
		t.Errorf("the second run: %+v, %v, %s", out, err, metrics.String())
	}
}

// ran tells whether the run was counted as one that proved all that was due: an alarm rings when none is.
func ran(metrics *bytes.Buffer) bool {
	return strings.Contains(metrics.String(), `"ProofRan":1`)
}

// down is a provider that doesn't answer.
type down struct{ biller }

func (down) Bill(context.Context, string) ([]payment.BillRow, error) {
	return nil, payment.ErrUnknownOutcome
}

func TestARunThatProvedNothingIsNotCounted(t *testing.T) {
	var metrics bytes.Buffer
	h := newHandler(&metrics)
	h.Auditor.Sources["alipay"] = proof.Provider{Biller: down{}, Desk: &recharge.Desk{Ledger: &ledger.Ledger{Store: new(memory.Store), Now: time.Now}}}
	if _, err := h.handle(t.Context(), proof.Duty{Duty: "proof"}); err == nil || ran(&metrics) {
		t.Errorf("%v, %s", err, metrics.String())
	}
}

func TestOtherEventsAreRefused(t *testing.T) {
	if out, err := newHandler(new(bytes.Buffer)).handle(t.Context(), proof.Duty{Duty: "expiry"}); err == nil || out != (proof.Outcome{}) {
		t.Errorf("%+v, %v", out, err)
	}
}
