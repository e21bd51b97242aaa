package sim

import (
	"context"
	"errors"
	"slices"
	"time"

	"billingcentre/shared/ledger"
	"billingcentre/shared/money"
	"billingcentre/shared/refusal"
	"billingcentre/shared/wallet"
)

// plantedBugs are what the simulation must find, each by itself: what people really get wrong, and what other systems
// did get wrong.
var plantedBugs = []struct {
	name  string
	plant Plant
	hint  uint64 // a seed that found it once: the first that is tried
}{
	// The head and its version.
	{"the condition on the head's version is dropped", below(blindCommits), 0},
	{"after a conflict, the stale decision is sent again under the new version", below(renumbered), 0},
	{"a conflict is taken for success", above(deaf(ledger.ErrMoved)), 0},
	{"an entry is written without its head", below(entryAlone), 0},
	{"a head is written without its entry", below(headAlone), 0},
	{"reads of the head lag behind", below(staleHeads), 0},

	// Once.
	{"a bill is told from its repetition by a token of ten minutes only", above(tokenKeys), 0},
	{"what was done is forgotten after 14 days", below(forgetful), 0},
	{"what exists already is taken for a failure, without looking it up", above(takenIsConflict), 0},
	{"an unknown outcome is taken for success", above(deaf(ledger.ErrUnknown)), 0},
	{"an unknown outcome is taken for a refusal", above(unknownIsRefusal), 0},
	{"documents turn in a write of their own, after the entry", above(documentsLater), 0},
	{"the condition on a code's document is dropped", below(blindDocuments), 62},

	// The queue.
	{"a batch is acknowledged before it is committed", Plant{AckFirst: true}, 0},
	{"what is handed back is acknowledged, too", Plant{AckAll: true}, 0},
	{"poison is acknowledged and not kept", above(noQuarantine), 0},

	// The rules.
	{"the grace is a millisecond too long", Plant{Policy: func(p *wallet.Policy) { p.Grace += time.Millisecond }}, 63},
	{"breakage is booked at the expiry, before the grace is over", Plant{Policy: func(p *wallet.Policy) { p.Grace = 0 }}, 0},
	{"vouchers pay for restricted products", Plant{Policy: func(p *wallet.Policy) { p.Restricted = nil }}, 0},
	{"gifts of several tiers are added up", Plant{Policy: func(p *wallet.Policy) { p.Gifts[1].Gift += p.Gifts[0].Gift }}, 0},
	{"a top-up skips arrears", below(forged(skipArrears)), 25},
	{"a top-up brings a fen more than was paid", below(forged(giveAFen)), 0},
	{"a fen is lost in rounding", below(forged(loseAFen)), 0},
	{"what is carried is forgotten", below(forged(forgetCarried)), 0},
	{"the entry bears the worker's own time, though that runs back", below(forged(ownTime)), 0},
	{"a deferral hides what a grant brought meanwhile", below(blindDeferrals), 21},
}

func below(with func(ledger.Store, *Simulation) ledger.Store) Plant { return Plant{Below: with} }
func above(with func(ledger.Store, *worker) ledger.Store) Plant     { return Plant{Above: with} }

// tampered is a store with some of its methods replaced.
type tampered struct {
	ledger.Store
	commit  func(ctx context.Context, c ledger.Commit) error
	head    func(ctx context.Context, account wallet.AccountID) (wallet.Head, error)
	entries func(ctx context.Context, keys []wallet.Key) (map[wallet.Key]wallet.Entry, error)
	put     func(ctx context.Context, documents []ledger.Document) error
	later   func(ctx context.Context, head wallet.Head, next time.Time) error
}

func (t *tampered) Commit(ctx context.Context, c ledger.Commit) error {
	if t.commit == nil {
		return t.Store.Commit(ctx, c)
	}
	// Without what the loop may have kept of the entries: a bug may change them.
	return t.commit(ctx, ledger.Commit{Before: c.Before, After: c.After, Entries: slices.Clone(c.Entries), Documents: slices.Clone(c.Documents)})
}

