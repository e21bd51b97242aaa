package dynamo_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/smithy-go/middleware"

	"billingcentre/infra/local/dynamodb/dynamodbtest"
	"billingcentre/shared/ledger"
	"billingcentre/shared/ledger/dynamo"
	"billingcentre/shared/ledger/ledgertest"
	"billingcentre/shared/ledger/ledgertest/faults"
	"billingcentre/shared/refusal"
)

// impatient is the SDK's retries as in production, but without their pauses.
func impatient(o *dynamodb.Options) {
	o.Retryer = retry.NewStandard(func(o *retry.StandardOptions) {
		o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
	})
}

// faultyStore is a table seen well, and seen through a plan of faults and the SDK's retries.
func faultyStore(t *testing.T, plan faults.Plan) (well, faulty *dynamo.Store, transport *faults.Transport) {
	client, table := dynamodbtest.Client(t)
	transport = faults.Under(client.Options().HTTPClient.(*http.Client).Transport, plan)
	under := dynamodb.New(client.Options(), impatient, func(o *dynamodb.Options) {
		o.HTTPClient = &http.Client{Transport: transport}
	})
	return dynamo.New(client, table), dynamo.New(under, table), transport
}

func kinds(kinds ...faults.Kind) (script []faults.Fault) {
	for _, kind := range kinds {
		script = append(script, faults.Fault{Kind: kind, After: 1})
	}
	return script
}

// TestWhatAFailedWriteMeans goes through the fates of the SDK's three tries of one call.
func TestWhatAFailedWriteMeans(t *testing.T) {
	for _, c := range []struct {
		name    string
		tries   []faults.Kind
		want    error // of a commit and of a put alike
		sends   int
		written bool
	}{
		{"it was lost once", []faults.Kind{faults.Lost}, nil, 2, true},
		{"its answer was lost: the token, or its own mark in the item, tells", []faults.Kind{faults.AnswerLost}, nil, 2, true},
		{"the server failed, and had done it", []faults.Kind{faults.ServerErrorDone}, nil, 2, true},
		{"it lands late, beside its own retry", []faults.Kind{faults.Late}, nil, 2, true},
		{"throttled twice", []faults.Kind{faults.Throttled, faults.Throttled}, nil, 3, true},
		{"throttled for good", []faults.Kind{faults.Throttled, faults.Throttled, faults.Throttled}, ledger.ErrThrottled, 3, false},
		{"lost for good", []faults.Kind{faults.Lost, faults.Lost, faults.Lost}, ledger.ErrUnknown, 3, false},
		{"its answer was lost for good", []faults.Kind{faults.AnswerLost, faults.Lost, faults.ServerError}, ledger.ErrUnknown, 3, true},
		{"a throttle says nothing about an earlier try", []faults.Kind{faults.AnswerLost, faults.Throttled, faults.Throttled}, ledger.ErrUnknown, 3, true},
		{"a conflict says nothing about an earlier try", []faults.Kind{faults.AnswerLost, faults.Conflict}, ledger.ErrUnknown, 2, true},
		{"a conflict isn't retried by the SDK", []faults.Kind{faults.Conflict}, ledger.ErrContended, 1, false},
	} {
		t.Run(c.name+"/commit", func(t *testing.T) {
			well, faulty, transport := faultyStore(t, faults.Script(kinds(c.tries...)...))
			acme := ledgertest.Open(t, well, "acme")
			err := faulty.Commit(t.Context(), acme.Decide(acme.Head(), ledgertest.Bill("b", "1")))
			wantError(t, err, c.want, transport, c.sends)
			if written := acme.Head().Version == 2; written != c.written {
				t.Errorf("written is %t", written)
			}
			ledgertest.CheckReplay(t, well, "acme")
		})
		t.Run(c.name+"/put", func(t *testing.T) {
			well, faulty, transport := faultyStore(t, faults.Script(kinds(c.tries...)...))
			document := ledger.Document{Key: ledger.DocumentKey{Kind: "order", ID: "1"}, Body: []byte(`"a"`)}
			wantError(t, faulty.Put(t.Context(), document), c.want, transport, c.sends)
			found, err := well.Documents(t.Context(), document.Key)
			if written := len(found) == 1; err != nil || written != c.written {
				t.Errorf("written is %t, %v", written, err)
			}
		})
	}
}

