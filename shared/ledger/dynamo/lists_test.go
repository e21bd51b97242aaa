package dynamo_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"billingcentre/infra/local/dynamodb/dynamodbtest"
	"billingcentre/shared/ledger"
	"billingcentre/shared/ledger/dynamo"
	"billingcentre/shared/ledger/ledgertest"
	"billingcentre/shared/wallet"
)

type object = map[string]any

// rewriter changes the database's answers to an operation, as an index that lags, or a batch that is too much for
// it, would.
type rewriter struct {
	next      http.RoundTripper
	operation string
	rewrite   func(call int, answer object)
	calls     int
}

func (r *rewriter) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := r.next.RoundTrip(request)
	if err != nil || !strings.HasSuffix(request.Header.Get("X-Amz-Target"), "."+r.operation) {
		return response, err
	}
	defer response.Body.Close()
	var answer object
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return nil, err
	}
	r.calls++
	r.rewrite(r.calls, answer)
	body, err := json.Marshal(answer)
	if err != nil {
		return nil, err
	}
	response.Body, response.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	response.Header.Del("Content-Length")
	response.Header.Del("X-Amz-Crc32")
	return response, nil
}

// rewritten is a store whose answers are changed, and the same store without that.
func rewritten(t *testing.T, operation string, rewrite func(call int, answer object)) (store, plain *dynamo.Store, r *rewriter) {
	client, table := dynamodbtest.Client(t)
	r = &rewriter{next: client.Options().HTTPClient.(*http.Client).Transport, operation: operation, rewrite: rewrite}
	under := dynamodb.New(client.Options(), func(o *dynamodb.Options) { o.HTTPClient = &http.Client{Transport: r} })
	return dynamo.New(under, table), dynamo.New(client, table), r
}

func TestAPageIsFilledThoughTheIndexLags(t *testing.T) {
	for _, c := range []struct {
		name    string
		rewrite func(call int, answer object)
		want    []string
		queries int
	}{
		{"it doesn't", func(int, object) {}, []string{"5", "4"}, 1},
		{"it names what is gone", func(call int, answer object) {
			for i, item := range answer["Items"].([]any) {
				if call == 1 {
					item.(object)["pk"] = object{"S": fmt.Sprintf("D#order#gone-%d", i)}
				}
			}
		}, []string{"3", "2"}, 2},
		{"it names another place", func(call int, answer object) {
			if call == 1 {
				answer["Items"].([]any)[0].(object)["rank"] = object{"S": "9"}
			}
		}, []string{"4", "3"}, 2},
		{"a page of it is empty, but not the last", func(call int, answer object) {
			if call == 1 {
				answer["Items"] = []any{}
			}
		}, []string{"3", "2"}, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			store, plain, r := rewritten(t, "Query", c.rewrite)
			var documents []ledger.Document
			for i := range 6 {
				documents = append(documents, ledger.Document{
					Key: ledger.DocumentKey{Kind: "order", ID: fmt.Sprint(i)}, Body: []byte("{}"), List: "orders", Rank: fmt.Sprint(i),
				})
			}
			if err := plain.Put(t.Context(), documents...); err != nil {
				t.Fatal(err)
			}
			page, err := store.List(t.Context(), "orders", "", 2)
			var got []string
			for _, d := range page {
				got = append(got, d.Key.ID)
			}
			if err != nil || !slices.Equal(got, c.want) || r.calls != c.queries {
				t.Errorf("%v in %d queries, %v", got, r.calls, err)
			}
		})
	}
}

// unprocess takes all but the first item out of an answer to BatchGetItem, as left to be asked for again.
func unprocess(answer object) {
	for table, items := range answer["Responses"].(object) {
		left := items.([]any)[1:]
		var keys []any
		for _, item := range left {
			keys = append(keys, object{"pk": item.(object)["pk"], "sk": item.(object)["sk"]})
		}
		if len(keys) > 0 {
			answer["Responses"] = object{table: items.([]any)[:1]}
			answer["UnprocessedKeys"] = object{table: object{"Keys": keys, "ConsistentRead": true}}
		}
	}
}

func TestWhatABatchLeavesOutIsAskedForAgain(t *testing.T) {
	store, plain, r := rewritten(t, "BatchGetItem", func(_ int, answer object) { unprocess(answer) })
	acme := ledgertest.Open(t, plain, "acme")
	acme.Must(ledgertest.Bills("b", 4, "1")...)
	found, err := store.Entries(t.Context(), "bill:b-0", "bill:b-1", "bill:b-2", "bill:b-3", "bill:none")
	if err != nil || len(found) != 4 || r.calls != 4 {
		t.Errorf("%d entries in %d calls, %v", len(found), r.calls, err)
	}
}

func TestABatchThatGivesNothingIsNotAskedForEver(t *testing.T) {
	store, plain, r := rewritten(t, "BatchGetItem", func(_ int, answer object) {
		for table := range answer["Responses"].(object) {
			answer["Responses"] = object{table: []any{}}
			key := object{"pk": object{"S": "E#bill:b-0"}, "sk": object{"S": "entry"}}
			answer["UnprocessedKeys"] = object{table: object{"Keys": []any{key}, "ConsistentRead": true}}
		}
	})
	acme := ledgertest.Open(t, plain, "acme")
	acme.Must(ledgertest.Bills("b", 2, "1")...)
	if _, err := store.Entries(t.Context(), "bill:b-0", "bill:b-1"); !errors.Is(err, ledger.ErrThrottled) || r.calls != 8 {
		t.Errorf("%d calls, %v", r.calls, err)
	}
}

func TestMoreKeysThanABatchTakes(t *testing.T) {
	store, plain, r := rewritten(t, "BatchGetItem", func(int, object) {})
	acme := ledgertest.Open(t, plain, "acme")
	acme.Must(ledgertest.Bills("b", 30, "1")...)
	var keys []wallet.Key
	for i := range 130 {
		keys = append(keys, wallet.BillKey(wallet.BillID(fmt.Sprintf("b-%d", i))))
	}
	found, err := store.Entries(t.Context(), keys...)
	if err != nil || len(found) != 30 || r.calls != 2 {
		t.Errorf("%d entries in %d calls, %v", len(found), r.calls, err)
	}
}
