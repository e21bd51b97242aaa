package directory

import (
	"context"
	"time"

	"billingcentre/shared/cloudlink"
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
// account; Conflict, it is bound, or was to an account of another certification; NotApplicable, its currency or time
// zone is another; Forbidden, a past instant without being an operator; and what ChangeMethod refuses: binding is no way
// around its rules.
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
	return d.amend(ctx, wish.Workspace, func(w *Workspace) (bool, []ledger.Document, error) {
		if len(w.Bindings) == 0 {
			w.Currency, w.Zone = head.Currency, head.Zone
		}
		from := wish.From.Truncate(time.Millisecond)
		if from.IsZero() {
			from = w.after(now)
		}
		last, others := w.lastOf(wish.Account), w.others(wish.binding(from))
		changed, err := w.bind(wish.binding(from))
		switch {
		case err != nil || !changed:
			return changed, nil, err
		case w.Currency != head.Currency || w.Zone != head.Zone:
			return false, nil, refusal.Of(refusal.NotApplicable, "The workspace is billed in %s by days of %s, the account in %s by days of %s.", w.Currency, w.Zone, head.Currency, head.Zone)
		}
		if err := d.sameCertification(ctx, wish.Account, others); err != nil {
			return false, nil, err
		}
		if w.Current().From.After(from) {
			last = Binding{} // the method of time that is over isn't a change of today's
		}
		beside, err := d.mayPay(ctx, last, wish, head)
		return true, beside, err
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

// mayPay is README rule 27 on who pays from now on: a cloud account is left only when its link is released, and taken only
// when it is linked; towards a cloud account, nothing may be owed. It gives what is to be written beside the binding: the
// link that takes the workspace, so that it can't end meanwhile.
func (d *Directory) mayPay(ctx context.Context, from Binding, wish Wish, head wallet.Head) ([]ledger.Document, error) {
	if from.Account != "" && from.Method == wallet.Cloud && !from.asBefore(wish.binding(from.From)) {
		if err := d.mayLeave(ctx, from, wish.Operator); err != nil {
			return nil, err
		}
	}
	if wish.Method != wallet.Cloud {
		return nil, nil
	}
	if from.Method == wallet.BillingCenter && head.Arrears.IsPositive() {
		return nil, refusal.Of(refusal.Conflict, "The account is in arrears; repay them before a cloud account pays.")
	}
	link, document, err := d.link(ctx, wish.Account, wish.Cloud)
	if err != nil {
		return nil, err
	}
	if !link.Pays() {
		return nil, refusal.Of(refusal.Conflict, "The cloud account isn't linked to this account; link it first.")
	}
	return []ledger.Document{link.Take(document, d.Now())}, nil
}

// mayLeave refuses to leave a cloud account that is linked. Of one that was never linked here, as from before links were
// kept, only an operator knows that it is released.
func (d *Directory) mayLeave(ctx context.Context, from Binding, operator bool) error {
	link, _, err := d.link(ctx, from.Account, from.Cloud)
	switch {
	case err != nil:
		return err
	case link.State == "" && !operator:
		return refusal.Of(refusal.Forbidden, "Only an operator takes a workspace off this cloud account, once the link is released.")
	case link.State != "" && !link.Gone():
		return refusal.Of(refusal.Conflict, "The cloud account is linked; a workspace may leave it once the link is released at its provider.")
	}
	return nil
}

// link is the link of a cloud account to an account; without a state where there is none.
func (d *Directory) link(ctx context.Context, account wallet.AccountID, cloud wallet.CloudAccount) (cloudlink.Link, ledger.Document, error) {
	link, document, err := ledger.Read[cloudlink.Link](ctx, d.Store, cloudlink.Key(account, cloud))
	if refusal.Is(err, refusal.NotFound) {
		err = nil
	}
	return link, document, err
}

// ChangeMethod changes how a bound workspace is settled, from now on (README rule 27). changed is false when it was so
// before. Refused are: NotFound, the workspace isn't bound to the account; Conflict, it was changed this month, or
// the account is in arrears, or the cloud account isn't linked, or the one that it shall leave is; Forbidden, away from
// a cloud account that was never linked, without being an operator.
func (d *Directory) ChangeMethod(ctx context.Context, wish Wish) (w Workspace, changed bool, err error) {
	head, err := d.head(ctx, wish.Account)
	if err != nil {
		return w, false, err
	}
	return d.amend(ctx, wish.Workspace, func(w *Workspace) (bool, []ledger.Document, error) {
		before := w.Current()
		changed, err := w.change(wish.binding(w.after(d.Now())))
		if err != nil || !changed {
			return changed, nil, err
		}
		beside, err := d.mayPay(ctx, before, wish, head)
		return true, beside, err
	})
}

// Return puts a workspace that a cloud account pays for under the wallet again, when its provider has unlinked the
// account (README rule 27). It is nobody's change, and so doesn't count as the month's. changed is false when the
// workspace isn't on that cloud account any more.
func (d *Directory) Return(ctx context.Context, account wallet.AccountID, id wallet.WorkspaceID, cloud wallet.CloudAccount, actor string) (changed bool, err error) {
	_, changed, err = d.amend(ctx, id, func(w *Workspace) (bool, []ledger.Document, error) {
		return w.giveBack(account, cloud, w.after(d.Now()), actor), nil, nil
	})
	return changed, err
}

// Unbind ends a workspace's binding to an account, from now on. changed is false when it had ended before. NotFound
// means that it never was bound to it.
func (d *Directory) Unbind(ctx context.Context, wish Wish) (w Workspace, changed bool, err error) {
	return d.amend(ctx, wish.Workspace, func(w *Workspace) (bool, []ledger.Document, error) {
		changed, err := w.unbind(wish.Account, w.after(d.Now()), wish.Actor)
		return changed, nil, err
	})
}

// amend turns a workspace's document, with what turn gives to be written beside it.
func (d *Directory) amend(ctx context.Context, id wallet.WorkspaceID, turn func(*Workspace) (changed bool, beside []ledger.Document, err error)) (Workspace, bool, error) {
	return ledger.Turn(ctx, d.Store, func() (Workspace, []ledger.Document, error) {
		w, document, err := ledger.Read[Workspace](ctx, d.Store, workspaceKey(id))
		if err != nil && !refusal.Is(err, refusal.NotFound) {
			return w, nil, err
		}
		w.ID = id
		changed, beside, err := turn(&w)
		if err != nil || !changed {
			return w, nil, err
		}
		return w, append(beside, w.document(document)), nil
	})
}
