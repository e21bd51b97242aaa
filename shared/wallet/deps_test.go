package wallet

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The rules of money are pure: what they decide depends on a head, a command, a policy and an instant, and on nothing else. That
// is why they can be tested alone, replayed, previewed and decided again. These tests keep it so.
const module = "billingcentre/shared/"

// mayImport is all that the pure packages import, each with its reason. Whoever needs more has probably a task for an
// adapter; if not, the reason belongs here.
var mayImport = map[string]map[string]string{
	"refusal": {
		"errors": "finds a refusal in a wrapped error", "fmt": "sentences", "strings": "sentences",
	},
	"money": {
		"fmt": "text of amounts and of panics", "strconv": "digits", "strings": "digits",
		"github.com/shopspring/decimal": "exact costs: eighteen decimals need more than an int64, and never a float",
		module + "refusal":              "a bad amount is a refusal, with its pointer",
	},
	"wallet": {
		"bytes": "compares canonical bytes", "cmp": "burn order", "crypto/sha256": "the chain of entries, fingerprints, ids of lots",
		"encoding/base32": "numbers of cards", "encoding/binary": "canonical bytes", "errors": "one sentinel of the codec",
		"fmt": "sentences", "math": "bounds of stored instants", "slices": "lots in their order", "strconv": "fingerprints",
		"strings": "order of lines", "time": "instants as values; see mayUse for what of it",
		module + "money": "the two kinds of numbers", module + "refusal": "the one way to say no",
	},
}

// mustNotReach is what nothing under the pure packages may bring along, however deep. os, context and database/sql/driver are reached
// through fmt and decimal, which use them for types that we never touch; a direct import is refused above.
var mustNotReach = map[string]string{
	"net":                   "a decision that asks somebody else can't be repeated",
	"net/http":              "the same",
	"os/exec":               "the same",
	"os/signal":             "a decision has no process",
	"database/sql":          "commit is the store's, and its conditions never decide about money",
	"encoding/json":         "JSON rounds numbers, folds names and takes duplicates: what is hashed is written by pack",
	"encoding/json/v2":      "the same",
	"encoding/gob":          "its bytes differ between versions",
	"crypto/rand":           "ids come from keys, so that deciding again gives the same ones",
	"math/rand/v2":          "the same",
	"log":                   "a decision has no side effects; its entry tells all",
	"log/slog":              "the same",
	"time/tzdata":           "zones are files: days are worked out before",
	"text/template":         "nothing that is shown is made here",
	"plugin":                "nothing is loaded",
	"testing":               "tests aren't deployed",
	"expvar":                "a decision has no metrics",
	"runtime/debug":         "nor the build",
	"embed":                 "nor files",
	"golang.org/x/text":     "text is normalised at the edge",
	"github.com/aws":        "only ledger/dynamo knows DynamoDB",
	"github.com/smartwalle": "only payment/alipay knows Alipay",
}

// thirdParty is every module outside the standard library that the pure packages are built from.
var thirdParty = []string{"github.com/shopspring/decimal"}

// mayUse is all that the pure packages use of time: types, constants and conversions. No clock (Now, Since, Until), no
// waiting (Sleep, After, NewTimer), no zone of the machine (Local, LoadLocation).
var mayUse = []string{"Time", "Duration", "Month", "January", "Millisecond", "Second", "Hour", "UTC", "UnixMilli", "Date", "RFC3339"}

type listed struct {
	ImportPath string
	Dir        string
	Standard   bool
	GoFiles    []string
	Imports    []string
	Deps       []string
}

func list(t *testing.T) map[string]listed {
	t.Helper()
	paths := []string{"list", "-deps", "-json=ImportPath,Dir,Standard,GoFiles,Imports,Deps"}
	for name := range mayImport {
		paths = append(paths, module+name)
	}
	out, err := exec.CommandContext(t.Context(), "go", paths...).Output()
	if err != nil {
		t.Fatal(err)
	}
	packages := map[string]listed{}
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatal(err)
		}
		packages[p.ImportPath] = p
	}
}

