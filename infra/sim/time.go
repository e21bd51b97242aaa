package sim

import (
	"slices"
	"time"
)

// advance lets time pass. Processes that take too long are killed, as Lambda does.
func (s *Simulation) advance(by time.Duration) {
	by = by.Truncate(time.Millisecond) + time.Millisecond
	s.rest(by) // contexts that end meanwhile are heard of before the clock is seen to have moved
	s.now = s.now.Add(by)
	s.tell("now %s", s.now.Format(time.RFC3339Nano))
	for _, w := range slices.Clone(s.active) {
		if !w.dead && !w.over && !s.now.Before(w.ends) {
			s.kill(w)
		}
	}
	for i := len(s.late) - 1; i >= 0; i-- {
		if !s.late[i].at.After(s.now) {
			s.land(i)
		}
	}
}

// leap lets much time pass at once: hours, days, or as long as it takes to the brink of a lot's time.
func (s *Simulation) leap() {
	switch s.dice.IntN(6) {
	case 0:
		s.advance(time.Duration(s.dice.Int64N(int64(10 * time.Hour))))
	case 1:
		s.advance(time.Duration(s.dice.Int64N(int64(4 * 24 * time.Hour))))
	case 2, 3, 4:
		s.toTheBrink()
	default:
		s.advance(time.Duration(s.dice.Int64N(int64(30 * time.Minute))))
	}
}

// toTheBrink goes to a millisecond before, at or after the end of some lot's time or grace (T-40).
func (s *Simulation) toTheBrink() {
	var brinks []time.Time
	for _, account := range s.world.accounts {
		for _, lot := range s.auditors[account].head.Lots {
			brinks = append(brinks, lot.ExpiresAt, lot.ExpiresAt.Add(policy().Grace))
		}
	}
	brinks = slices.DeleteFunc(brinks, func(t time.Time) bool { return t.Sub(s.now) < 10*time.Millisecond })
	if len(brinks) == 0 {
		return
	}
	brink := brinks[s.dice.IntN(len(brinks))].Add(time.Duration(s.dice.IntN(3)-1) * time.Millisecond)
	s.advance(brink.Sub(s.now) - time.Millisecond)
}

// outage takes the database away for three hours. What is asked of it meanwhile is lost.
func (s *Simulation) outage() {
	s.outages++
	s.outageEnds = s.now.Add(3 * time.Hour)
	s.tell("outage until %s", s.outageEnds.Format(time.RFC3339))
}