func (t *tampered) Head(ctx context.Context, account wallet.AccountID) (wallet.Head, error) {
	if t.head == nil {
		return t.Store.Head(ctx, account)
	}
	return t.head(ctx, account)
}

func (t *tampered) Entries(ctx context.Context, keys ...wallet.Key) (map[wallet.Key]wallet.Entry, error) {
	if t.entries == nil {
		return t.Store.Entries(ctx, keys...)
	}
	return t.entries(ctx, keys)
}

func (t *tampered) Put(ctx context.Context, documents ...ledger.Document) error {
	if t.put == nil {
		return t.Store.Put(ctx, documents...)
	}
	return t.put(ctx, documents)
}

func (t *tampered) Defer(ctx context.Context, head wallet.Head, next time.Time) error {
	if t.later == nil {
		return t.Store.Defer(ctx, head, next)
	}
	return t.later(ctx, head, next)
}

// blindCommits writes whatever version is there.
func blindCommits(next ledger.Store, _ *Simulation) ledger.Store {
	return &tampered{Store: next, commit: func(ctx context.Context, c ledger.Commit) error {
		if now, err := next.Head(ctx, c.After.Account); err == nil {
			if c.After.Due.Equal(c.Before.Due) {
				c.After.Due = now.Due
			}
			c.Before.Version, c.Before.Due = now.Version, now.Due
		}
		return next.Commit(ctx, c)
	}}
}

// renumbered numbers a stale decision anew, so that number and chain are right and only its balances are stale.
func renumbered(next ledger.Store, _ *Simulation) ledger.Store {
	return &tampered{Store: next, commit: func(ctx context.Context, c ledger.Commit) error {
		err := next.Commit(ctx, c)
		if !errors.Is(err, ledger.ErrMoved) {
			return err
		}
		now, err := next.Head(ctx, c.After.Account)
		if err != nil {
			return err
		}
		previous := now.Last
		for i := range c.Entries {
			e := &c.Entries[i]
			e.Number, e.Previous = now.Version+int64(i)+1, previous
			if e.Time.Before(now.Time) {
				e.Time = now.Time
			}
			previous, c.After.Time = e.Hash(), e.Time
		}
		c.Before, c.After.Version, c.After.Last = now, now.Version+int64(len(c.Entries)), previous
		return next.Commit(ctx, c)
	}}
}

// deaf doesn't hear a failure.
func deaf(failure error) func(ledger.Store, *worker) ledger.Store {
	return func(next ledger.Store, _ *worker) ledger.Store {
		return &tampered{Store: next, commit: func(ctx context.Context, c ledger.Commit) error {
			if err := next.Commit(ctx, c); !errors.Is(err, failure) {
				return err
			}
			return nil
		}}
	}
}

func entryAlone(next ledger.Store, s *Simulation) ledger.Store {
	return &tampered{Store: next, commit: func(ctx context.Context, c ledger.Commit) error {
		if s.began != nil {
			c.After = c.Before
		}
		return next.Commit(ctx, c)
	}}
}

func headAlone(next ledger.Store, s *Simulation) ledger.Store {
	return &tampered{Store: next, commit: func(ctx context.Context, c ledger.Commit) error {
		if s.began != nil {
			c.Entries = nil
		}
		return next.Commit(ctx, c)
	}}
}

// staleHeads gives every other reader the head before the last write. Writes fail then, and views show the past.
func staleHeads(next ledger.Store, s *Simulation) ledger.Store {
	before := map[wallet.AccountID]wallet.Head{}
	reads := 0
	return &tampered{
		Store: next,
		commit: func(ctx context.Context, c ledger.Commit) error {
			err := next.Commit(ctx, c)
			if err == nil {
				before[c.After.Account] = c.Before
			}
			return err
		},
		head: func(ctx context.Context, account wallet.AccountID) (wallet.Head, error) {
			if s.doing == nil { // the auditor reads strongly
				return next.Head(ctx, account)
			}
			if reads++; reads%2 == 0 && before[account].Version > 0 {
				return before[account], nil
			}
			return next.Head(ctx, account)
		},
	}
}

