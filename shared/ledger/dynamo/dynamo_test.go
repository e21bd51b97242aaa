package dynamo_test

import (
	"testing"

	"billingcentre/infra/local/dynamodb/dynamodbtest"
	"billingcentre/shared/ledger"
	"billingcentre/shared/ledger/dynamo"
	"billingcentre/shared/ledger/ledgertest"
)

func TestDynamoKeepsTheContract(t *testing.T) {
	ledgertest.Exercise(t, func(t *testing.T) ledger.Store { return dynamo.New(dynamodbtest.Client(t)) })
}
