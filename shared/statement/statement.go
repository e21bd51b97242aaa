// Package statement is what people read about an account's money, beyond the rows that the books keep (shared/books):
// monthly bills, the lists' filters, the movements of single vouchers and cards, a forecast.
//
//	filter.go    Filter: what a list shall show, as requests write it
//	movement.go  Movement: a line of income and expenditure
//	page.go      Page: some rows of a list of changes; Position: where the next one begins
//	lots.go      LotMovement: what became of a voucher or a card, with its own balance
//	bill.go      Bill: a monthly bill, made from the books
//	funds.go     what became of each fund in the month; flows.go: of all funds, by kind of entry
//	keep.go      Bills: how they are kept, in one document or in parts
//	make.go      Maker: makes a bill once, with its notice and the countdown of arrears
//	plan.go      Planner: has the bills of all accounts made
//	month.go     Month: its days, and the instant at which its bill is cut (README rule 25)
//	forecast.go  Forecast: the wallet's own rules, run ahead at the last days' spend
//
// Nothing here is a second book. Every row is derived from entries of the journal, so that whatever is listed, summed up or
// exported agrees with it to the fen.
package statement
