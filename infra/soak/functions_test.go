package soak

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"

	"billingcentre/shared/api"
	"billingcentre/shared/api/apitest"
	"billingcentre/shared/api/contract"
	"billingcentre/shared/counter"
	"billingcentre/shared/ledger"
	"billingcentre/shared/metric"
	"billingcentre/shared/payment/alipay"
	"billingcentre/shared/proof"
	"billingcentre/shared/quarantine"
	"billingcentre/shared/recharge"
	"billingcentre/shared/transfer"
	"billingcentre/shared/wallet"
)

// functions are those that payments go through, as Lambda starts them: a sandbox handles one event at a time, so each
// invocation has its own.
type functions struct{ recharge, callback, poller, proof func() lambda.Handler }

func sandbox(handler any) func() lambda.Handler {
	return func() lambda.Handler { return lambda.NewHandler(handler) }
}

// deploy wires the handlers as the functions' mains do.
func deploy(books *ledger.Ledger, channel *alipay.Channel) functions {
	log, metrics := slog.New(slog.DiscardHandler), &metric.Metrics{Out: io.Discard, Now: books.Now}
	kept := &quarantine.Quarantine{Store: books.Store, Now: books.Now, Metrics: metrics}
	desk := &recharge.Desk{Ledger: books, Channel: channel, Limits: recharge.Limits{Open: 100}, ReturnURLs: []string{"https://console.example.com"}}
	orders := counter.Orders{Desk: desk, Cursors: api.Cursors{Key: []byte("soak")}}
	notices := counter.Notices{Channel: channel, Desk: &recharge.Desk{Ledger: books}, Quarantine: kept, Metrics: metrics, Log: log}
	rounds := counter.Rounds{Desk: &recharge.Desk{Ledger: books, Channel: channel}, Quarantine: kept, Metrics: metrics, Log: log}
	auditor := proof.NewAuditor(&proof.Book{Store: books.Store, Now: books.Now}, proof.Provider{Biller: channel, Desk: &recharge.Desk{Ledger: books}},
		proof.Bank{Desk: &transfer.Desk{Ledger: books}})
	return functions{
		recharge: sandbox(api.Serve(log,
			api.Route{Key: takeRoute, Handle: orders.Take}, api.Route{Key: queryRoute, Handle: orders.Query}, api.Route{Key: refundRoute, Handle: orders.Refund})),
		callback: sandbox(api.Serve(log, api.Route{Key: noticeRoute, Handle: notices.Notice})),
		poller:   sandbox(rounds.Handle),
		proof:    sandbox(proof.Mornings{Auditor: auditor, Log: log, Metrics: metrics}.Handle),
	}
}

const (
	takeRoute   = "POST /v1/accounts/{account}/recharges"
	queryRoute  = "POST /v1/accounts/{account}/recharges/{recharge}/query"
	refundRoute = "POST /v1/operator/recharges/{recharge}/refunds"
	noticeRoute = "POST /v1/payments/alipay/notices"
)

// errKilled ends every call of an invocation that is no more.
var errKilled = errors.New("soak: the sandbox was killed")

// life is how many calls an invocation has left. Whatever it still computes when they are spent has no effect, and
// nobody gets its answer: that is how a killed sandbox looks from outside.
type life struct{ left atomic.Int64 }

type lifeKey struct{}

func spend(ctx context.Context) error {
	if l, mortal := ctx.Value(lifeKey{}).(*life); mortal && l.left.Add(-1) < 0 {
		return errKilled
	}
	return ctx.Err()
}

