package directory

import (
	"slices"
	"time"

	"billingcentre/shared/ledger"
	"billingcentre/shared/money"
	"billingcentre/shared/refusal"
	"billingcentre/shared/wallet"
)

const workspaceKind = "workspace"

// maxBindings is how many bindings a workspace's history holds before people can't add to it: its document is read for every
// day that is settled, and must stay far below the 400 KB of an item, whatever their names.
const maxBindings = 400

// Workspace is a place where usage happens, with the history of who paid for it. It takes currency and time zone of
// the first account that it is bound to, for ever.
type Workspace struct {
	ID       wallet.WorkspaceID `json:"workspace_id"`
	Currency money.Currency     `json:"currency"`
	Zone     string             `json:"time_zone"`
	Bindings []Binding          `json:"bindings"` // oldest first
}

// Binding is what holds from an instant until the next binding's.
type Binding struct {
	From    time.Time           `json:"from"`
	Account wallet.AccountID    `json:"account_id,omitempty"` // empty: unbound
	Method  wallet.Method       `json:"settlement_method,omitempty"`
	Cloud   wallet.CloudAccount `json:"cloud,omitzero"` // wallet.Cloud only
	Actor   string              `json:"actor,omitempty"`
	Forced  bool                `json:"forced,omitzero"` // nobody's choice: the cloud account was unlinked at its provider
}

// Period is a binding to one account, with its end; zero while it lasts.
type Period struct {
	Binding
	Until time.Time
}

func workspaceKey(id wallet.WorkspaceID) ledger.DocumentKey {
	return ledger.DocumentKey{Kind: workspaceKind, ID: string(id)}
}

func workspaceList(account wallet.AccountID) string { return "workspaces#" + string(account) }

func noWorkspace() error {
	return refusal.Of(refusal.NotFound, "There is no such workspace on this account.")
}

// Current is the binding in force now; its account is empty when the workspace is unbound.
func (w *Workspace) Current() Binding {
	if len(w.Bindings) == 0 {
		return Binding{}
	}
	return w.Bindings[len(w.Bindings)-1]
}

// Before is the binding in force just before an instant: at a day's end, the one that settles the day (README rule 18).
func (w *Workspace) Before(t time.Time) Binding {
	for _, b := range slices.Backward(w.Bindings) {
		if b.From.Before(t) {
			return b
		}
	}
	return Binding{}
}

// Periods are the bindings to one account, oldest first. They are all that the account may see of the history.
func (w *Workspace) Periods(account wallet.AccountID) []Period {
	var periods []Period
	for i, b := range w.Bindings {
		if b.Account != account {
			continue
		}
		p := Period{Binding: b}
		if i+1 < len(w.Bindings) {
			p.Until = w.Bindings[i+1].From
		}
		periods = append(periods, p)
	}
	return periods
}

// rank is the workspace's place in its account's list.
func (w *Workspace) rank() string { return w.Current().From.UTC().Format(instant) + " " + string(w.ID) }

// document is the workspace as the next version of the document it was read from.
func (w *Workspace) document(read ledger.Document) ledger.Document {
	if account := w.Current().Account; account != "" {
		return read.With(w).In(workspaceList(account), w.rank())
	}
	return read.With(w).In("", "")
}

// asBefore tells whether two bindings mean the same for a bill.
func (b Binding) asBefore(o Binding) bool {
	return b.Account == o.Account && b.Method == o.Method && b.Cloud == o.Cloud
}

// after is the instant, but never before the last binding began: clocks differ, and the history is in order.
func (w *Workspace) after(now time.Time) time.Time {
	now = now.UTC().Truncate(time.Millisecond)
	if last := w.Current().From; now.Before(last) {
		return last
	}
	return now
}

// bind puts a binding into time in which the workspace is unbound; it holds until the next one begins. The same
// again changes nothing.
func (w *Workspace) bind(b Binding) (changed bool, err error) {
	at := 0
	for at < len(w.Bindings) && !w.Bindings[at].From.After(b.From) {
		at++
	}
	var held Binding
	if at > 0 {
		held = w.Bindings[at-1]
	}
	switch {
	case held.asBefore(b):
		return false, nil
	case held.Account == b.Account:
		return false, refusal.Of(refusal.Conflict, "The workspace is bound to this account with another settlement method; change that.")
	case held.Account != "":
		return false, refusal.Of(refusal.Conflict, "The workspace is bound already.")
	}
	if err := w.room(); err != nil {
		return false, err
	}
	if at == len(w.Bindings) { // binding it again is no way around the rules of changing its method
		if err := w.mayChange(w.lastOf(b.Account), b); err != nil {
			return false, err
		}
	}
	w.Bindings = slices.Insert(w.Bindings, at, b)
	return true, nil
}

