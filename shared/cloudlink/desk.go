package cloudlink

import (
	"context"
	"time"

	"billingcentre/shared/ledger"
	"billingcentre/shared/notice"
	"billingcentre/shared/refusal"
	"billingcentre/shared/wallet"
)

// Desk changes links. It is safe for concurrent use.
type Desk struct {
	Store  ledger.Store
	Policy wallet.Policy
	Now    func() time.Time
}

// Ask writes down that a customer wants a cloud account linked. changed is false when it was asked for, or is linked.
func (d *Desk) Ask(ctx context.Context, account wallet.AccountID, cloud wallet.CloudAccount, actor string) (link Link, changed bool, err error) {
	return d.Turn(ctx, account, cloud, func(t *Turning) error {
		switch t.Link.State {
		case Asked, Linked:
			return nil
		case Unlinked:
			return refusal.Of(refusal.Conflict, "The cloud account was unlinked at its provider; an operator links it again.")
		}
		t.to(Asked, actor)
		return nil
	})
}

// Link links a cloud account to a billing account: what an operator does, who has seen that it is the customer's. One
// that was unlinked is linked again, and its countdown is over. Conflict: it is linked to another account.
func (d *Desk) Link(ctx context.Context, account wallet.AccountID, cloud wallet.CloudAccount, actor string) (link Link, changed bool, err error) {
	return d.Turn(ctx, account, cloud, func(t *Turning) error {
		switch {
		case t.Link.State == Linked:
			return nil
		case t.claim.Account != "" && t.claim.Account != account:
			return refusal.Of(refusal.Conflict, "The cloud account is linked to another billing account.")
		}
		t.end()
		t.claim.Account = account
		t.to(Linked, actor)
		return nil
	})
}

// Release takes a link back that nothing hangs on: one that was only asked for, or that no workspace is on, which used
// tells. Conflict: workspaces are on it, so that it has to be unlinked at its provider.
func (d *Desk) Release(ctx context.Context, account wallet.AccountID, cloud wallet.CloudAccount, actor string, used func() (bool, error)) (link Link, changed bool, err error) {
	return d.Turn(ctx, account, cloud, func(t *Turning) error {
		switch t.Link.State {
		case "":
			return none()
		case Released:
			return nil
		case Linked, Unlinked:
			inUse, err := used()
			if err != nil {
				return err
			}
			if !inUse && t.Now.Sub(t.Link.TakenAt) < lag {
				return refusal.Of(refusal.Conflict, "A workspace came to the cloud account just now; try again in a minute.")
			}
			if inUse {
				return refusal.Of(refusal.Conflict, "Workspaces are on the cloud account; change their settlement method first, once it is unlinked at its provider.")
			}
		}
		t.end()
		t.claim.Account = ""
		t.to(Released, actor)
		return nil
	})
}

// Unlink notes that a provider has unlinked its customer (README rule 27). What becomes of the workspaces on it, which on
// gives, follows: they go back to the wallet, or a countdown begins. NotFound: it is linked to nobody.
func (d *Desk) Unlink(ctx context.Context, cloud wallet.CloudAccount, actor string, on func(wallet.AccountID) ([]wallet.WorkspaceID, error)) (link Link, changed bool, err error) {
	claimed, _, err := ledger.Read[claim](ctx, d.Store, claimKey(cloud))
	if refusal.Is(err, refusal.NotFound) || err == nil && claimed.Account == "" {
		return Link{}, false, none()
	}
	if err != nil {
		return Link{}, false, err
	}
	head, err := d.Store.Head(ctx, claimed.Account)
	if err != nil {
		return Link{}, false, err
	}
	return d.Turn(ctx, claimed.Account, cloud, func(t *Turning) error {
		if t.Link.State != Linked {
			return nil
		}
		named, err := on(claimed.Account)
		if err != nil {
			return err
		}
		t.Link.Zone = head.Zone
		return t.unlink(d.Policy, named, actor)
	})
}

