package main

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"billingcentre/shared/api"
	"billingcentre/shared/api/apitest"
	"billingcentre/shared/directory"
	"billingcentre/shared/ledger"
	"billingcentre/shared/money"
	"billingcentre/shared/wallet"
)

// locks tells which workspaces of an account are locked, and why.
func (o *office) locks(account wallet.AccountID) map[string]string {
	o.t.Helper()
	var page api.Page[workspace]
	apitest.Send(o.t, o.serve(), apitest.Call{
		Route: "GET /v1/accounts/{account}/workspaces", Params: map[string]string{"account": string(account)}, Caller: api.Caller{Role: api.Viewer, Account: account},
	}.Event()).Into(o.t, &page)
	locked := map[string]string{}
	for _, w := range page.Items {
		if w.Lock != nil {
			locked[string(w.ID)] = string(w.Lock.Cause) + " " + w.Lock.Since
		}
	}
	return locked
}

// A lock is told from what holds at this instant, whenever functions/arrears gets to it (README rules 26 and 27).
func TestWhichWorkspacesAreLocked(t *testing.T) {
	const since = "2026-10-24T12:00:00.000Z"
	for name, row := range map[string]struct {
		happened func(o *office)
		want     map[string]string
	}{
		"by arrears: those that the wallet pays for":      {(*office).lock, map[string]string{"ws-a": "arrears " + since}},
		"by its cloud: those that it would have paid for": {(*office).lockCloud, map[string]string{"ws-cloud": "cloud_unlinked " + since}},
		"one that is bound is locked since then": {func(o *office) {
			o.lock()
			o.mustBind(directory.Wish{Account: "acme", Workspace: "ws-new", Method: wallet.BillingCenter})
		}, map[string]string{"ws-a": "arrears " + since, "ws-new": "arrears 2026-11-10T12:00:00.000Z"}},
		"one that leaves isn't": {func(o *office) {
			o.lock()
			_, _, err := o.directory.Unbind(o.t.Context(), directory.Wish{Account: "acme", Workspace: "ws-a"})
			o.must(err)
		}, map[string]string{}},
		"repaid: none, at once": {func(o *office) {
			o.lock()
			paid := wallet.Adjust{Account: "acme", Once: "k", Amount: money.Of(money.CNY, 500), Reason: "paid"}
			_, err := o.ledger.Do(o.t.Context(), "acme", ledger.Intent{Command: paid})
			o.must(err)
		}, map[string]string{}},
		"linked again: none, at once": {func(o *office) {
			o.lockCloud()
			o.link("aws", "c-1")
		}, map[string]string{}},
		"taken off the cloud account while the wallet is locked too": {func(o *office) {
			o.lockCloud()
			o.lock()
			o.now = noon.Add(time.Hour)
			_, _, err := o.directory.ChangeMethod(o.t.Context(), directory.Wish{Account: "acme", Workspace: "ws-cloud", Method: wallet.BillingCenter})
			o.must(err)
		}, map[string]string{"ws-a": "arrears " + since, "ws-cloud": "arrears 2026-11-10T13:00:00.000Z"}},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOffice(t)
			row.happened(o)
			if diff := cmp.Diff(row.want, o.locks("acme")); diff != "" {
				t.Error(diff)
			}
			if got := o.locks("bolt"); len(got) > 0 {
				t.Errorf("bolt's: %v", got)
			}
		})
	}
}
