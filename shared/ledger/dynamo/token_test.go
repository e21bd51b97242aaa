package dynamo_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"billingcentre/infra/local/dynamodb/dynamodbtest"
	"billingcentre/shared/ledger"
	"billingcentre/shared/ledger/dynamo"
	"billingcentre/shared/ledger/ledgertest"
)

// listener keeps the transactions that are sent, and answers some of them itself.
type listener struct {
	next   http.RoundTripper
	sent   [][]byte
	answer func(sent int) *http.Response // nil: the database's
}

func (l *listener) RoundTrip(request *http.Request) (*http.Response, error) {
	if !strings.HasSuffix(request.Header.Get("X-Amz-Target"), ".TransactWriteItems") {
		return l.next.RoundTrip(request)
	}
	body, err := io.ReadAll(request.Body)
	if err != nil {
		return nil, err
	}
	request.Body = io.NopCloser(bytes.NewReader(body))
	l.sent = append(l.sent, body)
	if response := l.answer(len(l.sent)); response != nil {
		response.Request = request
		return response, nil
	}
	return l.next.RoundTrip(request)
}

func failure(status int, code string) *http.Response {
	body := `{"__type":"com.amazonaws.dynamodb.v20120810#` + code + `","message":"` + code + `"}`
	return &http.Response{
		StatusCode: status, Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}}, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
	}
}

func listening(t *testing.T, answer func(sent int) *http.Response) (*dynamo.Store, *listener) {
	client, table := dynamodbtest.Client(t)
	l := &listener{next: client.Options().HTTPClient.(*http.Client).Transport, answer: answer}
	under := dynamodb.New(client.Options(), impatient, func(o *dynamodb.Options) { o.HTTPClient = &http.Client{Transport: l} })
	return dynamo.New(under, table), l
}

func tokenOf(t *testing.T, body []byte) string {
	t.Helper()
	var sent struct{ ClientRequestToken string }
	if err := json.Unmarshal(body, &sent); err != nil {
		t.Fatal(err)
	}
	return sent.ClientRequestToken
}

// T-14 to T-16: the tries of one commit are one request for the database, byte for byte, under one token; another commit has
// another token, though it says the same. So what a token remembers, for how long, is nothing that anything depends on.
func TestATokenIsForOneCommitOnly(t *testing.T) {
	store, l := listening(t, func(sent int) *http.Response {
		if sent == 2 {
			return failure(http.StatusInternalServerError, "InternalServerError")
		}
		return nil
	})
	acme := ledgertest.Open(t, store, "acme") // the first transaction
	commit := acme.Decide(acme.Head(), ledgertest.Bill("b", "1"))
	if err := store.Commit(t.Context(), commit); err != nil { // the second, and its second try
		t.Fatal(err)
	}
	var taken *ledger.TakenError
	if err := store.Commit(t.Context(), commit); !errors.As(err, &taken) { // the same again, by us
		t.Errorf("the same commit again: %v", err)
	}
	if len(l.sent) != 4 || !bytes.Equal(l.sent[1], l.sent[2]) {
		t.Fatalf("%d transactions were sent; two tries are the same: %t", len(l.sent), bytes.Equal(l.sent[1], l.sent[2]))
	}
	seen := map[string]bool{}
	for _, body := range [][]byte{l.sent[0], l.sent[1], l.sent[3]} {
		token := tokenOf(t, body)
		if len(token) < 20 || len(token) > 36 || seen[token] {
			t.Errorf("the token %q is new: %t", token, !seen[token])
		}
		seen[token] = true
	}
}

// T-16: a token that the database remembers for something else is nobody's success, and no reason to try again.
func TestATokenOfSomethingElseIsAFault(t *testing.T) {
	store, l := listening(t, func(sent int) *http.Response {
		if sent == 2 {
			return failure(http.StatusBadRequest, "IdempotentParameterMismatchException")
		}
		return nil
	})
	acme := ledgertest.Open(t, store, "acme")
	before := acme.Head()
	err := store.Commit(t.Context(), acme.Decide(before, ledgertest.Bill("b", "1")))
	if err == nil || errors.Is(err, ledger.ErrUnknown) || errors.Is(err, ledger.ErrContended) || len(l.sent) != 2 {
		t.Errorf("%v, after %d transactions", err, len(l.sent)-1)
	}
	if acme.Head().Version != before.Version {
		t.Error("the head moved")
	}
}