// Get loads a link of an account.
func (d *Desk) Get(ctx context.Context, account wallet.AccountID, cloud wallet.CloudAccount) (Link, error) {
	link, _, err := ledger.Read[Link](ctx, d.Store, Key(account, cloud))
	if refusal.Is(err, refusal.NotFound) {
		err = none()
	}
	return link, err
}

// List lists an account's links, the last first. next is the place to go on before; "" at the end.
func (d *Desk) List(ctx context.Context, account wallet.AccountID, before string, limit int) (links []Link, next string, err error) {
	return ledger.PageOf[Link](ctx, d.Store, listOf(account), before, limit)
}

// Open lists links that somebody has to look at: those that were asked for, or are unlinked; the soonest due first.
func (d *Desk) Open(ctx context.Context, state State, before string, limit int) (links []Link, next string, err error) {
	return ledger.PageOf[Link](ctx, d.Store, listIn(state), before, limit)
}

// Due lists links that are unlinked, and of which something is due, the soonest first.
func (d *Desk) Due(ctx context.Context, before string, limit int) (links []Link, next string, err error) {
	links, next, err = d.Open(ctx, Unlinked, before, limit)
	for i := range links {
		if links[i].due().After(d.Now()) {
			return links[:i], "", err
		}
	}
	return links, next, err
}

// Turn changes a link with all that turns with it. A turn that changes nothing writes nothing.
func (d *Desk) Turn(ctx context.Context, account wallet.AccountID, cloud wallet.CloudAccount, turn func(*Turning) error) (link Link, changed bool, err error) {
	return ledger.Turn(ctx, d.Store, func() (Link, []ledger.Document, error) {
		t, err := d.load(ctx, account, cloud)
		if err != nil {
			return Link{}, nil, err
		}
		if err := turn(t); err != nil || !t.changed {
			return t.Link, nil, err
		}
		return t.Link, t.write(), nil
	})
}

// Turning is a link while it changes.
type Turning struct {
	Link Link
	Now  time.Time

	claim   claim
	claimed claim // as it was
	changed bool
	told    []notice.Notice

	linkRead, claimRead, openRead ledger.Document
}

func (d *Desk) load(ctx context.Context, account wallet.AccountID, cloud wallet.CloudAccount) (*Turning, error) {
	t := &Turning{Now: d.Now().UTC().Truncate(time.Millisecond)}
	keys := []ledger.DocumentKey{Key(account, cloud), claimKey(cloud), openKey(account, cloud)}
	found, err := d.Store.Documents(ctx, keys...)
	if err != nil {
		return nil, err
	}
	for i, read := range []*ledger.Document{&t.linkRead, &t.claimRead, &t.openRead} {
		*read = found[keys[i]]
		read.Key = keys[i]
	}
	if t.linkRead.Version > 0 {
		t.Link, err = ledger.Body[Link](t.linkRead)
	} else {
		t.Link = Link{Account: account, Cloud: cloud, AskedAt: t.Now}
	}
	if err == nil && t.claimRead.Version > 0 {
		t.claim, err = ledger.Body[claim](t.claimRead)
	}
	t.claimed = t.claim
	return t, err
}

// write is all that turns together: the link, whose it is, and where somebody has to look for it.
func (t *Turning) write() []ledger.Document {
	documents := []ledger.Document{t.linkRead.With(t.Link).In(listOf(t.Link.Account), t.Link.rank())}
	if t.claim != t.claimed {
		documents = append(documents, t.claimRead.With(t.claim))
	}
	open := t.openRead.With(t.Link)
	if t.Link.State == Asked || t.Link.State == Unlinked {
		open = open.In(listIn(t.Link.State), t.Link.openRank())
	} else {
		open = open.In("", "")
	}
	documents = append(documents, open)
	for _, n := range t.told {
		documents = append(documents, n.Document(t.Now))
	}
	return documents
}
