package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"billingcentre/shared/audit"
	"billingcentre/shared/directory"
	"billingcentre/shared/ledger"
	"billingcentre/shared/metric"
	"billingcentre/shared/wallet"
)

const (
	page    = 100              // accounts that are listed at once
	reserve = 15 * time.Second // of the function's time, in which no further account is begun

	knownPages = 10             // of accounts that were audited before, looked for in the list in one run
	knownEvery = 20 * time.Hour // how often all of them are
	mostMissed = 100            // accounts that the list lacks, looked for again in every run
)

type handler struct {
	auditor   *audit.Auditor
	directory *directory.Directory
	log       *slog.Logger
	metrics   *metric.Metrics
}

// duty is what the schedule sends.
type duty struct {
	Duty string `json:"duty"`
}

// outcome is what one run did.
type outcome struct {
	Accounts int  `json:"accounts"`
	Entries  int  `json:"entries"`
	Findings int  `json:"findings"`
	Late     int  `json:"late"` // accounts of which an entry isn't listed yet
	Failed   int  `json:"failed"`
	Round    bool `json:"round"` // all accounts were looked at since the round began
}

// round is how far the auditor is in the list of accounts, which are more than one run may be able to do.
type round struct {
	Accounts string `json:"accounts,omitempty"` // rank of the account that was audited last; "" begins a new round
	Charges  string `json:"charges,omitempty"`  // the same of the charges that are pending at the cloud

	Known  string             `json:"known,omitempty"`  // rank of the account that was looked for last in the list of all
	Looked time.Time          `json:"looked,omitzero"`  // when all of them had been
	Missed []wallet.AccountID `json:"missed,omitempty"` // those that it lacked: looked for in every run
}

var roundKey = ledger.DocumentKey{Kind: "audit-round", ID: "accounts"}

// handle audits accounts until the round or the time is over; the next run goes on from there. An account that fails
// stops no other: its turn comes again in the next round. What is found is counted in every round, so that the alarm
// lasts as long as what it is about.
func (h handler) handle(ctx context.Context, event duty) (outcome, error) {
	if event.Duty != "audit" {
		return outcome{}, fmt.Errorf("the event isn't the auditor's: it must be {\"duty\":\"audit\"}")
	}
	var out outcome
	err := ledger.Resume(ctx, h.auditor.Store, roundKey, func(at *round) error {
		return errors.Join(h.accounts(ctx, at, &out), h.charges(ctx, at, &out), h.known(ctx, at, &out))
	})
	h.log.Info("audit", "accounts", out.Accounts, "entries", out.Entries, "findings", out.Findings, "late", out.Late, "failed", out.Failed, "round", out.Round)
	if out.Failed > 0 {
		err = errors.Join(err, fmt.Errorf("%d of %d accounts couldn't be audited", out.Failed, out.Accounts))
	}
	return out, err
}

func (h handler) accounts(ctx context.Context, at *round, out *outcome) error {
	for {
		listed, err := h.directory.List(ctx, at.Accounts, page)
		if err != nil {
			return err
		}
		for _, account := range listed {
			if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < reserve {
				return nil
			}
			h.account(ctx, account.ID, out)
			at.Accounts = account.Rank
		}
		if len(listed) < page {
			at.Accounts, out.Round = "", true
			return nil
		}
	}
}

func (h handler) account(ctx context.Context, account wallet.AccountID, out *outcome) {
	out.Accounts++
	report, err := h.auditor.Audit(ctx, account)
	if err != nil {
		out.Failed++
		h.log.Error("audit of an account", "account", account, "error", err.Error())
		return
	}
	out.Entries += report.Entries
	if report.Late {
		out.Late++
	}
	h.found(report.Findings, out)
	if report.Complete() && report.Entries > 0 { // on record outside the table, so that a chain can be held against it
		h.log.Info("verified", "account", account, "number", report.Verified, "hash", fmt.Sprintf("%x", report.Head.Last))
	}
}

func (h handler) charges(ctx context.Context, at *round, out *outcome) (err error) {
	var found []audit.Finding
	found, at.Charges, err = h.auditor.Charges(ctx, at.Charges)
	h.found(found, out)
	return err
}

// known looks for the accounts that were audited before in the list of all: in all of it once a day, and for those that it
// lacked in every run.
func (h handler) known(ctx context.Context, at *round, out *outcome) error {
	next, now := *at, h.auditor.Now().UTC().Truncate(time.Second)
	accounts := slices.Clone(at.Missed)
	for pages := 0; pages < knownPages && (next.Known != "" || now.Sub(next.Looked) >= knownEvery); pages++ {
		page, last, err := h.auditor.Known(ctx, next.Known)
		if err != nil {
			return err
		}
		if next.Known = last; last == "" {
			next.Looked = now
		}
		accounts = append(accounts, page...)
	}
	slices.Sort(accounts)
	found, err := h.auditor.Vanished(ctx, slices.Compact(accounts))
	if err != nil {
		return err
	}
	at.Known, at.Looked, at.Missed = next.Known, next.Looked, nil
	for _, f := range found[:min(len(found), mostMissed)] {
		at.Missed = append(at.Missed, f.Account)
	}
	h.found(found, out)
	return nil
}

func (h handler) found(found []audit.Finding, out *outcome) {
	for _, f := range found {
		out.Findings++
		h.metrics.Count("AuditFindings", 1, "Kind", string(f.Kind))
		h.log.Error("audit finding", "account", f.Account, "kind", f.Kind, "number", f.Number, "key", f.Key, "detail", f.Detail)
	}
}
