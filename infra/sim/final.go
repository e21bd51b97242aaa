package sim

import (
	"fmt"
	"time"

	"billingcentre/shared/recharge"
	"billingcentre/shared/wallet"
)

// clear is the calm after the storm: nothing fails any more, and everything that anybody waits for gets done, without
// a hand of an operator but for the redrive of dead letters.
func (s *Simulation) clear() {
	s.tell("calm")
	s.weather, s.outageEnds = s.weather.calm(), time.Time{}
	s.finish()
	for round := 0; !s.failed() && s.unfinished() != ""; round++ {
		if round == 200 {
			s.violated("stuck: %s", s.unfinished())
			return
		}
		s.queue.redrive(s.now)
		if waiting := s.queue.waiting(s.now); len(waiting) > 0 {
			s.deliverThese(waiting)
		}
		for _, a := range s.world.asks {
			if !a.settled {
				s.try(a)
			}
		}
		s.finish()
		s.advance(s.patience())
	}
	s.lapse()
	s.again()
}

// again brings every message back, after all that time (T-20): what was settled is answered as the first time, and what
// else there is to settle is settled once.
func (s *Simulation) again() {
	if s.failed() {
		return
	}
	s.tell("again")
	settled, entries := s.reach()
	for _, m := range s.queue.messages {
		m.deleted, m.visible, m.receives = false, s.now, 0
	}
	for round := 0; s.queue.left() > 0 && !s.failed(); round++ {
		if round == 50 {
			s.violated("stuck: %d messages that came again", s.queue.left())
			return
		}
		if waiting := s.queue.waiting(s.now); len(waiting) > 0 {
			s.deliverThese(waiting)
		}
		s.finish()
		s.advance(s.patience())
	}
	if settledNow, entriesNow := s.reach(); entriesNow-entries != settledNow-settled {
		s.violated("again: %d entries were written for %d bills that hadn't been settled", entriesNow-entries, settledNow-settled)
	}
}

// reach is how many bills are settled, and how many entries there are.
func (s *Simulation) reach() (settled, entries int) {
	for _, a := range s.auditors {
		settled, entries = settled+len(a.settled), entries+len(a.entries)
	}
	return settled, entries
}

// finish lets everything end that was begun.
func (s *Simulation) finish() {
	for range 20_000 {
		s.settle()
		switch {
		case s.failed() || len(s.active) == 0 && len(s.late) == 0:
			return
		case len(s.parked) > 0:
			s.steps++
			s.release(s.dice.IntN(len(s.parked)))
		case len(s.active) > 0:
			s.advance(time.Second)
		default:
			s.land(0)
		}
	}
	s.violated("stuck: %d processes don't end", len(s.active))
}

// patience is how long it takes until the next message is seen again.
func (s *Simulation) patience() time.Duration {
	next := time.Minute
	for i, m := range s.queue.messages {
		if wait := m.visible.Sub(s.now); !m.deleted && (i == 0 || wait > 0) {
			next = max(next, wait)
		}
	}
	return min(next, 12*time.Hour)
}

// unfinished is what somebody still waits for.
func (s *Simulation) unfinished() string {
	if left := s.queue.left(); left > 0 {
		return fmt.Sprintf("%d messages are neither done nor in quarantine", left)
	}
	for _, a := range s.world.asks {
		if !a.settled {
			return a.name + " has no answer"
		}
	}
	return ""
}

// lapse waits until all that may has lapsed, and has the schedule book it.
func (s *Simulation) lapse() {
	for range 3 {
		if s.failed() {
			return
		}
		s.advance(40 * 24 * time.Hour)
		s.expire()
		s.finish()
		if s.dunning.on {
			s.endDunning()
		}
	}
}

// final is what must hold in the end.
func (s *Simulation) final() {
	for _, account := range s.world.accounts {
		s.audit(account)
		for _, lot := range s.auditors[account].head.Lots {
			s.violated("breakage: %s of %s expired %s, and nobody has booked it", lot.ID, account, lot.ExpiresAt)
		}
	}
	for _, m := range s.queue.messages {
		if why := s.missing(m); why != "" {
			s.violated("lost: %s", why)
		}
	}
	s.finalPayments()
	s.finalRefusals()
	s.finalCodes()
	if s.dunning.on {
		s.finalDunning()
	}
}

// finalPayments: money in is money credited (I8), and each order says so.
func (s *Simulation) finalPayments() {
	paid, credited := int64(0), int64(0)
	desk := recharge.Desk{Ledger: s.centre(&worker{sim: s}).ledger}
	desk.Ledger.Store = s.truth
	for _, order := range s.world.paid {
		paid += order.Amount.Minor()
		found, err := desk.Find(plain(), s.ownerOf(order), order.ID)
		if err != nil || found.State != recharge.Credited {
			s.violated("payments: order %s was paid and is %s, %v", order.ID, found.State, err)
		}
	}
	for _, a := range s.auditors {
		credited += a.creditIn
	}
	if paid != credited {
		s.violated("payments: %d came in, %d were credited", paid, credited)
	}
}

// finalRefusals: what was refused hasn't happened later either, by a write that landed late (I9).
func (s *Simulation) finalRefusals() {
	for _, no := range s.world.refusals {
		for _, commit := range no.worker.landed {
			s.violated("refusal: %s was refused (%v), and yet entry %d of %s was committed later", no.ask.name, no.err, commit.After.Version, commit.After.Account)
		}
	}
}

// finalCodes: each code became one voucher at most, whoever entered it.
func (s *Simulation) finalCodes() {
	used := map[string]wallet.Key{}
	for _, account := range s.world.accounts {
		for _, e := range s.auditors[account].entries {
			if e.Kind != wallet.Activated || len(e.Lots) == 0 || e.Lots[0].Source != wallet.FromCode {
				continue
			}
			if first, there := used[e.Reference]; there {
				s.violated("once: code %s became a voucher by %s and by %s", e.Reference, first, e.Key)
			}
			used[e.Reference] = e.Key
		}
	}
}
