// Package wallet holds the rules of the money: pure functions of a head, a command and an instant.
//
// A wallet is a head and a journal. The head is the truth about the balance; an entry tells one
// thing that happened, is chained to the entry before it by a hash, and is never changed. Decide
// turns a head and a command into one new entry and the head after it, or into a refusal:
//
//	head.go       Head, Lot and the predicates that every view and decision shares
//	entry.go      Entry, Posting, Place: double entry, and what is told about each event
//	command.go    Command, Decide, and the draft in which a command posts
//	open.go cash.go grant.go purchase.go settle.go reverse.go expire.go    one verb each
//	burn.go       the order in which funds pay (README rules 14 to 19)
//	replay.go     rebuilds heads from entries
//	policy.go     every constant of policy
//	codec.go ...  the canonical bytes that are hashed and stored
//
// Nothing in here knows a clock, a context, a database or JSON: whether there is enough money is
// decided by arithmetic that can be tested alone, and a store only has to promise that the head
// has not moved in between.
package wallet