func wantError(t *testing.T, got, want error, transport *faults.Transport, sends int) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("told %v, want %v", got, want)
	}
	if calls, _ := transport.Calls(); calls != sends {
		t.Errorf("sent %d times, want %d", calls, sends)
	}
}

func TestWhatACancelledTransactionMeans(t *testing.T) {
	for kind, want := range map[faults.Kind]error{
		faults.ThrottledInside:    ledger.ErrThrottled,
		faults.Conflict:           ledger.ErrContended,
		faults.TransactionRunning: ledger.ErrUnknown, // so an earlier try had no answer
	} {
		well, faulty, _ := faultyStore(t, faults.Always("TransactWriteItems", faults.Fault{Kind: kind}))
		acme := ledgertest.Open(t, well, "acme")
		if err := faulty.Commit(t.Context(), acme.Decide(acme.Head(), ledgertest.Bill("b", "1"))); !errors.Is(err, want) {
			t.Errorf("%s: told %v, want %v", kind, err, want)
		}
	}
}

func TestAnotherWritersEqualDocumentIsNoSuccessOfOurs(t *testing.T) {
	document := ledger.Document{Key: ledger.DocumentKey{Kind: "quota", ID: "1"}, Body: []byte(`4`)}
	well, faulty, _ := faultyStore(t, faults.Script(kinds(faults.Lost)...))
	if err := well.Put(t.Context(), document); err != nil {
		t.Fatal(err)
	}
	if err := faulty.Put(t.Context(), document); !errors.Is(err, ledger.ErrStale) {
		t.Errorf("told %v", err)
	}
}

func TestADocumentThatMovedOnAfterALostAnswerIsInDoubt(t *testing.T) {
	var well *dynamo.Store
	document := ledger.Document{Key: ledger.DocumentKey{Kind: "quota", ID: "1"}, Body: []byte(`4`)}
	well, faulty, _ := faultyStore(t, func(call faults.Call) faults.Fault {
		if call.Writes == 1 {
			return faults.Fault{Kind: faults.AnswerLost}
		}
		next := document
		next.Version = 1
		if err := well.Put(context.Background(), next); err != nil {
			t.Error(err)
		}
		return faults.Fault{}
	})
	if err := faulty.Put(t.Context(), document); !errors.Is(err, ledger.ErrUnknown) {
		t.Errorf("told %v", err)
	}
}

func TestWhatAFailedReadMeans(t *testing.T) {
	for kind, want := range map[faults.Kind]error{
		faults.Lost: ledger.ErrUnknown, faults.ServerError: ledger.ErrUnknown, faults.Throttled: ledger.ErrThrottled,
	} {
		_, faulty, _ := faultyStore(t, func(faults.Call) faults.Fault { return faults.Fault{Kind: kind} })
		ctx := t.Context()
		_, head := faulty.Head(ctx, "acme")
		_, one := faulty.Entries(ctx, "a")
		_, several := faulty.Entries(ctx, "a", "b")
		_, documents := faulty.Documents(ctx, ledger.DocumentKey{Kind: "a", ID: "b"})
		_, journal := faulty.Journal(ctx, "acme", 0, 1)
		_, list := faulty.List(ctx, "acme", "", 1)
		_, due := faulty.Due(ctx, 0, time.Now(), 1)
		for i, err := range []error{head, one, several, documents, journal, list, due} {
			if !errors.Is(err, want) || refusal.As(err) == nil {
				t.Errorf("%s: read %d: told %v", kind, i, err)
			}
		}
	}
}

