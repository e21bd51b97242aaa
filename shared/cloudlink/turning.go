package cloudlink

import (
	"slices"
	"time"

	"billingcentre/shared/notice"
	"billingcentre/shared/wallet"
)

// maxNamed is how many workspaces a notice names.
const maxNamed = 1000

// to turns the link to a state.
func (t *Turning) to(state State, actor string) {
	t.Link.State, t.changed = state, true
	t.Link.Note(t.Now, string(state), actor)
}

// end is the end of a countdown, whatever ended it: what was locked by it isn't any more.
func (t *Turning) end() {
	t.Rename(nil)
	l := &t.Link
	l.UnlinkedAt, l.RemindAt, l.EndsAt, l.RemindedAt, l.LockedAt = time.Time{}, time.Time{}, time.Time{}, time.Time{}, time.Time{}
}

// unlink begins what follows an unlinking at the provider.
func (t *Turning) unlink(policy wallet.Policy, on []wallet.WorkspaceID, actor string) error {
	l := &t.Link
	l.Time++
	l.UnlinkedAt = t.Now
	if !returns(l.Cloud.Provider) {
		zone, err := time.LoadLocation(l.Zone)
		if err != nil {
			return err
		}
		ends := t.Now.In(zone).AddDate(0, 0, policy.CountdownDays)
		l.EndsAt, l.RemindAt = ends.UTC(), ends.AddDate(0, 0, -policy.ReminderDays).UTC()
	}
	t.to(Unlinked, actor)
	t.Tell(notice.CloudUnlinked, notice.CloudUnlinkedNow, on)
	return nil
}

// Tell adds a notice about workspaces to what is written.
func (t *Turning) Tell(kind func(wallet.AccountID, notice.CloudLink) notice.Notice, stage string, on []wallet.WorkspaceID) {
	l := &t.Link
	t.changed = true
	t.told = append(t.told, kind(l.Account, notice.CloudLink{
		Provider: l.Cloud.Provider, Customer: l.Cloud.Customer, Stage: stage, UnlinkedAt: l.UnlinkedAt, Returned: l.EndsAt.IsZero(),
		EndsAt: l.EndsAt, Workspaces: on[:min(len(on), maxNamed)], More: len(on) > maxNamed, Time: l.Time, Change: l.Changes,
	}))
}

// Remind tells again of a countdown.
func (t *Turning) Remind(on []wallet.WorkspaceID) {
	t.Link.RemindedAt = t.Now
	t.Link.Note(t.Now, "reminder", "")
	t.Tell(notice.CloudUnlinked, notice.CloudReminder, on)
}

// Lock is the end of a countdown: the workspaces that are still on the link have nobody who pays.
func (t *Turning) Lock(on []wallet.WorkspaceID) {
	t.Link.LockedAt = t.Now
	t.Link.Note(t.Now, "locked", "")
	t.Tell(notice.CloudUnlinked, notice.CloudLocked, on)
	t.Rename(on)
}

// Rename tells which workspaces came under the link's lock, and which left it. On is sorted.
func (t *Turning) Rename(on []wallet.WorkspaceID) {
	l := &t.Link
	came, left := without(on, l.Named), without(l.Named, on)
	if len(came)+len(left) == 0 {
		return
	}
	l.Named = on
	l.Changes++
	if len(came) > 0 {
		t.Tell(notice.CloudWorkspacesLocked, notice.CloudLocked, came)
	}
	if len(left) > 0 {
		t.Tell(notice.CloudWorkspacesUnlocked, notice.CloudLocked, left)
	}
}

// Release is the end: no workspace is on the link any more.
func (t *Turning) Release() {
	t.end()
	t.claim.Account = ""
	t.to(Released, "")
}

// without is what of all isn't in some; both are sorted.
func without(all, some []wallet.WorkspaceID) (rest []wallet.WorkspaceID) {
	for _, id := range all {
		if _, there := slices.BinarySearch(some, id); !there {
			rest = append(rest, id)
		}
	}
	return rest
}
