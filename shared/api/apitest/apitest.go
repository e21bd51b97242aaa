// Package apitest sends real events to a function's handler, without a network, and compares whole answers.
//
//	events/<function>/<case>.json         the event, as API Gateway sends it; `sam local invoke -e` takes it too
//	events/<function>/<case>.answer.json  what must come back: status, headers and body, to the last member
//
// Run takes every event of a folder, so that no file is there without being tested. Call makes events for the tables
// of tests that would need hundreds of files. `go test ./functions/<function> -update` writes the answers anew: read
// the difference before you commit it.
package apitest

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"billingcentre/shared/api"
	"billingcentre/shared/api/contract"
)

var update = flag.Bool("update", false, "write the answers beside the events anew")

// Answer is all that a client gets.
type Answer struct {
	Status  int               `json:"status"`
	Headers map[string]string `json:"headers"`
	Body    jsontext.Value    `json:"body,omitzero"` // a JSON string when the answer isn't JSON: base64, as Lambda hands it over
}

// Run sends each event of events/<folder> to the handler that given makes for it, and compares the answer with the
// file beside it. given prepares what must be there before, and fails the test for a case that it doesn't know.
func Run(t *testing.T, folder string, given func(t *testing.T, name string) api.Handler) {
	t.Helper()
	for _, name := range cases(t, folder) {
		t.Run(name, func(t *testing.T) {
			answer := Send(t, given(t, name), Event(t, folder, name))
			compare(t, path(t, folder, name+".answer.json"), answer)
		})
	}
}

// Event reads events/<folder>/<name>.json.
func Event(t *testing.T, folder, name string) events.APIGatewayV2HTTPRequest {
	t.Helper()
	var event events.APIGatewayV2HTTPRequest
	read(t, path(t, folder, name+".json"), &event)
	return event
}

// Send hands an event to a handler. Whatever it answers must be as openapi.yaml describes it (package contract).
func Send(t *testing.T, handler api.Handler, event events.APIGatewayV2HTTPRequest) Answer {
	t.Helper()
	out, err := handler(context.Background(), event)
	if err != nil {
		t.Fatalf("the handler failed: %v", err)
	}
	if err := contract.Check(event, out); err != nil {
		t.Errorf("%s: %v", event.RouteKey, err)
	}
	answer := Answer{Status: out.StatusCode, Headers: out.Headers, Body: jsontext.Value(out.Body)}
	if out.IsBase64Encoded || !answer.Body.IsValid() {
		quoted, err := json.Marshal(out.Body)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body = quoted
	}
	return answer
}

// Into decodes the answer's body; members that the target doesn't know are left out.
func (a Answer) Into(t *testing.T, into any) {
	t.Helper()
	if err := json.Unmarshal(a.Body, into); err != nil {
		t.Fatalf("body %s: %v", a.Body, err)
	}
}

func compare(t *testing.T, file string, got Answer) {
	t.Helper()
	if *update {
		text, err := json.Marshal(got, json.Deterministic(true), jsontext.WithIndent("  "))
		if err == nil {
			err = os.WriteFile(file, append(text, '\n'), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
		return
	}
	var want Answer
	read(t, file, &want)
	if diff := cmp.Diff(plain(t, want), plain(t, got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", filepath.Base(file), diff)
	}
}

// plain is an answer as values that can be compared member by member.
func plain(t *testing.T, a Answer) map[string]any {
	t.Helper()
	var body any
	if len(a.Body) > 0 {
		a.Into(t, &body)
	}
	return map[string]any{"status": a.Status, "headers": a.Headers, "body": body}
}

// cases lists the events of a folder.
func cases(t *testing.T, folder string) []string {
	t.Helper()
	files, err := filepath.Glob(path(t, folder, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, file := range files {
		if name := strings.TrimSuffix(filepath.Base(file), ".json"); !strings.HasSuffix(name, ".answer") {
			names = append(names, name)
		}
	}
	if slices.Sort(names); len(names) == 0 {
		t.Fatalf("events/%s holds no event", folder)
	}
	return names
}

// path is a file of events/, found from wherever the test runs.
func path(t *testing.T, folder, file string) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return filepath.Join(dir, "events", folder, file)
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("the test doesn't run inside the module")
		}
	}
}

func read(t *testing.T, file string, into any) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(text, into)
	}
	if err != nil {
		t.Fatalf("%s: %v", filepath.Base(file), err)
	}
}
