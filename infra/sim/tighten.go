package sim

import (
	"cmp"
	"slices"

	"billingcentre/shared/wallet"
)

// tightened is one account's history with narrower times, which Porcupine finds an order of in no time, where it would
// try most of all orders otherwise. Entries are numbered, so whatever the order is, it has them in that of their
// numbers, and whoever saw the wallet at a version was there between two of them. So an entry's instant is after that of
// each before it, and after the beginning of whatever must have happened before it; and the other way round. No order is
// lost by that, and none is won: the times are within the ones that were. A history whose entries aren't numbered
// without a gap stays as it is.
func tightened(history []Operation, start []wallet.Entry) []Operation {
	all := slices.Clone(history)
	var effects []*Operation
	for i := range all {
		if o := &all[i]; o.Entry != nil && !o.Repeated {
			effects = append(effects, o)
		}
	}
	slices.SortStableFunc(effects, func(a, b *Operation) int { return cmp.Compare(a.Entry.Number, b.Entry.Number) })
	states := []state{began(start)}
	for i, o := range effects {
		next, ok := states[i].take(*o.Entry)
		if !ok {
			return all
		}
		states = append(states, next)
	}
	last := len(effects)
	between := make(map[*Operation][2]int, len(all)) // after how many entries, at least and at most
	for i := range all {
		o := &all[i]
		if o.Entry != nil && !o.Repeated {
			continue
		}
		least, most, ok := o.window(states, effects)
		if !ok {
			continue // it fits nowhere, which is for Porcupine to find
		}
		between[o] = [2]int{least, most}
		if least > 0 {
			effects[least-1].Return = min(effects[least-1].Return, o.Return)
		}
		if most < last {
			effects[most].Call = max(effects[most].Call, o.Call)
		}
	}
	for i := 1; i < last; i++ {
		effects[i].Call = max(effects[i].Call, effects[i-1].Call)
		effects[last-1-i].Return = min(effects[last-1-i].Return, effects[last-i].Return)
	}
	for i, o := range effects {
		o.rank = 2 * int64(i+1)
	}
	for o, window := range between {
		least, most := window[0], window[1]
		o.rank = 2*int64(least) + 1
		if least > 0 {
			o.Call = max(o.Call, effects[least-1].Call)
		}
		if most < last {
			o.Return = min(o.Return, effects[most].Return)
		}
	}
	return all
}

// window tells after how many of the effects an operation that has none may have happened, at least and at most.
func (o *Operation) window(states []state, effects []*Operation) (least, most int, ok bool) {
	least, most = -1, -1
	for i, st := range states {
		if i > 0 && effects[i-1].Call > o.Return {
			break // so it was over before that entry was begun
		}
		if i < len(effects) && effects[i].Return < o.Call {
			continue // the next entry was there before it began
		}
		if may, _ := st.step(*o); may {
			if least < 0 {
				least = i
			}
			most = i
		}
	}
	return least, most, least >= 0
}
