// Package ledgertest tells whether something is a ledger.Store: Exercise is the contract as a list of cases, run
// against every store, so that the one in memory may stand in for the one in DynamoDB.
//
// Account and CheckReplay serve tests of whatever stands on a store; package faults makes a store or a connection
// fail on purpose.
package ledgertest
