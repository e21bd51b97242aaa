package model

import "fmt"

// Result is what a search found.
type Result struct {
	States int
	Steps  int
	Broken string // what doesn't hold, in the first state in which it doesn't; "" when all holds everywhere
}

// Search looks at every state that can be reached with so many bills, faults and repeated deliveries.
func (d Design) Search(bills int, faults, repeats uint8) Result {
	first := state{bills: only(bills) - 1, faults: faults, repeats: repeats}
	found := map[state]int32{first: 0}
	states := []state{first}
	var from, to []int32
	for at := 0; at < len(states); at++ {
		if broken := d.broken(states[at]); broken != "" {
			return Result{len(states), len(from), broken}
		}
		d.next(states[at], func(s state) {
			s = s.ordered()
			i, known := found[s]
			if !known {
				i = int32(len(states))
				found[s], states = i, append(states, s)
			}
			from, to = append(from, int32(at)), append(to, i)
		})
	}
	return Result{len(states), len(from), stuck(states, from, to)}
}

// ordered is one of the two states that differ only in which worker is which.
func (s state) ordered() state {
	a, b := s.workers[0], s.workers[1]
	if less(b, a) {
		s.workers[0], s.workers[1] = b, a
	}
	return s
}

func less(a, b worker) bool {
	if a.phase != b.phase {
		return a.phase < b.phase
	}
	if a.batch != b.batch {
		return a.batch < b.batch
	}
	return a.done < b.done
}

// broken tells which invariant a state breaks.
func (d Design) broken(s state) string {
	var numbers [8]bool
	for bill := range bills {
		line := s.journal[bill]
		if held := s.head.held[bill]; held > 0 {
			if line > 0 && line != held {
				return fmt.Sprintf("bill %d has the entries %d and %d", bill, line, held)
			}
			line = held
		}
		switch paid := s.head.paid[bill]; {
		case paid > 1:
			return fmt.Sprintf("bill %d is paid twice", bill)
		case s.acked.has(bill) && paid == 0:
			return fmt.Sprintf("bill %d is acknowledged, but not paid", bill)
		case paid > 0 && line == 0:
			return fmt.Sprintf("bill %d is paid without an entry", bill)
		case paid == 0 && line > 0:
			return fmt.Sprintf("bill %d has an entry, but isn't paid", bill)
		case line > 0 && numbers[line]:
			return fmt.Sprintf("two entries have the number %d", line)
		}
		numbers[line] = true
	}
	for n := uint8(1); n <= s.head.version; n++ {
		if !numbers[n] {
			return fmt.Sprintf("there is no entry %d", n)
		}
	}
	return ""
}

// stuck looks for states from which not all bills can be acknowledged any more.
func stuck(states []state, from, to []int32) string {
	into := make([][]int32, len(states))
	for i, at := range to {
		into[at] = append(into[at], from[i])
	}
	var open []int32
	good := make([]bool, len(states))
	for i, s := range states {
		if s.acked == s.bills {
			good[i], open = true, append(open, int32(i))
		}
	}
	for len(open) > 0 {
		at := open[len(open)-1]
		open = open[:len(open)-1]
		for _, before := range into[at] {
			if !good[before] {
				good[before], open = true, append(open, before)
			}
		}
	}
	for i := range good {
		if !good[i] {
			return "from some state on, not all bills can be settled"
		}
	}
	return ""
}