// invoke has a function handle an event. Some invocations are killed on the way, and all have a clock of their own.
func (s *soak) invoke(function func() lambda.Handler, event any) ([]byte, error) {
	ctx, own := context.Context(s.Context()), &life{}
	own.left.Store(1 << 40)
	if s.killAfter >= 0 {
		own.left.Store(int64(s.killAfter))
	} else if s.wrong(8) {
		own.left.Store(int64(s.throw(12)))
	}
	s.skew.Store(0)
	if s.wrong(5) {
		s.skew.Store(int64(s.throw(20*60)-10*60) * int64(time.Second))
	}
	in, err := json.Marshal(event)
	if err != nil {
		s.Fatal(err)
	}
	out, err := function().Invoke(context.WithValue(ctx, lifeKey{}, own), in)
	if own.left.Load() < 0 {
		s.tell("killed invocations")
		return nil, errKilled
	}
	return out, err
}

// ask sends a request through the function recharge, whose answers must be as the contract says.
func (s *soak) ask(call apitest.Call) (events.APIGatewayV2HTTPResponse, error) {
	var answer events.APIGatewayV2HTTPResponse
	event := call.Event()
	out, err := s.invoke(s.functions.recharge, event)
	if err != nil {
		return answer, err
	}
	if err := json.Unmarshal(out, &answer); err != nil {
		s.Fatal(err)
	}
	if err := contract.Check(event, answer); err != nil {
		s.Errorf("%s: %v", call.Route, err)
	}
	return answer, nil
}

// notifyURL is what API Gateway does with a notice: an event for payment-callback, and its answer.
func (s *soak) notifyURL(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		s.Error(err)
	}
	event := apitest.Call{Route: noticeRoute, Body: string(body), Header: map[string]string{"content-type": r.Header.Get("Content-Type")}}.Event()
	if s.throw(2) == 0 {
		event.Body, event.IsBase64Encoded = base64.StdEncoding.EncodeToString(body), true
	}
	out, err := s.invoke(s.functions.callback, event)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	var answer events.APIGatewayV2HTTPResponse
	if err := json.Unmarshal(out, &answer); err != nil {
		s.Error(err)
	}
	text := []byte(answer.Body)
	if answer.IsBase64Encoded {
		text, _ = base64.StdEncoding.DecodeString(answer.Body) // what isn't base64 isn't "success" either
	}
	if string(text) == "fail" {
		s.tell("notices not accepted")
	}
	w.WriteHeader(answer.StatusCode)
	_, _ = w.Write(text)
}

// mortalCalls are calls to the provider that a killed invocation doesn't make any more.
type mortalCalls struct{ http.RoundTripper }

func (m mortalCalls) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := spend(r.Context()); err != nil {
		return nil, err
	}
	return m.RoundTripper.RoundTrip(r)
}

// mortalStore is the database as a killed invocation doesn't reach it any more.
type mortalStore struct{ ledger.Store }

func (m mortalStore) Head(ctx context.Context, account wallet.AccountID) (wallet.Head, error) {
	if err := spend(ctx); err != nil {
		return wallet.Head{}, err
	}
	return m.Store.Head(ctx, account)
}

func (m mortalStore) Entries(ctx context.Context, keys ...wallet.Key) (map[wallet.Key]wallet.Entry, error) {
	if err := spend(ctx); err != nil {
		return nil, err
	}
	return m.Store.Entries(ctx, keys...)
}

func (m mortalStore) Documents(ctx context.Context, keys ...ledger.DocumentKey) (map[ledger.DocumentKey]ledger.Document, error) {
	if err := spend(ctx); err != nil {
		return nil, err
	}
	return m.Store.Documents(ctx, keys...)
}

func (m mortalStore) List(ctx context.Context, list, before string, limit int) ([]ledger.Document, error) {
	if err := spend(ctx); err != nil {
		return nil, err
	}
	return m.Store.List(ctx, list, before, limit)
}

func (m mortalStore) Commit(ctx context.Context, commit ledger.Commit) error {
	if err := spend(ctx); err != nil {
		return err
	}
	return m.Store.Commit(ctx, commit)
}

func (m mortalStore) Put(ctx context.Context, documents ...ledger.Document) error {
	if err := spend(ctx); err != nil {
		return err
	}
	return m.Store.Put(ctx, documents...)
}
