// Package statement is what people read about an account's money: monthly bills, consumption, income and expenditure,
// the movements of vouchers and cards, balances of any past instant, a forecast.
//
//	statement.go    Filter, Reader: pages and streams of rows
//	consumption.go  Consumption: a line of a settled bill, and what paid for it
//	paid.go         Paid: fund by fund; how a bill's payments are told line by line
//	movement.go     Movement, LotMovement: what entries did to pots, and to single vouchers and cards
//	month.go        Month: its days, and the instant at which its bill is cut (README rule 25)
//	forecast.go     Forecast: the wallet's own rules, run ahead at the last days' spend
//
// Nothing here is a second book. Every row is derived from entries of the journal by a pure function, so that whatever is
// listed, summed up or exported agrees with the journal to the fen.
package statement
