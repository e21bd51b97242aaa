package ledger

import (
	"context"
	"errors"

	"billingcentre/shared/wallet"
)

// receipt reads an entry that a document says exists.
func (l *Ledger) receipt(ctx context.Context, key wallet.Key) (Receipt, error) {
	found, err := l.Store.Entries(ctx, key)
	if err != nil {
		return Receipt{}, err
	}
	entry, ok := found[key]
	if !ok {
		return Receipt{}, errors.New("ledger: a document names the missing entry " + string(key))
	}
	return Receipt{Entry: entry, Repeated: true}, nil
}

// lookUp answers the tasks whose entries exist, and returns the others: with an error, too, those that still have no answer.
func (l *Ledger) lookUp(ctx context.Context, open []*task) ([]*task, error) {
	if len(open) == 0 {
		return nil, nil
	}
	keys := make([]wallet.Key, len(open))
	for i, t := range open {
		keys[i] = t.Command.Key()
	}
	found, err := l.Store.Entries(ctx, keys...)
	if errors.Is(err, ErrDamaged) {
		return l.lookUpApart(ctx, open, err)
	}
	if err != nil {
		return open, err
	}
	var rest []*task
	for i, t := range open {
		if prior, ok := found[keys[i]]; ok {
			t.answer(prior)
		} else {
			rest = append(rest, t)
		}
	}
	return rest, nil
}

// lookUpApart looks for the task whose entry is damaged in halves; alone, it fails, and the others go on: else it would
// take all that share its commits into quarantine with it.
func (l *Ledger) lookUpApart(ctx context.Context, open []*task, damaged error) ([]*task, error) {
	if len(open) == 1 {
		fail(open, damaged)
		return nil, nil
	}
	half := len(open) / 2
	rest, err := l.lookUp(ctx, open[:half])
	if err != nil {
		return append(rest, open[half:]...), err
	}
	more, err := l.lookUp(ctx, open[half:])
	return append(rest, more...), err
}