// tokenKeys keeps a bill's entry under a token that is forgotten after ten minutes.
func tokenKeys(next ledger.Store, w *worker) ledger.Store {
	token := func(key wallet.Key) wallet.Key {
		return key + wallet.Key("@"+w.now().Truncate(10*time.Minute).Format(time.RFC3339))
	}
	return &tampered{
		Store: next,
		commit: func(ctx context.Context, c ledger.Commit) error {
			return next.Commit(ctx, forge(c, func(_ wallet.Head, e *wallet.Entry) { e.Key = token(e.Key) }))
		},
		entries: func(ctx context.Context, keys []wallet.Key) (map[wallet.Key]wallet.Entry, error) {
			tokens := make([]wallet.Key, len(keys))
			for i, key := range keys {
				tokens[i] = token(key)
			}
			kept, err := next.Entries(ctx, tokens...)
			found := map[wallet.Key]wallet.Entry{}
			for i, key := range keys {
				if e, ok := kept[tokens[i]]; ok {
					found[key] = e
				}
			}
			return found, err
		},
	}
}

// forgetful is a store that keeps what tells a repetition for 14 days, as the DynamoDB of others may by a time to live.
func forgetful(next ledger.Store, s *Simulation) ledger.Store {
	entries := func(ctx context.Context, keys []wallet.Key) (map[wallet.Key]wallet.Entry, error) {
		found, err := next.Entries(ctx, keys...)
		for key, e := range found {
			if s.now.Sub(e.Time) > 14*24*time.Hour {
				delete(found, key)
			}
		}
		return found, err
	}
	return &tampered{Store: next, entries: entries, commit: func(ctx context.Context, c ledger.Commit) error {
		return next.Commit(ctx, forge(c, func(_ wallet.Head, e *wallet.Entry) {
			kept, known := entries(ctx, []wallet.Key{e.Key})
			if all, err := next.Entries(ctx, e.Key); err == nil && known == nil && len(all) > len(kept) {
				e.Key += "@again"
			}
		}))
	}}
}

func takenIsConflict(next ledger.Store, _ *worker) ledger.Store {
	return &tampered{Store: next, commit: func(ctx context.Context, c ledger.Commit) error {
		err := next.Commit(ctx, c)
		var taken *ledger.TakenError
		if errors.As(err, &taken) {
			return refusal.Of(refusal.Conflict, "It exists already.")
		}
		return err
	}}
}

func unknownIsRefusal(next ledger.Store, _ *worker) ledger.Store {
	return &tampered{Store: next, commit: func(ctx context.Context, c ledger.Commit) error {
		err := next.Commit(ctx, c)
		if errors.Is(err, ledger.ErrUnknown) {
			return refusal.Of(refusal.NotApplicable, "It didn't work.")
		}
		return err
	}}
}

// documentsLater commits the money first and the documents then.
func documentsLater(next ledger.Store, _ *worker) ledger.Store {
	return &tampered{Store: next, commit: func(ctx context.Context, c ledger.Commit) error {
		documents := c.Documents
		c.Documents = nil
		err := next.Commit(ctx, c)
		if err == nil && len(documents) > 0 {
			_ = next.Put(ctx, documents...)
		}
		return err
	}}
}

func blindDocuments(next ledger.Store, _ *Simulation) ledger.Store {
	return &tampered{Store: next, commit: func(ctx context.Context, c ledger.Commit) error {
		for i, d := range c.Documents {
			if now, err := next.Documents(ctx, d.Key); err == nil {
				c.Documents[i].Version = now[d.Key].Version
			}
		}
		return next.Commit(ctx, c)
	}}
}

func noQuarantine(next ledger.Store, _ *worker) ledger.Store {
	return &tampered{Store: next, put: func(ctx context.Context, documents []ledger.Document) error {
		if documents[0].Key.Kind == "quarantine" {
			return nil
		}
		return next.Put(ctx, documents...)
	}}
}

