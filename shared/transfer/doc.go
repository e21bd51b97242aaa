// Package transfer is the story of a bank transfer, from an order to cash (README rule 2).
//
//	order.go   Order: what a customer is going to send, and the remittance code that says so
//	config.go  Config: the receiving account, the columns of its statements, limits
//	csv.go     a bank's statement as rows, bad ones by their lines
//	row.go     Row: money that arrived, and what became of every fen of it
//	import.go  Import: statements, each row once
//	match.go   Match: whose money a row may be, with reasons
//	assign.go  Assign, Approve, Reject: an operator's word, and a second one's above a limit
//	book.go    the commits
//
// A row of a statement is a document from the moment it is imported, and its money is in suspense: held, by the row and
// by the one document that sums up all rows of a currency. It leaves suspense in parts only, each booked by one commit
// that turns everything at once: the wallet's entry, the row, the order, the sum. So at every instant, exactly:
//
//	received = held + credited + returned
//
// and nobody has to look for money between two places. Whose a row is, nobody guesses: a match is a proposal with its
// reasons, and an operator decides.
package transfer
