// Package soak lives through days of online payments in which everything goes wrong at random, and then counts the money.
// It has tests only:
//
//	soak_test.go       the world of a seed, and its days
//	functions_test.go  the functions' handlers, with the events that Lambda brings them, killed at any call
//	payers_test.go     what payers and operators do
//	balance_test.go    what must hold in the end
//	faults_test.go     every fault alone
//	refund_test.go     a refund that is killed after every number of calls
//	proof_test.go      what the daily proof tells of a bill that isn't true
//
// Orders, notices, rounds of the poller, refunds and mornings go through the handlers that are deployed, one invocation at a
// time or several at once, as bytes in and bytes out. Around them everything fails: the database (lost, late and
// doubted writes, conflicts, throttles), calls to the provider (lost, answer lost, 20000), notices (lost for ever, late,
// twice, in any order, after one that says closed, beside one with another amount or a forged one); invocations are killed after
// any call, and their clocks are up to ten minutes wrong. Payers pay late, twice, after the close, or never; operators
// refund; keys are changed on both sides while it goes on. A seed decides in which mode the app is.
//
//	go test ./infra/soak                                                       # a small one
//	SOAK_ORDERS=1000 SOAK_SEED=7 go test ./infra/soak -run TestSoak -v         # a long one
package soak
