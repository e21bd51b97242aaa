package ledger

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"billingcentre/shared/wallet"
)

const (
	tries    = 12      // of one commit; with Backoff that is about three seconds
	maxBytes = 3 << 20 // canonical bytes of one commit's entries, well below a transaction's 4 MB
)

// task is an intent on its way to its outcome.
type task struct {
	Intent
	out      *Outcome
	prepared bool
	doubt    int64 // version after a write of unknown outcome: while the head hasn't got there, it may still land
}

// finish brings every task to its outcome: load, decide as many as fit into one commit, commit, and again.
func (l *Ledger) finish(ctx context.Context, account wallet.AccountID, open []*task, look bool) {
	attempt, together, stale := 0, MaxActions, int64(-1)
	for len(open) > 0 {
		var err error
		if open = l.prepare(ctx, open); look {
			open, err = l.lookUp(ctx, open)
			look = err != nil
		}
		if err == nil && len(open) > 0 {
			open, err = l.step(ctx, account, open, together)
		}
		var taken *TakenError
		var broken *commitFault
		switch {
		case err == nil:
			attempt, together = 0, min(2*together, MaxActions)
			continue
		case errors.As(err, &taken):
			look = true // all of them, since the store may not have told every one
		case errors.As(err, &broken) && broken.at > stale:
			stale = broken.at
		case broken != nil:
			open, together = isolate(open, broken)
			continue
		case errors.Is(err, ErrStale):
			unprepare(open)
		case errors.Is(err, ErrUnknown):
			look = true // the write may have happened, or may still happen: then the head's version fails ours
		case errors.Is(err, ErrMoved), errors.Is(err, ErrContended), errors.Is(err, ErrThrottled):
		default:
			fail(open, err)
			return
		}
		if attempt++; attempt == tries {
			fail(open, exhausted(err))
			return
		}
		if waitErr := l.pause(ctx, attempt, err); waitErr != nil {
			fail(open, exhausted(err))
			return
		}
	}
}

// commitFault is a commit that failed for what it is, such as an entry too large to be kept: trying again won't help. Nor does
// it where a document is in the way that nobody can load again, unless the head has moved: then somebody was faster, whose it is.
type commitFault struct {
	cause   error
	decided []*task
	at      int64 // version of the head on which it will be a fault the second time; -1: it is one at once
}

func (e *commitFault) Error() string { return e.cause.Error() }
func (e *commitFault) Unwrap() error { return e.cause }

// isolate looks for the task at fault in commits of half the size each; alone, it fails, and the others go on.
func isolate(open []*task, broken *commitFault) (rest []*task, together int) {
	if len(broken.decided) > 1 {
		return open, len(broken.decided) / 2
	}
	if fault := broken.cause; errors.Is(fault, ErrStale) { // who asks again may have loaded it again
		fail(broken.decided, fmt.Errorf("%w (%w)", ErrContended, fault))
	} else {
		fail(broken.decided, fault)
	}
	return without(open, broken.decided, nil), 1
}

// step loads the head, decides a prefix of the tasks on it, at most so many together, and commits. It returns the
// tasks that are still open.
func (l *Ledger) step(ctx context.Context, account wallet.AccountID, open []*task, together int) ([]*task, error) {
	head, err := l.Store.Head(ctx, account)
	if err != nil {
		return open, err
	}
	f := l.fold(head, open, together)
	// What was done before is no refusal, even if it couldn't be done now.
	refused, err := l.lookUp(ctx, f.refused)
	if err != nil {
		return without(open, f.refused, refused), err
	}
	if len(f.decided) > 0 {
		if err := l.Store.Commit(ctx, f.commit); err != nil {
			f.doubt(err)
			return without(open, f.refused, refused), f.failure(err)
		}
	}
	for i, t := range f.decided {
		t.out.Receipt = Receipt{Entry: f.commit.Entries[i]}
	}
	for _, t := range refused {
		t.out.Err = f.reasons[t]
		if t.doubt > f.commit.After.Version {
			t.out.Err = ErrUnknown // it can't be done now, but its first write may still land on this very head
		}
	}
	return open[len(f.decided)+len(f.refused):], nil
}

// folded is the outcome of deciding tasks one upon the other, before anything is written.
type folded struct {
	commit  Commit
	decided []*task // one for each entry of commit
	refused []*task
	reasons map[*task]error
	written map[any]bool // what the commit writes: no transaction writes anything twice
}

