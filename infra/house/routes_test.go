package house

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/go-cmp/cmp"

	"billingcentre/infra/local/sam"
	"billingcentre/shared/api/contract"
)

func TestHandlersAnswerTheRoutesOfTheTemplate(t *testing.T) {
	for name, f := range deployment(t) {
		want := []string{}
		for _, route := range f.HTTP {
			want = append(want, route.Key())
		}
		slices.Sort(want)
		if diff := cmp.Diff(want, handled(t, name)); diff != "" {
			t.Errorf("routes of functions/%s (-template.yaml +handler.go):\n%s", name, diff)
		}
	}
}

func TestOpenAPIDescribesTheRoutesOfTheTemplate(t *testing.T) {
	deployed, described := map[string]promise{}, map[string]promise{}
	for _, f := range deployment(t) {
		for _, route := range f.HTTP {
			deployed[route.Key()] = promise{strings.ToLower(route.Event[:1]) + route.Event[1:], access(route)}
		}
	}
	document, err := contract.Document()
	if err != nil {
		t.Fatal(err)
	}
	for path, item := range document.Paths.Map() {
		for method, operation := range item.Operations() {
			described[method+" "+path] = promise{operation.OperationID, promised(document, operation)}
		}
	}
	if diff := cmp.Diff(deployed, described); diff != "" {
		t.Errorf("routes (-template.yaml +openapi.yaml):\n%s", diff)
	}
}

// promise is what both say of a route: its name, which is the event's in the template, and who may use it.
type promise struct{ Name, Access string }

// access tells who may use a route.
func access(route sam.Route) string {
	if route.Public {
		return "anybody"
	}
	return "a token of " + strings.Join(slices.Sorted(slices.Values(route.Scopes)), " or ")
}

// promised tells who may use an operation, in the words of access. Alternatives are entries of their own in OpenAPI;
// scopes within one would all be needed at once, which API Gateway can't ask for.
func promised(document *openapi3.T, operation *openapi3.Operation) string {
	security := document.Security
	if operation.Security != nil {
		security = *operation.Security
	}
	if len(security) == 0 {
		return "anybody"
	}
	var scopes []string
	for _, one := range security {
		if len(one) != 1 || len(one["token"]) != 1 {
			return fmt.Sprintf("something that API Gateway can't check: %v", one)
		}
		scopes = append(scopes, one["token"]...)
	}
	slices.Sort(scopes)
	return "a token of " + strings.Join(scopes, " or ")
}

func TestEveryRouteHasAnEvent(t *testing.T) {
	for name, f := range deployment(t) {
		missing := map[string]bool{}
		for _, route := range f.HTTP {
			missing[route.Key()] = true
		}
		routes := maps.Clone(missing)
		for file, event := range events(t, name) {
			if len(routes) > 0 && !routes[event.RouteKey] {
				t.Errorf("events/%s/%s goes to %q, which isn't its function's", name, file, event.RouteKey)
			}
			delete(missing, event.RouteKey)
		}
		for key := range missing {
			t.Errorf("events/%s has no event of %s", name, key)
		}
	}
}

// handled are the keys of the api.Route literals in a function's source, sorted. They are literals, so that they can be
// found by who looks for a route.
func handled(t *testing.T, function string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, "functions", function, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	keys := []string{}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			literal, ok := n.(*ast.CompositeLit)
			if !ok {
				return true
			}
			if members := membersOf(literal); members["Handle"] != nil {
				key, plain := members["Key"].(*ast.BasicLit)
				if !plain {
					t.Errorf("functions/%s: the key of a route isn't a literal", function)
					return true
				}
				text, err := strconv.Unquote(key.Value)
				if err != nil {
					t.Fatal(err)
				}
				keys = append(keys, text)
			}
			return true
		})
	}
	slices.Sort(keys)
	return keys
}

// membersOf are the members of a struct's literal, by name.
func membersOf(literal *ast.CompositeLit) map[string]ast.Expr {
	members := map[string]ast.Expr{}
	for _, element := range literal.Elts {
		if pair, ok := element.(*ast.KeyValueExpr); ok {
			if name, ok := pair.Key.(*ast.Ident); ok {
				members[name.Name] = pair.Value
			}
		}
	}
	return members
}
