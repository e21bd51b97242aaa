package house

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"billingcentre/infra/local/sam"
	"billingcentre/infra/local/sam/samtest"
)

const root = "../.."

// deployment is what template.yaml deploys, by the functions' names.
func deployment(t *testing.T) map[string]sam.Function {
	t.Helper()
	functions := samtest.Deployment(t, nil).Functions
	byName := make(map[string]sam.Function, len(functions))
	for _, f := range functions {
		byName[f.Name()] = f
	}
	return byName
}

// folders are the names of the folders in a folder of the repository.
func folders(t *testing.T, folder string) []string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(root, folder))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		if entry.IsDir() {
			names = append(names, entry.Name())
		}
	}
	if len(names) == 0 {
		t.Fatalf("%s/ is empty", folder)
	}
	return names
}

func TestEveryFunctionIsDeployedAndEveryDeployedOneIsHere(t *testing.T) {
	deployed := deployment(t)
	if diff := cmp.Diff(slices.Sorted(maps.Keys(deployed)), folders(t, "functions")); diff != "" {
		t.Errorf("functions (-template.yaml +functions/):\n%s", diff)
	}
	for name, f := range deployed {
		if f.Folder != "functions/"+name || f.LogicalID != camel(name)+"Function" {
			t.Errorf("functions/%s is %s, from %s", name, f.LogicalID, f.Folder)
		}
		if len(f.HTTP)+len(f.Queues)+len(f.Streams)+len(f.Schedules)+len(f.Rules) == 0 {
			t.Errorf("functions/%s is started by nothing", name)
		}
	}
}

// camel is a folder's name as the template's logical ids write it.
func camel(name string) string {
	var b strings.Builder
	for part := range strings.SplitSeq(name, "-") {
		b.WriteString(strings.ToUpper(part[:1]) + part[1:])
	}
	return b.String()
}

// main.go wires; handler.go decodes, calls and encodes.
func TestEveryFunctionHasItsFiles(t *testing.T) {
	for _, name := range folders(t, "functions") {
		dir := filepath.Join(root, "functions", name)
		for _, file := range []string{"main.go", "handler.go"} {
			if _, err := os.Stat(filepath.Join(dir, file)); err != nil {
				t.Error(err)
			}
		}
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(dir, "main.go"), nil, parser.ParseComments)
		if err != nil {
			t.Error(err)
			continue
		}
		if file.Name.Name != "main" || !strings.HasPrefix(file.Doc.Text(), "Command "+name+" ") {
			t.Errorf("functions/%s/main.go doesn't say what Command %s is", name, name)
		}
		for _, declaration := range file.Decls {
			if f, ok := declaration.(*ast.FuncDecl); ok && f.Name.Name == "main" && f.Recv == nil {
				continue
			}
			if g, ok := declaration.(*ast.GenDecl); ok && g.Tok == token.IMPORT {
				continue
			}
			t.Errorf("functions/%s/main.go does more than wiring", name)
		}
	}
}

func TestEveryFunctionHasItsEventsAndItsLineInTheREADME(t *testing.T) {
	names := folders(t, "functions")
	if diff := cmp.Diff(names, folders(t, "events")); diff != "" {
		t.Errorf("folders (-functions/ +events/):\n%s", diff)
	}
	readme, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if len(events(t, name)) == 0 {
			t.Errorf("events/%s holds no event", name)
		}
		row := regexp.MustCompile("(?m)^\\|[ *`\\[]*functions/" + regexp.QuoteMeta(name) + "/?[`\\]* (|]")
		if !row.Match(readme) {
			t.Errorf("README.md has no line of a table for functions/%s", name)
		}
	}
}

// A schedule's event is what the template has the scheduler send; every other folder of events is read by a test of its
// function, or of the package that does the function's work.
func TestEventsAreTested(t *testing.T) {
	tests := sources(t, "_test.go", "functions", "shared")
	for name, f := range deployment(t) {
		for _, schedule := range f.Schedules {
			if !sends(t, name, schedule.Input) {
				t.Errorf("events/%s has no event like the schedule's %s", name, schedule.Input)
			}
		}
		reads := regexp.MustCompile(`events/` + name + `[/"]|apitest\.Run\(t, "` + name + `"`)
		if len(f.Schedules) == 0 && !reads.MatchString(tests) {
			t.Errorf("no test reads events/%s", name)
		}
	}
}

// sends tells whether one of a function's events says the same as some JSON.
func sends(t *testing.T, function, text string) bool {
	t.Helper()
	var want any
	if err := json.Unmarshal([]byte(text), &want); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	for file := range events(t, function) {
		text, err := os.ReadFile(filepath.Join(root, "events", function, file))
		if err != nil {
			t.Fatal(err)
		}
		var got any
		if json.Unmarshal(text, &got) == nil && cmp.Equal(got, want) {
			return true
		}
	}
	return false
}

// sources are all files of an ending in some folders, one after the other.
func sources(t *testing.T, ending string, in ...string) string {
	t.Helper()
	var all strings.Builder
	for _, folder := range in {
		err := filepath.WalkDir(filepath.Join(root, folder), func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || !strings.HasSuffix(path, ending) {
				return err
			}
			text, err := os.ReadFile(path)
			all.Write(text)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all.String()
}

// event is what an event tells about where it goes.
type event struct {
	RouteKey string `json:"routeKey"` // empty for what isn't HTTP
}

// events are the events of a function, by their files. What each must answer is its function's own test.
func events(t *testing.T, function string) map[string]event {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, "events", function, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	found := make(map[string]event, len(files))
	for _, file := range files {
		if strings.HasSuffix(file, ".answer.json") {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var e event
		if err := json.Unmarshal(text, &e); err != nil {
			t.Errorf("%s: %v", filepath.Base(file), err)
		}
		found[filepath.Base(file)] = e
	}
	return found
}
