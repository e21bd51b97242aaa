// Package books answers what people ask about a journal of millions of entries, with a constant number of reads: what
// was used on which day and who paid for it, what came in and went out, what a wallet held at any instant.
//
// Nothing in it is a truth of its own. All of it is a function of the journal, kept by a follower (shared/follow) so
// that it need not be computed again; where the follower hasn't got to yet, the same functions run over the journal's
// tail when somebody asks. So what is read is always up to date, the follower may take its time, and works in strides of
// a hundred entries: that is what makes it cheap (README.md beside this file).
//
//	books.go    Books, View: an account's books as they are now
//	row.go      Row: one line of a bill, and who paid for it
//	rows.go     pages and walks of rows, by usage day
//	totals.go   Totals, by day, workspace and product
//	change.go   Change: what an entry did to cash, vouchers, cards and arrears
//	changes.go  pages and walks of changes, and days of the journal with their sums
//	asof.go     balances at any instant
//	late.go     which months late bills have changed
//
// What is kept, and how:
//
//	keeper.go   Keeper: what the follower does with a stride of entries; leaf.go: the documents that it writes
//	volume.go   volumes: a hundred entries, and the head before them
//	contents.go tables of contents: when volumes begin, and what is in them
//	month.go    usage months: totals by day and product, and which volumes have rows of a day; walk.go: how rows are found by it
//	journal.go  the journal's months: balances and sums by day
//	index.go    indexes: which volumes have rows of a workspace
//	squeeze.go  how all of it is compressed
package books
