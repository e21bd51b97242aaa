// Package model checks ways to settle a bill by looking at everything that can happen: two workers, three bills in any
// batches, one flusher, in every order of their steps, with a fault anywhere. It is small enough to be searched to its
// end, which no test of the real code can be, and exact where designs differ: what is read when, what one write of the
// database checks, and what is remembered where.
//
// A fault is a crash, a lost answer, or a write that lands late, when nobody waits for it any more. Besides, a bill may be
// delivered to both workers at once, and once more after it was acknowledged. In every state that can be reached,
//
//   - no bill is paid twice;
//   - what is paid has exactly one entry, and entries are numbered 1, 2, 3, ... without a gap;
//   - what is acknowledged is paid;
//   - and from there all bills can still be settled: nothing is ever stuck.
//
// README.md says which designs there are, what they cost, and why the first one is ours.
package model

const (
	bills   = 3 // at most
	workers = 2
)

// Design is a way to settle, and a bug that may be planted in it.
type Design struct {
	// Transactional commits the head and the entries together, and checks the head's version and that no entry exists:
	// this repository's. The others write the head alone, if its version is the one that was read, with the new entries
	// inside, as lines; lines are put into the journal later, by whoever comes by, and leave the head after that.
	Transactional bool
	// Paged keeps the lines of the latest period in the head. A bill's id tells its period, so a bill of that period is new
	// if the head doesn't hold it: only bills of earlier ones are looked up.
	Paged bool
	Bug   Bug
}

// Bug is a planted mistake, as one says it.
type Bug string

// The bugs. The search must find every one.
const (
	None          Bug = ""
	NoVersion     Bug = "the head's version isn't checked"
	NoEntry       Bug = "that an entry exists isn't checked"
	AckFirst      Bug = "acknowledged before the commit"
	AssumeDone    Bug = "an unknown outcome is taken for success"
	JournalFirst  Bug = "the journal is read before the head"
	NoLookup      Bug = "only the head's own lines are looked at"
	DropUnflushed Bug = "lines leave the head before they are in the journal"
	DropOpen      Bug = "lines of the open period leave the head"
	BlindClear    Bug = "the flusher clears the lines without a look at the version"
)

// period is what a bill's id says about its time.
var period = [bills]uint8{0, 1, 1}

// set is a set of bills.
type set uint8

func only(bill int) set         { return 1 << bill }
func (s set) has(bill int) bool { return s&only(bill) != 0 }

// lines are entries by their bills: their numbers, or 0.
type lines [bills]uint8

// head is the wallet: what was paid how often stands for its balance.
type head struct {
	version uint8
	paid    lines
	held    lines // not yet known to be in the journal, or of the open period
	open    uint8 // the latest period
}

// request is a write on its way: of the head (and, transactional, of the bills' entries), or of one line.
type request struct {
	kind  kind
	seen  uint8 // the version that the head must have
	after head
	bills set
	bill  uint8 // of a line
	line  uint8
}

type kind uint8

const (
	nothing kind = iota
	commit
	putLine
)

type phase uint8

const (
	idle phase = iota
	load
	look
	flush
	sent
	answered
	finish
)

type answer uint8

const (
	ok answer = iota
	moved
	taken
)

type worker struct {
	phase       phase
	batch, done set
	at          uint8
	seen        head
	request     request
	answer      answer
}

// flusher puts the lines that it has seen into the journal, one after the other.
type flusher struct {
	busy bool
	seen lines
}

// state is everything at one instant.
type state struct {
	head    head
	journal lines
	acked   set
	workers [workers]worker
	flusher flusher
	late    request // without anybody who waits for its answer
	bills   set
	faults  uint8 // that may still happen
	repeats uint8 // deliveries of acknowledged bills that may still happen
}
