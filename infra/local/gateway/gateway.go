// Package gateway is API Gateway's HTTP API in front of the local functions: it turns an HTTP request into the event
// of payload format 2.0 that a deployment would send, and the function's answer back into HTTP, with the same checks,
// limits and error answers on the way. It runs in this order, as API Gateway does:
//
//	limits of the request line and headers (431) → CORS preflight → route (404) → throttle (429)
//	→ token and scopes (authorizer.go: 401, 403) → body (413) → event (event.go) → function (500, 503) → answer (answer.go)
//
// Things of it worth knowing, since they surprise: a path that exists with another method is 404, never 405; rawPath and
// the path's parameters come decoded, so that %2F never finds a route; a body is base64 unless its type is text, JSON,
// XML or JavaScript, so a form is; a function that fails or answers nonsense is 500, one that takes over 30 s is 503.
package gateway

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"billingcentre/infra/local/sam"
)

// The limits of an HTTP API, from AWS's list of quotas; the last is Lambda's for an event.
const (
	maxHead            = 10_240 // bytes of the request line and the headers' values together
	maxBody            = 10 << 20
	maxEvent           = 6 << 20
	integrationTimeout = 30 * time.Second
)

// Invoker runs a function: an event in, its answer out. An error with a method Throttled() bool that answers true says
// that the function had no room; any other says that the function failed.
type Invoker interface {
	Invoke(ctx context.Context, event []byte) ([]byte, error)
}

// Options are a Gateway's settings.
type Options struct {
	API       sam.API
	Functions []sam.Function     // their routes
	Invokers  map[string]Invoker // by LogicalID
	Timeout   time.Duration      // 0 for API Gateway's 30 s
	Now       func() time.Time   // nil for the clock
	Log       *slog.Logger       // the access log; nil for none
	Client    *http.Client       // to the issuer; nil for one of its own
}

// Gateway is the HTTP API. It is an http.Handler, safe for concurrent use.
type Gateway struct {
	api        sam.API
	routes     []route
	authorizer *authorizer
	throttle   *bucket
	timeout    time.Duration
	now        func() time.Time
	log        *slog.Logger
}

// New makes a Gateway. A function with routes but without an Invoker is an error.
func New(o Options) (*Gateway, error) {
	routes, err := routesOf(o.Functions, o.Invokers)
	if err != nil {
		return nil, err
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Timeout == 0 {
		o.Timeout = integrationTimeout
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Client == nil {
		o.Client = &http.Client{}
	}
	return &Gateway{
		api: o.API, routes: routes, timeout: o.Timeout, now: o.Now, log: o.Log,
		authorizer: &authorizer{issuer: o.API.Issuer, audience: o.API.Audience, now: o.Now, keys: newKeys(o.API.Issuer, o.Client, o.Now)},
		throttle:   newBucket(o.API.Rate, o.API.Burst, o.Now),
	}, nil
}

// call is one request on its way.
type call struct {
	id       string // apigw-requestid
	request  *http.Request
	at       time.Time
	route    *route
	identity *identity // nil on a public route
}

// ServeHTTP implements http.Handler.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := &call{id: requestID(), request: r, at: g.now()}
	w.Header().Set("Apigw-Requestid", c.id)
	status, err := g.serve(w, c)
	g.logAccess(c, status, err)
}

// serve answers, and tells what it answered and what the client isn't told.
func (g *Gateway) serve(w http.ResponseWriter, c *call) (int, error) {
	if headSize(c.request) > maxHead {
		return refuse(w, http.StatusRequestHeaderFieldsTooLarge, "Request Header Fields Too Large"), nil
	}
	if g.api.CORS != nil && preflight(w, c.request, g.api.CORS) {
		return http.StatusNoContent, nil
	}
	var parameters map[string]string
	if c.route, parameters = find(g.routes, c.request.Method, c.request.URL.EscapedPath()); c.route == nil {
		return refuse(w, http.StatusNotFound, "Not Found"), nil
	}
	if g.api.CORS != nil {
		allowOrigin(w, c.request, g.api.CORS)
	}
	if !g.throttle.take() {
		return refuse(w, http.StatusTooManyRequests, "Too Many Requests"), nil
	}
	if !c.route.Public {
		identity, denied := g.authorizer.check(c.request.Context(), c.request.Header.Values("Authorization"), c.route.Scopes)
		if denied != nil {
			w.Header().Set("Www-Authenticate", denied.challenge())
			return refuse(w, denied.status, denied.message), denied
		}
		c.identity = identity
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, c.request.Body, maxBody))
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return refuse(w, http.StatusRequestEntityTooLarge, "Request Entity Too Large"), nil
	}
	if err != nil {
		return refuse(w, http.StatusBadRequest, "Bad Request"), err
	}
	return g.integrate(w, c, parameters, body)
}