// room refuses a binding that the history has no room for. What ends one has always some.
func (w *Workspace) room() error {
	if len(w.Bindings) >= maxBindings {
		return refusal.Of(refusal.Conflict, "The workspace was bound or changed %d times; it can't be any more.", len(w.Bindings))
	}
	return nil
}

// lastOf is the workspace's last binding to an account; others since don't count, so that they are no way around rule 27.
func (w *Workspace) lastOf(account wallet.AccountID) Binding {
	for _, b := range slices.Backward(w.Bindings) {
		if b.Account == account {
			return b
		}
	}
	return Binding{}
}

// change gives the workspace another settlement method from b.From on.
func (w *Workspace) change(b Binding) (changed bool, err error) {
	current := w.Current()
	if current.Account != b.Account {
		return false, noWorkspace()
	}
	if current.asBefore(b) {
		return false, nil
	}
	if err := w.room(); err != nil {
		return false, err
	}
	if err := w.mayChange(current, b); err != nil {
		return false, err
	}
	w.Bindings = append(w.Bindings, b)
	return true, nil
}

// mayChange is README rule 27, as far as a workspace's own history tells: once a calendar month. Leaving a cloud account
// is no change in that sense: whether it may be left is told by its link.
func (w *Workspace) mayChange(from, to Binding) error {
	if from.Account == "" || from.asBefore(to) || from.Method == wallet.Cloud {
		return nil
	}
	zone, err := Zone(w.Zone)
	if err != nil {
		return err
	}
	if last := w.lastChange(); !last.IsZero() && month(last, zone) == month(to.From, zone) {
		return refusal.Of(refusal.Conflict, "The settlement method was changed this month; it may be changed once a calendar month.")
	}
	return nil
}

// lastChange is when somebody last changed the method while the account stayed the same; zero if nobody ever did.
func (w *Workspace) lastChange() (last time.Time) {
	var held Binding
	for _, b := range w.Bindings {
		if b.Account == "" {
			continue
		}
		if b.Account == held.Account && !b.asBefore(held) && !b.Forced {
			last = b.From
		}
		held = b
	}
	return last
}

func month(t time.Time, zone *time.Location) string { return t.In(zone).Format("2006-01") }

// others are the accounts that a binding would stand between in time, and that aren't its own.
func (w *Workspace) others(b Binding) (accounts []wallet.AccountID) {
	before, after := Binding{}, Binding{}
	for _, held := range w.Bindings {
		switch {
		case held.Account == "":
		case !held.From.After(b.From):
			before = held
		case after.Account == "":
			after = held
		}
	}
	for _, held := range []Binding{before, after} {
		if held.Account != "" && held.Account != b.Account && !slices.Contains(accounts, held.Account) {
			accounts = append(accounts, held.Account)
		}
	}
	return accounts
}

// giveBack puts a workspace that is on a cloud account of an account under its wallet again. One that isn't stays as it is.
func (w *Workspace) giveBack(account wallet.AccountID, cloud wallet.CloudAccount, from time.Time, actor string) (changed bool) {
	if current := w.Current(); current.Account != account || current.Method != wallet.Cloud || current.Cloud != cloud {
		return false
	}
	w.Bindings = append(w.Bindings, Binding{From: from, Account: account, Method: wallet.BillingCenter, Actor: actor, Forced: true})
	return true
}

// unbind ends the binding to an account. One that has ended already stays as it is.
func (w *Workspace) unbind(account wallet.AccountID, from time.Time, actor string) (changed bool, err error) {
	if len(w.Periods(account)) == 0 {
		return false, noWorkspace()
	}
	if w.Current().Account != account {
		return false, nil
	}
	w.Bindings = append(w.Bindings, Binding{From: from, Actor: actor})
	return true, nil
}
