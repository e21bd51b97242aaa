package directory

import (
	"context"
	"errors"
	"fmt"
	"time"

	"billingcentre/shared/ledger"
	"billingcentre/shared/refusal"
	"billingcentre/shared/wallet"
)

// Wish is what somebody wants a workspace's binding to be.
type Wish struct {
	Workspace wallet.WorkspaceID
	Account   wallet.AccountID
	Method    wallet.Method
	Cloud     wallet.CloudAccount // wallet.Cloud only
	From      time.Time           // Bind by an operator only: a past instant; zero is now
	Operator  bool                // the company's own staff asks
	Actor     string
}

// binding is the wish from an instant on.
func (w Wish) binding(from time.Time) Binding {
	return Binding{From: from, Account: w.Account, Method: w.Method, Cloud: w.Cloud, Actor: w.Actor}
}

// Bind binds a workspace to an account. changed is false when it was so before. Refused are: NotFound, no such
// account; Conflict, it is bound; NotApplicable, its currency or time zone is another; Forbidden, a past instant
// without being an operator; and what ChangeMethod refuses, when it was bound to this account before.
func (d *Directory) Bind(ctx context.Context, wish Wish) (w Workspace, changed bool, err error) {
	now := d.Now().UTC().Truncate(time.Millisecond)
	switch {
	case !wish.From.IsZero() && !wish.Operator:
		return w, false, refusal.Of(refusal.Forbidden, "Only an operator may bind a workspace from a past instant.")
	case wish.From.After(now):
		return w, false, refusal.At("/from", "must not lie in the future")
	}
	head, err := d.head(ctx, wish.Account)
	if err != nil {
		return w, false, err
	}
	return d.amend(ctx, wish.Workspace, func(w *Workspace) (bool, error) {
		if len(w.Bindings) == 0 {
			w.Currency, w.Zone = head.Currency, head.Zone
		}
		from := wish.From.Truncate(time.Millisecond)
		if from.IsZero() {
			from = w.after(now)
		}
		last := w.lastOf(wish.Account)
		changed, err := w.bind(wish.binding(from), wish.Operator)
		switch {
		case err != nil || !changed:
			return changed, err
		case w.Currency != head.Currency || w.Zone != head.Zone:
			return false, refusal.Of(refusal.NotApplicable, "The workspace is billed in %s by days of %s, the account in %s by days of %s.", w.Currency, w.Zone, head.Currency, head.Zone)
		}
		return true, towardsCloud(last, wish.Method, head)
	})
}

// head is the wallet's head of an account that is open.
func (d *Directory) head(ctx context.Context, account wallet.AccountID) (wallet.Head, error) {
	head, err := d.Store.Head(ctx, account)
	if err == nil && head.Version == 0 {
		err = noAccount()
	}
	return head, err
}

// towardsCloud refuses an account in arrears the change to a cloud account (README rule 27).
func towardsCloud(from Binding, to wallet.Method, head wallet.Head) error {
	if from.Method == wallet.BillingCenter && to == wallet.Cloud && head.Arrears.IsPositive() {
		return refusal.Of(refusal.Conflict, "The account is in arrears; repay them before a cloud account pays.")
	}
	return nil
}

// ChangeMethod changes how a bound workspace is settled, from now on (README rule 27). changed is false when it was so
// before. Refused are: NotFound, the workspace isn't bound to the account; Conflict, it was changed this month, or
// the account is in arrears; Forbidden, away from a cloud account without being an operator.
func (d *Directory) ChangeMethod(ctx context.Context, wish Wish) (w Workspace, changed bool, err error) {
	head, err := d.head(ctx, wish.Account)
	if err != nil {
		return w, false, err
	}
	return d.amend(ctx, wish.Workspace, func(w *Workspace) (bool, error) {
		before := w.Current()
		changed, err := w.change(wish.binding(w.after(d.Now())), wish.Operator)
		if err != nil || !changed {
			return changed, err
		}
		return true, towardsCloud(before, wish.Method, head)
	})
}

// Unbind ends a workspace's binding to an account, from now on. changed is false when it had ended before. NotFound
// means that it never was bound to it.
func (d *Directory) Unbind(ctx context.Context, wish Wish) (w Workspace, changed bool, err error) {
	return d.amend(ctx, wish.Workspace, func(w *Workspace) (bool, error) {
		return w.unbind(wish.Account, w.after(d.Now()), wish.Actor)
	})
}

// amend turns a workspace's document, again from the start whenever it has moved meanwhile. An unknown outcome is
// looked at, not guessed: turning what has been turned changes nothing.
func (d *Directory) amend(ctx context.Context, id wallet.WorkspaceID, turn func(*Workspace) (bool, error)) (Workspace, bool, error) {
	doubt := false
	for attempt := 1; ; attempt++ {
		w, document, err := ledger.Read[Workspace](ctx, d.Store, workspaceKey(id))
		if err != nil && !refusal.Is(err, refusal.NotFound) {
			return Workspace{}, false, err
		}
		w.ID = id
		changed, err := turn(&w)
		if err != nil || !changed {
			return w, doubt && err == nil, err
		}
		err = d.Store.Put(ctx, w.document(document))
		switch {
		case err == nil:
			return w, true, nil
		case errors.Is(err, ledger.ErrUnknown):
			doubt = true
		case !errors.Is(err, ledger.ErrStale):
			return Workspace{}, false, fmt.Errorf("workspace %s: %w", id, err)
		}
		if attempt == maxConflicts {
			return Workspace{}, false, ledger.ErrContended
		}
		if ledger.Backoff(ctx, attempt) != nil {
			return Workspace{}, false, err
		}
	}
}