func TestACallerWhoLeavesIsToldThatNothingIsKnown(t *testing.T) {
	well, _, _ := faultyStore(t, nil)
	acme := ledgertest.Open(t, well, "acme")
	commit := acme.Decide(acme.Head(), ledgertest.Bill("b", "1"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := well.Commit(ctx, commit); !errors.Is(err, ledger.ErrUnknown) {
		t.Errorf("commit: %v", err)
	}
	if err := well.Put(ctx, ledger.Document{Key: ledger.DocumentKey{Kind: "a", ID: "b"}}); !errors.Is(err, ledger.ErrUnknown) {
		t.Errorf("put: %v", err)
	}
	if err := well.Defer(ctx, acme.Head(), time.Now()); !errors.Is(err, ledger.ErrUnknown) {
		t.Errorf("defer: %v", err)
	}
}

func TestAnItemTooLargeIsAFault(t *testing.T) {
	well, _, _ := faultyStore(t, nil)
	document := ledger.Document{Key: ledger.DocumentKey{Kind: "a", ID: "b"}, Body: bytes.Repeat([]byte("x"), 500<<10)}
	alone := well.Put(t.Context(), document)
	acme := ledgertest.Open(t, well, "acme")
	commit := acme.Decide(acme.Head(), ledgertest.Bill("b", "1"))
	commit.Documents = []ledger.Document{document}
	for i, err := range []error{alone, well.Commit(t.Context(), commit)} {
		if err == nil || refusal.As(err) != nil || errors.Is(err, ledger.ErrStale) || errors.Is(err, ledger.ErrMoved) {
			t.Errorf("%d: told %v", i, err)
		}
	}
}

func TestAThrottleIsLoggedAndCountedByItsReason(t *testing.T) {
	var log bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewJSONHandler(&log, nil)))
	defer slog.SetDefault(before)
	_, faulty, _ := faultyStore(t, func(faults.Call) faults.Fault { return faults.Fault{Kind: faults.Throttled} })
	if _, err := faulty.Head(t.Context(), "acme"); !errors.Is(err, ledger.ErrThrottled) {
		t.Fatal(err)
	}
	for _, part := range []string{`"Reason":"TableWriteKeyRangeThroughputExceeded"`, `"Throttles":1`, `"Namespace":"BillingCentre"`, `"_aws":`} {
		if !strings.Contains(log.String(), part) {
			t.Errorf("the line lacks %s: %s", part, log.String())
		}
	}
}

// TestEveryReadOfTheTableIsStronglyConsistent looks at the requests, for DynamoDB Local is never behind.
func TestEveryReadOfTheTableIsStronglyConsistent(t *testing.T) {
	client, table := dynamodbtest.Client(t)
	reads := 0
	spied := dynamodb.New(client.Options(), dynamodb.WithAPIOptions(func(stack *middleware.Stack) error {
		return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("Spy", func(
			ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler,
		) (middleware.InitializeOutput, middleware.Metadata, error) {
			switch request := in.Parameters.(type) {
			case *dynamodb.GetItemInput:
				wantStrong(t, request.ConsistentRead)
				reads++
			case *dynamodb.BatchGetItemInput:
				wantStrong(t, request.RequestItems[table].ConsistentRead)
				reads++
			}
			return next.HandleInitialize(ctx, in)
		}), middleware.After)
	}))
	store := dynamo.New(spied, table)
	acme := ledgertest.Open(t, store, "acme")
	acme.Must(ledgertest.Bills("b", 2, "1")...)
	if _, err := store.Entries(t.Context(), "bill:b-0"); err != nil {
		t.Error(err)
	}
	if _, err := store.Documents(t.Context(), ledger.DocumentKey{Kind: "a", ID: "b"}); err != nil {
		t.Error(err)
	}
	if _, err := store.Journal(t.Context(), "acme", 0, 10); err != nil {
		t.Error(err)
	}
	if reads < 5 {
		t.Errorf("%d reads", reads)
	}
}

func wantStrong(t *testing.T, consistent *bool) {
	t.Helper()
	if consistent == nil || !*consistent {
		t.Error("a read isn't strongly consistent")
	}
}
