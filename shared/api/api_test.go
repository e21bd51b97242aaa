package api_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/go-json-experiment/json"

	"billingcentre/shared/api"
	"billingcentre/shared/api/apitest"
)

const route = "POST /v1/things/{thing}"

// serve sends a call to a handler that is made of one function, and gives the answer and what was logged.
func serve(t *testing.T, call apitest.Call, handle func(*api.Request) (api.Response, error)) (events.APIGatewayV2HTTPResponse, string) {
	t.Helper()
	if call.Route == "" {
		call.Route = route
	}
	return send(t, call.Event(), handle)
}

func send(t *testing.T, event events.APIGatewayV2HTTPRequest, handle func(*api.Request) (api.Response, error)) (events.APIGatewayV2HTTPResponse, string) {
	t.Helper()
	var log bytes.Buffer
	handler := api.Serve(slog.New(slog.NewJSONHandler(&log, nil)), api.Route{
		Key: route, Handle: func(_ context.Context, r *api.Request) (api.Response, error) { return handle(r) },
	})
	answer, err := handler(t.Context(), event)
	if err != nil {
		t.Fatalf("the handler failed: %v", err)
	}
	return answer, log.String()
}

// problem is the body of an answer that must be one.
func problem(t *testing.T, answer events.APIGatewayV2HTTPResponse) api.Problem {
	t.Helper()
	var p api.Problem
	if err := json.Unmarshal([]byte(answer.Body), &p, json.RejectUnknownMembers(true)); err != nil {
		t.Fatalf("body %s: %v", answer.Body, err)
	}
	if answer.Headers["Content-Type"] != "application/problem+json" || p.Status != answer.StatusCode {
		t.Errorf("status %d as %s: %s", answer.StatusCode, answer.Headers["Content-Type"], answer.Body)
	}
	return p
}

func TestAnswers(t *testing.T) {
	thing := map[string]string{"b": "2", "a": "1"}
	for rule, row := range map[string]struct {
		response api.Response
		err      error
		status   int
		body     string
		headers  map[string]string
		encoded  bool
	}{
		"a body is JSON with its members in order": {
			response: api.Response{Body: thing}, status: 200, body: `{"a":"1","b":"2"}`,
			headers: map[string]string{"Content-Type": "application/json", "Cache-Control": "no-store"},
		},
		"a status and a header of one's own": {
			response: api.Response{Status: 202, Body: thing, Headers: map[string]string{"X": "y"}}, status: 202, body: `{"a":"1","b":"2"}`,
			headers: map[string]string{"X": "y"},
		},
		"text as it is": {
			response: api.Response{Body: api.Raw{ContentType: "text/plain", Bytes: []byte("success")}}, status: 200, body: "success",
			headers: map[string]string{"Content-Type": "text/plain"},
		},
		"other bytes as base64": {
			response: api.Response{Body: api.Raw{ContentType: "image/png", Bytes: []byte{0xff}}}, status: 200, body: "/w==", encoded: true,
			headers: map[string]string{"Content-Type": "image/png"},
		},
		"a body that can't be JSON is our fault": {response: api.Response{Body: func() {}}, status: 500},
	} {
		t.Run(rule, func(t *testing.T) {
			answer, _ := serve(t, apitest.Call{}, func(*api.Request) (api.Response, error) { return row.response, row.err })
			if answer.StatusCode != row.status || row.body != "" && answer.Body != row.body || answer.IsBase64Encoded != row.encoded {
				t.Errorf("answered %+v", answer)
			}
			for name, want := range row.headers {
				if got := answer.Headers[name]; got != want {
					t.Errorf("header %s is %q, want %q", name, got, want)
				}
			}
		})
	}
}

func TestDoneTellsFirstFromAgain(t *testing.T) {
	first, err := api.Done("x", false)
	again, errAgain := api.Done("x", true)
	if err != nil || first.Status != 201 || first.Headers["Idempotent-Replay"] != "" {
		t.Errorf("first: %+v, %v", first, err)
	}
	if errAgain != nil || again.Status != 200 || again.Headers["Idempotent-Replay"] != "true" || again.Body != first.Body {
		t.Errorf("again: %+v, %v", again, errAgain)
	}
}

func TestARouteThatIsNotThereIs404(t *testing.T) {
	answer, _ := serve(t, apitest.Call{Route: "GET /v1/elsewhere"}, nil)
	if p := problem(t, answer); p.Status != 404 || p.Type != api.ProblemType("not_found") {
		t.Errorf("answered %+v", p)
	}
}

func TestOneRequestIsOneLineInTheLog(t *testing.T) { // H76: whatever the request says
	answer, log := serve(t, apitest.Call{Query: "a%0D%0Ab=1", Body: `{"x\r\n{{7*7}}${jndi:x}":1}`}, func(r *api.Request) (api.Response, error) {
		return api.Response{}, errors.Join(r.OnlyQuery(), r.Decode(new(struct{})))
	})
	if strings.Count(log, "\n") != 1 || !strings.HasSuffix(log, "}\n") {
		t.Errorf("logged %q", log)
	}
	for _, part := range []string{`"msg":"request"`, `"status":400`, `"route":"POST /v1/things/{thing}"`, `"request_id":"test-request"`, `"took":`} {
		if !strings.Contains(log, part) {
			t.Errorf("%s is missing in %s", part, log)
		}
	}
	if problem(t, answer).RequestID != "test-request" {
		t.Errorf("answered %s", answer.Body)
	}
}

func TestInstants(t *testing.T) {
	east := time.FixedZone("", 8*3600)
	for want, at := range map[string]time.Time{
		"":                         {},
		"2026-11-01T16:00:00.000Z": time.Date(2026, 11, 2, 0, 0, 0, 0, east),
		"2026-11-01T16:00:00.123Z": time.Date(2026, 11, 1, 16, 0, 0, 123_999_999, time.UTC),
	} {
		if got := api.Instant(at); got != want {
			t.Errorf("%s is written %q, want %q", at, got, want)
		}
	}
}