func TestThePurePackagesImportOnlyWhatTheySayWhy(t *testing.T) {
	packages := list(t)
	for name, reasons := range mayImport {
		p, found := packages[module+name]
		if !found {
			t.Fatalf("go list doesn't tell about %s", name)
		}
		for _, path := range p.Imports {
			if reasons[path] == "" {
				t.Errorf("%s imports %s, for which there is no reason", name, path)
			}
		}
		for path := range reasons {
			if !slices.Contains(p.Imports, path) {
				t.Errorf("%s has a reason for %s, which it doesn't import", name, path)
			}
		}
	}
}

func TestThePurePackagesReachNoOutsideWorld(t *testing.T) {
	packages := list(t)
	for path, p := range packages {
		for forbidden, why := range mustNotReach {
			if path == forbidden || strings.HasPrefix(path, forbidden+"/") && !p.Standard {
				t.Errorf("%s is reached: %s", path, why)
			}
		}
		own := strings.HasPrefix(path, module) && mayImport[strings.TrimPrefix(path, module)] != nil
		if !p.Standard && !own && !slices.Contains(thirdParty, path) {
			t.Errorf("%s is reached, and is neither one of the pure packages nor a module that they are built from", path)
		}
	}
}

// TestThePurePackagesKnowNoClockAndNoFloat reads their sources: imports alone don't tell about time.Now, or about float64.
func TestThePurePackagesKnowNoClockAndNoFloat(t *testing.T) {
	packages := list(t)
	for name := range mayImport {
		p := packages[module+name]
		for _, file := range p.GoFiles {
			for _, wrong := range impurities(t, filepath.Join(p.Dir, file), nil) {
				t.Errorf("%s/%s", name, wrong)
			}
		}
	}
}

// impurities tells where a source uses a clock, a float, a goroutine, a channel, or a variable that somebody could change.
func impurities(t *testing.T, name string, source any) []string {
	t.Helper()
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, name, source, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	var wrong []string
	say := func(n ast.Node, what string) {
		at := files.Position(n.Pos())
		wrong = append(wrong, filepath.Base(at.Filename)+":"+strconv.Itoa(at.Line)+" uses "+what)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			if from, ok := n.X.(*ast.Ident); ok && from.Name == "time" && !slices.Contains(mayUse, n.Sel.Name) {
				say(n, "time."+n.Sel.Name)
			}
			if strings.Contains(n.Sel.Name, "Float") {
				say(n, n.Sel.Name)
			}
		case *ast.Ident:
			if n.Name == "float64" || n.Name == "float32" {
				say(n, n.Name)
			}
		case *ast.BasicLit:
			if n.Kind == token.FLOAT {
				say(n, n.Value)
			}
		case *ast.GoStmt:
			say(n, "a goroutine")
		case *ast.ChanType:
			say(n, "a channel")
		}
		return true
	})
	return wrong
}

// Planted bugs prove the scan.
func TestPlantedImpuritiesAreFound(t *testing.T) {
	for says, body := range map[string]string{
		"a clock":             "_ = time.Now()",
		"the time since":      "_ = time.Since(time.Time{})",
		"waiting":             "time.Sleep(time.Hour)",
		"the machine's zone":  "_ = time.Local",
		"a zone's file":       `_, _ = time.LoadLocation("Asia/Shanghai")`,
		"a float":             "var f float64; _ = f",
		"a float's constant":  "_ = 0.1",
		"a decimal's float":   "_ = d.InexactFloat64()",
		"a decimal of floats": "_ = decimal.NewFromFloat(1)",
		"a goroutine":         "go f()",
	} {
		t.Run(says, func(t *testing.T) {
			if found := impurities(t, "planted.go", "package p\nfunc f() { "+body+" }"); len(found) != 1 {
				t.Errorf("found %v", found)
			}
		})
	}
	if found := impurities(t, "pure.go", "package p\nfunc f(t time.Time) { _ = t.Add(time.Hour).UnixMilli() }"); len(found) != 0 {
		t.Errorf("found %v where nothing is", found)
	}
}
