package ledger

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"billingcentre/shared/refusal"
	"billingcentre/shared/wallet"
)

// Ledger runs commands against wallets.
type Ledger struct {
	Store  Store
	Policy wallet.Policy
	Now    func() time.Time
	Wait   Wait // before another try of a commit
}

// Intent is one thing that shall happen to a wallet, and the documents that turn with it.
type Intent struct {
	Command   wallet.Command
	Documents []Document
	// Prepare, if set, gives Command and Documents from freshly loaded documents. It runs again whenever a
	// document has moved. A *DoneError from it means that an earlier entry is the answer.
	Prepare func(ctx context.Context) (wallet.Command, []Document, error)
	// After, if set, gives further documents that depend on what was decided. It runs for every decision, of which
	// at most one is committed, with these documents.
	After func(entry wallet.Entry) []Document
	// Again says that this may well have been done before: then its entry is looked for at once, which costs one read,
	// where to find it by a cancelled commit costs two write units for every intent of that commit.
	Again bool
	// Clash answers when an earlier entry has the same key and other content; nil refuses with KeyReused.
	Clash func(prior wallet.Entry) error
}

// DoneError is Prepare's way to say that the thing was done before, under this key.
type DoneError struct {
	Key wallet.Key
}

func (e *DoneError) Error() string { return fmt.Sprintf("ledger: done before as %s", e.Key) }

// Receipt is the answer to an intent: the entry of the first time, however often it is asked.
type Receipt struct {
	Entry    wallet.Entry
	Repeated bool // it was there before
}

// Outcome is what became of one intent of several: a receipt or an error.
type Outcome struct {
	Receipt
	Err error
}

// Do runs one intent. It is DoAll's case of one.
func (l *Ledger) Do(ctx context.Context, account wallet.AccountID, intent Intent) (Receipt, error) {
	out := l.DoAll(ctx, account, []Intent{intent})[0]
	return out.Receipt, out.Err
}

// DoAll runs intents on one account, in order, in as few commits as they fit in. Each has its own outcome: what
// becomes of one never stops another. Refusals aren't recorded: the same key is decided anew next time.
func (l *Ledger) DoAll(ctx context.Context, account wallet.AccountID, intents []Intent) []Outcome {
	outcomes := make([]Outcome, len(intents))
	var firsts, repeats []*task
	seen := make(map[wallet.Key]bool, len(intents))
	for i, intent := range intents {
		t := &task{Intent: intent, out: &outcomes[i]}
		if t.Command != nil && seen[t.Command.Key()] {
			repeats = append(repeats, t)
			continue
		}
		if t.Command != nil {
			seen[t.Command.Key()] = true
		}
		firsts = append(firsts, t)
	}
	l.finish(ctx, account, l.unseen(ctx, firsts), false)
	for _, t := range repeats { // each finds the answer of the first of its key, or is decided when that was refused
		l.finish(ctx, account, []*task{t}, true)
	}
	return outcomes
}

// unseen answers the tasks that may have been done before and were, and returns the others. What can't be read now is
// found by the commit.
func (l *Ledger) unseen(ctx context.Context, tasks []*task) []*task {
	var again []*task
	for _, t := range tasks {
		if t.Again && t.Command != nil {
			again = append(again, t)
		}
	}
	still, _ := l.lookUp(ctx, again) //nolint:errcheck // the commit finds what this couldn't
	return without(tasks, again, still)
}

// Preview answers as Do would at this instant, and writes nothing (README rule 22).
func (l *Ledger) Preview(ctx context.Context, account wallet.AccountID, command wallet.Command) (Receipt, error) {
	t := &task{Intent: Intent{Command: command}, out: new(Outcome)}
	open, err := l.lookUp(ctx, []*task{t})
	if err != nil || len(open) == 0 {
		return t.out.Receipt, errors.Join(err, t.out.Err)
	}
	head, err := l.Store.Head(ctx, account)
	if err != nil {
		return Receipt{}, err
	}
	change, _, err := l.decide(head, &t.Intent)
	return Receipt{Entry: change.Entry}, err
}

// decide is wallet.Decide, and what is committed beside its entry. A bug in either stops only the one intent that met it.
func (l *Ledger) decide(head wallet.Head, intent *Intent) (change wallet.Change, documents []Document, err error) {
	defer func() {
		if broken := recover(); broken != nil {
			err = fmt.Errorf("deciding %s: %v", intent.Command.Key(), broken)
		}
	}()
	change, err = wallet.Decide(head, intent.Command, l.Policy, l.Now())
	if documents = intent.Documents; err == nil && intent.After != nil {
		documents = slices.Concat(documents, intent.After(change.Entry))
	}
	return change, documents, err
}

// answer compares an earlier entry with what is asked now.
func (t *task) answer(prior wallet.Entry) {
	switch {
	case prior.Fingerprint == t.Command.Fingerprint():
		t.out.Receipt = Receipt{Entry: prior, Repeated: true}
	case t.Clash != nil:
		t.out.Err = t.Clash(prior)
	default:
		t.out.Err = refusal.Of(refusal.KeyReused, "%s came before with other content; the first stands.", prior.Key)
	}
}
