// Package api is how HTTP comes in and goes out of every function: API Gateway's events, strict JSON, who is
// calling, problem+json and cursors. A function's handler only decodes, calls, and encodes:
//
//	api.go      Route, Serve: one request from event to answer, and its one line in the log
//	request.go  Request: path, query, body, idempotency key
//	caller.go   Caller: role and account from the token's claims
//	check.go    Check: collects every bad field of a request
//	cursor.go   Cursors: signed positions in lists
//	problem.go  refusals as RFC 9457 problems
//
// openapi.yaml describes every route; package contract holds answers against it, package apitest every test's.
package api

import (
	"context"
	"encoding/base64"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/go-json-experiment/json"

	"billingcentre/shared/refusal"
)

// Route is one method and path of the HTTP API, as template.yaml has it, and what answers it.
type Route struct {
	Key    string // such as "GET /v1/accounts/{account}/wallet"
	Handle func(ctx context.Context, r *Request) (Response, error)
}

// Response is a successful answer. Body is encoded as JSON, unless it is Raw.
type Response struct {
	Status  int // 0 is 200
	Body    any
	Headers map[string]string
}

// Raw is a body that isn't JSON.
type Raw struct {
	ContentType string
	Bytes       []byte
}

// OK answers 200 with a body.
func OK(body any) (Response, error) { return Response{Status: http.StatusOK, Body: body}, nil }

// Done answers 201 for a first time, and 200 for its repetition, with the same body.
func Done(body any, repeated bool) (Response, error) {
	if repeated {
		return Response{Status: http.StatusOK, Body: body, Headers: map[string]string{"Idempotent-Replay": "true"}}, nil
	}
	return Response{Status: http.StatusCreated, Body: body}, nil
}

// Handler is what Lambda calls.
type Handler func(ctx context.Context, event events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error)

// reserve is what a request leaves of its function's time for its answer. Without it, whoever asks while the database doesn't
// answer would get the gateway's 500 instead of our 503, and wouldn't be told that he may ask again.
const reserve = time.Second

// Serve makes a handler of routes. It never fails: faults are answered as 500, and told in the log only.
func Serve(log *slog.Logger, routes ...Route) Handler {
	table := make(map[string]Route, len(routes))
	for _, route := range routes {
		table[route.Key] = route
	}
	return func(ctx context.Context, event events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
		began := time.Now()
		if deadline, limited := ctx.Deadline(); limited {
			var cancel context.CancelFunc
			ctx, cancel = context.WithDeadline(ctx, deadline.Add(-min(reserve, time.Until(deadline)/4)))
			defer cancel()
		}
		answer, err := answer(ctx, table, event)
		level, attrs := slog.LevelInfo, []slog.Attr{
			slog.String("route", event.RouteKey), slog.Int("status", answer.StatusCode),
			slog.String("request_id", event.RequestContext.RequestID), slog.Duration("took", time.Since(began)),
		}
		if err != nil {
			attrs = append(attrs, slog.String("error", err.Error()))
		}
		if answer.StatusCode == http.StatusInternalServerError {
			level = slog.LevelError
		}
		log.LogAttrs(ctx, level, "request", attrs...)
		return answer, nil
	}
}

func answer(ctx context.Context, table map[string]Route, event events.APIGatewayV2HTTPRequest) (out events.APIGatewayV2HTTPResponse, err error) {
	id := event.RequestContext.RequestID
	defer func() {
		if broken := recover(); broken != nil {
			err = fmt.Errorf("%v\n%s", broken, debug.Stack())
			out = problemOf(err, id)
		}
	}()
	route, ok := table[event.RouteKey]
	if !ok {
		err = refusal.Of(refusal.NotFound, "There is no such route.")
		return problemOf(err, id), err
	}
	request, err := newRequest(event)
	if err != nil {
		return problemOf(err, id), err
	}
	response, err := route.Handle(ctx, request)
	if err != nil {
		return problemOf(err, id), err
	}
	out, err = encode(response)
	if err != nil {
		return problemOf(err, id), err
	}
	return out, nil
}

func encode(r Response) (events.APIGatewayV2HTTPResponse, error) {
	out := events.APIGatewayV2HTTPResponse{
		StatusCode: max(r.Status, http.StatusOK),
		Headers:    map[string]string{"Content-Type": "application/json", "Cache-Control": "no-store"},
	}
	maps.Copy(out.Headers, r.Headers)
	if raw, ok := r.Body.(Raw); ok {
		out.Headers["Content-Type"] = raw.ContentType
		if strings.HasPrefix(raw.ContentType, "text/") {
			out.Body = string(raw.Bytes)
			return out, nil
		}
		out.Body, out.IsBase64Encoded = base64.StdEncoding.EncodeToString(raw.Bytes), true
		return out, nil
	}
	body, err := json.Marshal(r.Body, json.Deterministic(true))
	out.Body = string(body)
	return out, err
}

// Instant is how every answer writes an instant: RFC 3339 in UTC with milliseconds. The zero instant is empty.
func Instant(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}
