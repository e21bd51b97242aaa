package api_test

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"billingcentre/shared/api"
	"billingcentre/shared/api/apitest"
	"billingcentre/shared/api/contract"
	"billingcentre/shared/refusal"
)

// What a client hears of each kind of refusal. A new kind needs a line here, one in problem.go, and one in
// openapi.yaml.
var told = map[refusal.Kind]struct {
	status int
	title  string
}{
	refusal.Invalid:         {400, "The request is invalid"},
	refusal.TooLarge:        {413, "The request is too large"},
	refusal.Unsupported:     {415, "The media type isn't supported"},
	refusal.Unauthenticated: {401, "Nobody vouches for the caller"},
	refusal.Forbidden:       {403, "The caller may not do this"},
	refusal.NotFound:        {404, "There is no such thing"},
	refusal.Conflict:        {409, "The state doesn't allow this"},
	refusal.KeyReused:       {422, "The key was used with other content"},
	refusal.Insufficient:    {422, "There isn't enough money"},
	refusal.Expired:         {422, "It has expired"},
	refusal.NotApplicable:   {422, "The rules exclude this"},
	refusal.TooEarly:        {422, "It is too early"},
	refusal.TooMany:         {429, "There were too many requests"},
	refusal.Contended:       {503, "The wallet is busy"},
	refusal.Throttled:       {503, "The service is busy"},
	refusal.Unavailable:     {503, "The service is unavailable"},
}

func TestEveryKindOfRefusalHasItsAnswer(t *testing.T) {
	for _, kind := range kinds(t) {
		t.Run(string(kind), func(t *testing.T) {
			want, known := told[kind]
			if !known {
				t.Fatalf("the kind %q has no line in this test", kind)
			}
			no := &refusal.Refusal{
				Kind: kind, Detail: "A sentence.", Fields: []refusal.Field{{Pointer: "/a", Rule: "must be there"}},
				Needed: "100.00", Available: "99.99", RetryAfter: 7,
			}
			answer, log := refuse(t, fmt.Errorf("deep inside: %w", no))
			if diff := cmp.Diff(api.Problem{
				Type: "urn:billing-centre:problem:" + string(kind), Title: want.title, Status: want.status, Detail: no.Detail, Errors: no.Fields,
				Needed: no.Needed, Available: no.Available, RequestID: "test-request",
			}, answer); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
			if !strings.Contains(log, `"level":"INFO"`) || !strings.Contains(log, "deep inside: "+string(kind)) {
				t.Errorf("logged %s", log)
			}
		})
	}
	if len(told) != len(kinds(t)) {
		t.Errorf("this test has lines for %d kinds; there are %d", len(told), len(kinds(t)))
	}
}

func TestOpenAPIKnowsEveryKindOfRefusal(t *testing.T) {
	document, err := contract.Document()
	if err != nil {
		t.Fatal(err)
	}
	want := []any{api.ProblemType("internal")}
	for _, kind := range kinds(t) {
		want = append(want, api.ProblemType(kind))
		if !strings.Contains(document.Info.Description, "`"+string(kind)+"`") {
			t.Errorf("the table of problems lacks %s", kind)
		}
	}
	byText := func(a, b any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) }
	got := slices.SortedFunc(slices.Values(document.Components.Schemas["Problem"].Value.Properties["type"].Value.Enum), byText)
	slices.SortFunc(want, byText)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("types of problems (-code +document):\n%s", diff)
	}
}

// kinds are the constants of type Kind in package refusal's source: none can be forgotten.
func kinds(t *testing.T) (found []refusal.Kind) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../refusal/refusal.go", nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	for _, declaration := range file.Decls {
		constants, ok := declaration.(*ast.GenDecl)
		if !ok || constants.Tok != token.CONST {
			continue
		}
		for _, spec := range constants.Specs {
			value, ok := spec.(*ast.ValueSpec)
			if name, typed := value.Type.(*ast.Ident); !ok || !typed || name.Name != "Kind" {
				continue
			}
			for _, expression := range value.Values {
				text, err := strconv.Unquote(expression.(*ast.BasicLit).Value)
				if err != nil {
					t.Fatal(err)
				}
				found = append(found, refusal.Kind(text))
			}
		}
	}
	if len(found) < 10 {
		t.Fatalf("only %d kinds are found in the source: has its form changed?", len(found))
	}
	return found
}

