package model

// next tells every state that can follow.
func (d Design) next(s state, emit func(state)) {
	for i := range workers {
		d.work(s, i, emit)
		d.fail(s, i, emit)
	}
	d.flush(s, emit)
	if s.late.kind != nothing {
		landed := s
		landed.late = request{}
		emit(landed) // it never lands
		d.apply(&landed, s.late)
		emit(landed)
	}
}

// work is one step of a worker.
func (d Design) work(s state, i int, emit func(state)) {
	w := &s.workers[i]
	switch w.phase {
	case idle:
		d.receive(s, i, emit)
		return
	case load:
		d.load(s.head, w)
	case look:
		d.look(s.journal, w)
	case flush:
		bill := d.toFlush(w.seen)
		s.journal[bill] = w.seen.held[bill]
		w.seen.held[bill] = 0
		d.decide(w)
	case sent:
		w.answer = d.apply(&s, w.request)
		w.phase, w.request.after = answered, head{}
	case answered:
		d.answered(w)
	case finish:
		s.acked |= w.batch
		*w = worker{}
	}
	emit(s)
}

// receive takes any batch of bills, whether or not the other worker has them too.
func (d Design) receive(s state, i int, emit func(state)) {
	for batch := set(1); batch <= s.bills; batch++ {
		after := s
		if batch&s.acked != 0 {
			if s.repeats == 0 {
				continue
			}
			after.repeats--
		}
		after.workers[i] = worker{phase: load, batch: batch}
		if d.Bug == JournalFirst {
			after.workers[i].phase = look
		}
		if d.Bug == AckFirst {
			after.acked |= batch
		}
		emit(after)
	}
}

// load reads the head. Its lines are bills that were paid.
func (d Design) load(now head, w *worker) {
	w.seen = now
	if d.Transactional {
		d.decide(w)
		return
	}
	for bill := range bills {
		if now.held[bill] > 0 {
			w.done |= w.batch & only(bill)
		}
	}
	if d.Bug == JournalFirst {
		d.decide(w)
		return
	}
	w.phase, w.at = look, 0
	d.skip(w)
}

// look reads one entry of the journal: a read of many isn't one instant.
func (d Design) look(journal lines, w *worker) {
	if w.at < bills && journal[w.at] > 0 {
		w.done |= only(int(w.at))
	}
	w.at++
	d.skip(w)
}

// skip goes on to the next bill that must be looked up, and when there is none, to what follows.
func (d Design) skip(w *worker) {
	for ; w.at < bills; w.at++ {
		bill := int(w.at)
		known := !d.Transactional && d.Bug != JournalFirst && (d.Bug == NoLookup || d.Paged && period[bill] >= w.seen.open)
		if w.batch.has(bill) && !w.done.has(bill) && !known {
			return
		}
	}
	w.at = 0
	switch {
	case w.batch == w.done:
		*w = worker{phase: finish, batch: w.batch}
	case d.Transactional, d.Bug == JournalFirst:
		w.phase = load
	default:
		d.decide(w)
	}
}

// decide makes the write of what is left to do. Without transactions, lines that may leave the head are put into the
// journal first.
func (d Design) decide(w *worker) {
	rest := w.batch &^ w.done
	if rest == 0 {
		*w = worker{phase: finish, batch: w.batch}
		return
	}
	if !d.Transactional && d.Bug != DropUnflushed && d.toFlush(w.seen) >= 0 {
		w.phase = flush
		return
	}
	after := w.seen
	if d.Bug == DropUnflushed {
		after.held = lines{}
	}
	for bill := range bills {
		if !rest.has(bill) {
			continue
		}
		after.version++
		after.paid[bill]++
		after.open = max(after.open, period[bill])
		after.held[bill] = after.version
	}
	w.request = request{kind: commit, seen: w.seen.version, after: after, bills: rest}
	w.phase, w.seen, w.at = sent, head{}, 0
}

// toFlush is a line that may leave the head once it is in the journal, or -1.
func (d Design) toFlush(seen head) int {
	for bill := range bills {
		if seen.held[bill] > 0 && (!d.Paged || period[bill] < seen.open || d.Bug == DropOpen) {
			return bill
		}
	}
	return -1
}

// apply is what the database does with a write, at one instant.
func (d Design) apply(s *state, r request) answer {
	if r.kind == putLine {
		s.journal[r.bill] = r.line
		return ok
	}
	if d.Transactional && d.Bug != NoEntry {
		for bill := range bills {
			if r.bills.has(bill) && s.journal[bill] > 0 {
				return taken
			}
		}
	}
	if s.head.version != r.seen && d.Bug != NoVersion {
		return moved
	}
	s.head = r.after
	if d.Transactional {
		for bill := range bills {
			if r.bills.has(bill) {
				s.journal[bill] = r.after.held[bill]
			}
		}
		s.head.held = lines{}
	}
	return ok
}

// answered is what a worker makes of an answer.
func (d Design) answered(w *worker) {
	switch w.answer {
	case ok:
		*w = worker{phase: finish, batch: w.batch}
	case taken:
		d.again(w, true)
	case moved:
		d.again(w, false)
	}
}

// again starts over: with a look at what is there, when that may have changed without the head, or with the head.
func (d Design) again(w *worker, lookFirst bool) {
	*w = worker{phase: load, batch: w.batch, done: w.done}
	if d.Transactional && lookFirst || d.Bug == JournalFirst {
		w.phase = look
		d.skip(w)
	}
}

// fail is one fault of a worker: it crashes, or gives up waiting for an answer.
func (d Design) fail(s state, i int, emit func(state)) {
	w := s.workers[i]
	if s.faults == 0 || w.phase == idle {
		return
	}
	s.faults--
	crashed := s
	crashed.workers[i] = worker{}
	emit(crashed)
	switch w.phase {
	case sent: // the write is on its way, whatever becomes of its sender
		crashed.late = w.request
		emit(crashed)
		waiting := s
		waiting.late = w.request
		d.unknown(&waiting.workers[i])
		emit(waiting)
	case flush:
		bill := d.toFlush(w.seen)
		crashed.late = request{kind: putLine, bill: uint8(bill), line: w.seen.held[bill]}
		emit(crashed)
	case answered:
		d.unknown(&s.workers[i])
		emit(s)
	}
}

// unknown is what a worker does that got no answer: it reads what is there.
func (d Design) unknown(w *worker) {
	if d.Bug == AssumeDone {
		*w = worker{phase: finish, batch: w.batch}
		return
	}
	d.again(w, true)
}

// flush is one step of the flusher, which may be as slow as it likes.
func (d Design) flush(s state, emit func(state)) {
	if d.Transactional {
		return
	}
	if !s.flusher.busy {
		if s.head.held != (lines{}) {
			s.flusher = flusher{true, s.head.held}
			emit(s)
		}
		return
	}
	for bill := range bills {
		if line := s.flusher.seen[bill]; line > 0 {
			s.journal[bill] = line
			s.flusher.seen[bill] = 0
			emit(s)
			return
		}
	}
	s.flusher = flusher{}
	if d.Bug == BlindClear {
		s.head.held = lines{}
	}
	emit(s)
}