// blindDeferrals moves a wallet's due on, whatever has happened to the wallet meanwhile.
func blindDeferrals(next ledger.Store, _ *Simulation) ledger.Store {
	return &tampered{Store: next, later: func(ctx context.Context, head wallet.Head, due time.Time) error {
		now, err := next.Head(ctx, head.Account)
		if err != nil {
			return err
		}
		return next.Defer(ctx, now, due)
	}}
}

// forged changes entries on their way into the store, so that balances, hashes and head agree with what they then say:
// only a check of the rule itself can find it.
func forged(wrong func(w *worker, before wallet.Head, e *wallet.Entry)) func(ledger.Store, *Simulation) ledger.Store {
	return func(next ledger.Store, s *Simulation) ledger.Store {
		return &tampered{Store: next, commit: func(ctx context.Context, c ledger.Commit) error {
			if s.began == nil {
				return next.Commit(ctx, c)
			}
			return next.Commit(ctx, forge(c, func(before wallet.Head, e *wallet.Entry) { wrong(s.doing, before, e) }))
		}}
	}
}

// forge changes each entry of a commit, and chains them anew. Where the result isn't whole, the head stays as it was.
func forge(c ledger.Commit, change func(before wallet.Head, e *wallet.Entry)) ledger.Commit {
	head := c.Before
	for i := range c.Entries {
		e := &c.Entries[i]
		e.Previous = head.Last
		change(head, e)
		after, err := wallet.Replay(head, *e)
		if err != nil {
			return c
		}
		head = after
	}
	head.Due = c.After.Due
	c.After = head
	return c
}

func skipArrears(_ *worker, _ wallet.Head, e *wallet.Entry) {
	for i, p := range e.Postings {
		if (e.Kind == wallet.ToppedUp || e.Kind == wallet.Adjusted) && p.To.Kind == wallet.InArrears {
			e.Postings[i].To.Kind = wallet.InCash
			e.Balances.Cash, e.Balances.Arrears = e.Balances.Cash.Add(p.Amount), e.Balances.Arrears.Add(p.Amount)
		}
	}
}

// giveAFen adds a fen to the cash that somebody paid, and says so everywhere.
func giveAFen(_ *worker, _ wallet.Head, e *wallet.Entry) {
	fen := money.Of(money.CNY, 1)
	for i, p := range e.Postings {
		if e.Kind == wallet.ToppedUp && p.To.Kind == wallet.InCash {
			e.Postings[i].Amount, e.Balances.Cash = p.Amount.Add(fen), e.Balances.Cash.Add(fen)
		}
	}
}

// loseAFen takes a cent less from cash than is payable, and says so everywhere.
func loseAFen(_ *worker, _ wallet.Head, e *wallet.Entry) {
	fen := money.Of(money.CNY, 1)
	for i, p := range e.Postings {
		if e.Kind != wallet.Settled || p.From.Kind != wallet.InCash || p.Amount.Minor() < 2 {
			continue
		}
		s := *e.Settlement
		s.Classes = slices.Clone(s.Classes)
		e.Settlement = &s
		class := &s.Classes[len(s.Classes)-1]
		class.Payable, class.Exact = class.Payable.Sub(fen), class.Exact.Sub(fen.Exact())
		e.Postings[i].Amount = p.Amount.Sub(fen)
		e.Balances.Cash = e.Balances.Cash.Add(fen)
		return
	}
}

// forgetCarried begins every bill with nothing carried.
func forgetCarried(_ *worker, before wallet.Head, e *wallet.Entry) {
	if e.Kind != wallet.Settled {
		return
	}
	s := *e.Settlement
	s.Classes = slices.Clone(s.Classes)
	e.Settlement = &s
	for i := range s.Classes {
		c := &s.Classes[i]
		c.Exact = c.Exact.Sub(before.Carried[c.Class]).Sub(c.CarriedAfter)
		c.CarriedAfter = money.ZeroExact(money.CNY)
		e.Balances.Carried[c.Class] = before.Carried[c.Class].Add(c.Exact).Sub(c.Payable.Exact())
	}
}

func ownTime(w *worker, _ wallet.Head, e *wallet.Entry) {
	e.Time = w.now().UTC().Truncate(time.Millisecond)
}