// refuse is what an error becomes, and what is logged of it.
func refuse(t *testing.T, err error) (api.Problem, string) {
	t.Helper()
	answer, log := serve(t, apitest.Call{}, func(*api.Request) (api.Response, error) { return api.Response{}, err })
	return problem(t, answer), log
}

// A fault is told in the log only: its text may name a customer, a table or a key.
func TestFaultsLeakNothing(t *testing.T) {
	const secret = "ResourceNotFoundException: table arn:aws:dynamodb:eu-west-1:123456789012:table/billing"
	for rule, handle := range map[string]func(*api.Request) (api.Response, error){
		"a fault":                     func(*api.Request) (api.Response, error) { return api.Response{}, errors.New(secret) },
		"a panic":                     func(*api.Request) (api.Response, error) { panic(secret) },
		"a panic with an error":       func(*api.Request) (api.Response, error) { panic(errors.New(secret)) },
		"a panic with a refusal":      func(*api.Request) (api.Response, error) { panic(refusal.Of(refusal.NotFound, secret)) },
		"a fault beside a body":       func(*api.Request) (api.Response, error) { return api.Response{Body: secret}, errors.New(secret) },
		"a body that can't be JSON":   func(*api.Request) (api.Response, error) { return api.OK(badJSON{}) },
		"a kind that has no line":     func(*api.Request) (api.Response, error) { return api.Response{}, refusal.Of("teapot", secret) },
		"something read out of range": func(*api.Request) (api.Response, error) { return api.OK(make([]int, 0)[len(secret)]) },
	} {
		t.Run(rule, func(t *testing.T) {
			answer, log := serve(t, apitest.Call{}, handle)
			if diff := cmp.Diff(api.Problem{
				Type: api.ProblemType("internal"), Title: "Something broke on our side", Status: 500, RequestID: "test-request",
			}, problem(t, answer)); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
			if len(answer.Headers) != 1 || !strings.Contains(log, `"status":500`) || !strings.Contains(log, `"error":"`) {
				t.Errorf("headers %v, log %s", answer.Headers, log)
			}
		})
	}
}

type badJSON struct{}

func (badJSON) MarshalJSON() ([]byte, error) { return nil, errors.New("no") }

func TestFaultsAreLoud(t *testing.T) {
	for rule, row := range map[string]struct {
		err   error
		level string
	}{
		"a fault":                            {errors.New("disk on fire"), "ERROR"},
		"a refusal":                          {refusal.Of(refusal.Conflict, "No."), "INFO"},
		"a refusal that we have no word for": {refusal.Of("teapot", "No."), "ERROR"},
	} {
		if _, log := refuse(t, row.err); !strings.Contains(log, `"level":"`+row.level+`"`) {
			t.Errorf("%s: logged %s", rule, log)
		}
	}
	_, log := serve(t, apitest.Call{}, func(*api.Request) (api.Response, error) { panic("broken invariant") })
	if !strings.Contains(log, "broken invariant") || !strings.Contains(log, "problem_test.go") || !strings.Contains(log, `"level":"ERROR"`) {
		t.Errorf("a panic is logged without its text, place or level: %s", log)
	}
}

func TestRetryAfter(t *testing.T) {
	for seconds, want := range map[int]string{0: "", -1: "", 1: "1", 900: "900"} {
		answer, _ := serve(t, apitest.Call{}, func(*api.Request) (api.Response, error) {
			return api.Response{}, &refusal.Refusal{Kind: refusal.TooMany, RetryAfter: seconds}
		})
		if got, given := answer.Headers["Retry-After"]; got != want || given != (want != "") {
			t.Errorf("%d seconds are told as %q", seconds, got)
		}
	}
}

// A refusal may repeat what isn't UTF-8; the answer is JSON nevertheless.
func TestAnyRefusalIsJSON(t *testing.T) {
	answer, _ := refuse(t, refusal.At("/\xff", "must be %q, not \xfe", "a"))
	if want := (refusal.Field{Pointer: "/\ufffd", Rule: "must be \"a\", not \ufffd"}); answer.Status != 400 || len(answer.Errors) != 1 || answer.Errors[0] != want {
		t.Errorf("answered %+v", answer)
	}
}