// integrate invokes the function and passes its answer on.
func (g *Gateway) integrate(w http.ResponseWriter, c *call, parameters map[string]string, body []byte) (int, error) {
	event, err := json.Marshal(newEvent(c, parameters, body))
	if err != nil {
		return refuse(w, http.StatusInternalServerError, "Internal Server Error"), err
	}
	if len(event) > maxEvent {
		return refuse(w, http.StatusRequestEntityTooLarge, "Request Entity Too Large"), nil
	}
	// Not the client's context: like API Gateway, it doesn't stop a function because its client has gone.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.request.Context()), g.timeout)
	defer cancel()
	answered, err := g.invoke(ctx, c.route.invoker, event)
	if err != nil {
		if errors.Is(err, context.DeadlineExceeded) || throttled(err) {
			return refuse(w, http.StatusServiceUnavailable, "Service Unavailable"), err
		}
		return refuse(w, http.StatusInternalServerError, "Internal Server Error"), err
	}
	answer, err := readAnswer(answered)
	if err != nil {
		return refuse(w, http.StatusInternalServerError, "Internal Server Error"), err
	}
	return answer.write(w, g.api.CORS != nil), nil
}

// invoke gives up when its time is over, even if the function doesn't.
func (g *Gateway) invoke(ctx context.Context, function Invoker, event []byte) ([]byte, error) {
	type outcome struct {
		answer []byte
		err    error
	}
	done := make(chan outcome, 1)
	go func() {
		answer, err := function.Invoke(ctx, event)
		done <- outcome{answer, err}
	}()
	select {
	case o := <-done:
		return o.answer, o.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func throttled(err error) bool {
	var full interface{ Throttled() bool }
	return errors.As(err, &full) && full.Throttled()
}

// refuse writes an answer of the gateway's own.
func refuse(w http.ResponseWriter, status int, message string) int {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, `{"message":"`+message+`"}`) // the client's loss, if it went away
	return status
}

// headSize is what API Gateway limits: the request line and the values of the headers.
func headSize(r *http.Request) int {
	size := len(r.Method) + len(" ") + len(r.RequestURI) + len(" ") + len(r.Proto) + len(r.Host)
	for _, values := range r.Header {
		for _, value := range values {
			size += len(value)
		}
	}
	return size
}

func (g *Gateway) logAccess(c *call, status int, err error) {
	attributes := []any{
		"request_id", c.id, "method", c.request.Method, "path", c.request.URL.Path, "status", status,
		"latency_ms", g.now().Sub(c.at).Milliseconds(),
	}
	if c.route != nil {
		attributes = append(attributes, "route", c.route.Key())
	}
	if c.identity != nil {
		attributes = append(attributes, "sub", c.identity.claims["sub"])
	}
	if err != nil {
		attributes = append(attributes, "error", err.Error())
	}
	g.log.Info("request", attributes...)
}

func requestID() string {
	random := make([]byte, 11)
	_, _ = rand.Read(random) // never fails: crypto/rand ends the process instead
	return strings.NewReplacer("+", "A", "/", "B").Replace(base64.StdEncoding.EncodeToString(random))
}
