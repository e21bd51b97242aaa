// Package unlinking is what becomes of workspaces when the cloud account that pays for them was unlinked at its provider
// (README rule 27). From a provider that says Returns (Alibaba Cloud) they go back to the wallet at once. Otherwise (AWS,
// Huawei Cloud) a countdown runs, as long as that of rule 26: until its end they go on as they are, and what their bills
// leave stays a cloud charge, which an operator sees to when the marketplace refuses it; a workspace that is still on the
// link then is locked (chosen). It is free again as soon as its method is changed, which it may be from the unlinking on,
// or an operator links the cloud account again.
//
// Each step is one conditional write of the link, its notices included; a schedule takes those that are due, and taking
// one again changes nothing. The list of workspaces may lag, so a link is only released when nothing was on it for a while.
package unlinking

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"billingcentre/shared/cloudlink"
	"billingcentre/shared/directory"
	"billingcentre/shared/wallet"
)

const (
	page    = 100
	reserve = 5 * time.Second // of the function's time, in which no further page is begun
	linger  = 15 * time.Minute
	actor   = "cloud-unlinking"
)

// Keeper goes through unlinked cloud accounts.
type Keeper struct {
	Desk      *cloudlink.Desk
	Directory *directory.Directory
	Log       *slog.Logger
}

// Unlink notes that a provider has unlinked its customer, and does at once what follows at once.
func (k *Keeper) Unlink(ctx context.Context, cloud wallet.CloudAccount, by string) (cloudlink.Link, error) {
	link, _, err := k.Desk.Unlink(ctx, cloud, by, func(account wallet.AccountID) ([]wallet.WorkspaceID, error) {
		return k.On(ctx, account, cloud)
	})
	if err != nil || link.State != cloudlink.Unlinked {
		return link, err
	}
	if err := k.Look(ctx, link.Account, cloud); err != nil {
		k.Log.Warn("an unlinked cloud account waits for the schedule", "account", link.Account, "provider", cloud.Provider, "error", err.Error())
	}
	return k.Desk.Get(ctx, link.Account, cloud)
}

// Run looks at all links of which something is due; one that fails stops no other.
func (k *Keeper) Run(ctx context.Context) (looked int, err error) {
	var failed []error
	for before := ""; ; {
		due, next, err := k.Desk.Due(ctx, before, page)
		if err != nil {
			return looked, err
		}
		for _, link := range due {
			looked++
			if err := k.Look(ctx, link.Account, link.Cloud); err != nil {
				failed = append(failed, fmt.Errorf("cloud account %s of %s: %w", link.Cloud.Provider, link.Account, err))
			}
		}
		if deadline, bounded := ctx.Deadline(); next == "" || bounded && time.Until(deadline) < reserve {
			return looked, errors.Join(failed...)
		}
		before = next
	}
}

// Look takes the step of one link that is due, if any.
func (k *Keeper) Look(ctx context.Context, account wallet.AccountID, cloud wallet.CloudAccount) error {
	on, err := k.On(ctx, account, cloud)
	if err != nil {
		return err
	}
	link, err := k.Desk.Get(ctx, account, cloud)
	if err != nil {
		return err
	}
	if link.State == cloudlink.Unlinked && link.EndsAt.IsZero() {
		for _, id := range on {
			if _, err := k.Directory.Return(ctx, account, id, cloud, actor); err != nil {
				return err
			}
		}
		on = nil
	}
	if on, err = k.confirmed(ctx, account, cloud, on, link.Named); err != nil {
		return err
	}
	_, _, err = k.Desk.Turn(ctx, account, cloud, func(t *cloudlink.Turning) error {
		step(t, on)
		return nil
	})
	return err
}

// step is what is due of a link that these workspaces are on.
func step(t *cloudlink.Turning, on []wallet.WorkspaceID) {
	l := &t.Link
	switch {
	case l.State != cloudlink.Unlinked:
	case len(on) == 0 && t.Now.Sub(l.UnlinkedAt) >= linger:
		t.Release()
	case l.EndsAt.IsZero():
	case !l.LockedAt.IsZero():
		t.Rename(on)
	case !t.Now.Before(l.EndsAt):
		t.Lock(on)
	case l.RemindedAt.IsZero() && !t.Now.Before(l.RemindAt):
		t.Remind(on)
	}
}

// On lists the workspaces that a cloud account pays for now, sorted. The list may lag.
func (k *Keeper) On(ctx context.Context, account wallet.AccountID, cloud wallet.CloudAccount) (ids []wallet.WorkspaceID, err error) {
	for before := ""; ; {
		listed, next, err := k.Directory.Workspaces(ctx, account, before, page)
		if err != nil {
			return nil, err
		}
		for _, w := range listed {
			if isOn(&w, account, cloud) {
				ids = append(ids, w.ID)
			}
		}
		if before = next; next == "" {
			slices.Sort(ids)
			return slices.Compact(ids), nil
		}
	}
}

func isOn(w *directory.Workspace, account wallet.AccountID, cloud wallet.CloudAccount) bool {
	current := w.Current()
	return current.Account == account && current.Method == wallet.Cloud && current.Cloud == cloud
}

// confirmed adds those of some former ones that are on the link still, though the list doesn't say so.
func (k *Keeper) confirmed(ctx context.Context, account wallet.AccountID, cloud wallet.CloudAccount, on, former []wallet.WorkspaceID) ([]wallet.WorkspaceID, error) {
	all := slices.Clone(on)
	for _, id := range former {
		if slices.Contains(on, id) {
			continue
		}
		w, err := k.Directory.Workspace(ctx, account, id)
		if err != nil {
			return nil, err
		}
		if isOn(&w, account, cloud) {
			all = append(all, id)
		}
	}
	slices.Sort(all)
	return all, nil
}