// failure tells a failure that the contract has no name for, and so lies in the commit, from those that pass.
func (f *folded) failure(err error) error {
	var taken *TakenError
	switch {
	case errors.Is(err, ErrStale) && !slices.ContainsFunc(f.decided, func(t *task) bool { return t.Prepare != nil }):
		return &commitFault{err, f.decided, f.commit.Before.Version}
	case errors.As(err, &taken), errors.Is(err, ErrStale), errors.Is(err, ErrMoved),
		errors.Is(err, ErrContended), errors.Is(err, ErrThrottled), errors.Is(err, ErrUnknown):
		return err
	}
	return &commitFault{err, f.decided, -1}
}

// doubt notes which tasks a write of unknown outcome was about.
func (f *folded) doubt(err error) {
	if !errors.Is(err, ErrUnknown) {
		return
	}
	for _, t := range f.decided {
		t.doubt = f.commit.Before.Version + 1
	}
}

// writes tells whether the commit writes one of the documents already.
func (f *folded) writes(documents []Document) bool {
	return slices.ContainsFunc(documents, func(d Document) bool { return f.written[d.Key] })
}

func (f *folded) add(t *task, change wallet.Change, documents []Document) {
	f.commit.After = change.Head
	f.commit.Entries = append(f.commit.Entries, change.Entry)
	f.commit.canonical = append(f.commit.canonical, change.Canonical)
	f.commit.Documents = append(f.commit.Documents, documents...)
	f.decided = append(f.decided, t)
	f.written[change.Entry.Key] = true
	for _, d := range documents {
		f.written[d.Key] = true
	}
}

// fold decides tasks in order, each on the head that the one before it left, until a commit is full, or would write
// something twice.
func (l *Ledger) fold(head wallet.Head, open []*task, together int) folded {
	f := folded{commit: Commit{Before: head, After: head}, reasons: map[*task]error{}, written: map[any]bool{}}
	actions, bytes := 1, 0
	for _, t := range open {
		if len(f.decided) == together || f.written[t.Command.Key()] {
			break
		}
		change, documents, err := l.decide(f.commit.After, &t.Intent)
		if err != nil {
			f.refused = append(f.refused, t)
			f.reasons[t] = err
			continue
		}
		size := len(change.Canonical)
		for _, d := range documents {
			size += len(d.Body)
		}
		actions += 1 + len(documents)
		if len(f.decided) > 0 && (actions > MaxActions || bytes+size > maxBytes || f.writes(documents)) {
			break
		}
		bytes += size
		f.add(t, change, documents)
	}
	return f
}

// prepare lets the tasks that depend on documents load them; those that get their answer there are done.
func (l *Ledger) prepare(ctx context.Context, open []*task) []*task {
	var rest []*task
	for _, t := range open {
		if t.Prepare == nil || t.prepared {
			rest = append(rest, t)
			continue
		}
		var done *DoneError
		command, documents, err := t.Prepare(ctx)
		switch {
		case errors.As(err, &done):
			t.out.Receipt, t.out.Err = l.receipt(ctx, done.Key)
		case err != nil:
			t.out.Err = err
		default:
			t.Command, t.Documents, t.prepared = command, documents, true
			rest = append(rest, t)
		}
	}
	return rest
}

// without drops from open those of refused that were answered, that is, aren't in still.
func without(open, refused, still []*task) []*task {
	answered := make(map[*task]bool, len(refused))
	for _, t := range refused {
		answered[t] = true
	}
	for _, t := range still {
		delete(answered, t)
	}
	var rest []*task
	for _, t := range open {
		if !answered[t] {
			rest = append(rest, t)
		}
	}
	return rest
}

func unprepare(open []*task) {
	for _, t := range open {
		t.prepared = false
	}
}

func fail(open []*task, err error) {
	for _, t := range open {
		t.out.Err = err
	}
}

// exhausted is what a caller gets when the tries are used up: always something that may be asked again.
func exhausted(err error) error {
	if errors.Is(err, ErrThrottled) || errors.Is(err, ErrUnknown) {
		return err
	}
	return ErrContended
}

// pause waits when somebody else was in the way. Entries that exist and documents that moved need no patience.
func (l *Ledger) pause(ctx context.Context, attempt int, err error) error {
	var taken *TakenError
	if errors.As(err, &taken) || errors.Is(err, ErrStale) {
		return ctx.Err()
	}
	return l.Wait.Pause(ctx, attempt)
}
