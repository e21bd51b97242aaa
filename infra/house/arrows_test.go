package house

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const module = "billingcentre/"

// layers are the storeys of the house, lowest first. A package imports from storeys below its own, and from its own
// where that is said. What the two lowest may import at all, shared/wallet's own test tells.
var layers = []struct {
	name     string
	packages []string // exact, or a folder with all below it when it ends in "/"
	beside   bool     // whether packages of the storey may import each other
	why      string   // why it must not know what is above it
}{
	{"refusal", []string{"shared/refusal"}, false, "the typed no is what everybody else says no with"},
	{"money", []string{"shared/money"}, false, "amounts are the same whatever is done with them"},
	{"wallet", []string{"shared/wallet"}, false, "the rules decide; who stores, asks and answers is not their business, so that they can be replayed and previewed"},
	{"ledger", []string{"shared/ledger"}, false, "one loop of load, decide and commit serves every verb and every store"},
	{"adapters", []string{"shared/"}, true, "what functions share must not depend on a function, or on what only runs beside them"},
	{"functions", []string{"functions/"}, false, "each function is built, deployed and permitted alone: what two of them need is shared"},
	{"infra", []string{"infra/"}, true, "what runs beside the functions may know the shared packages; nothing that is deployed may know it"},
}

// doors are packages that few may import: what is behind one must be exchangeable, or isn't for production.
var doors = []struct {
	what string // a package, or a module with all its packages when it ends in "/"
	by   []string
	why  string
}{
	{"github.com/aws/aws-sdk-go-v2/service/dynamodb", []string{"shared/ledger/dynamo/", "shared/boot", "infra/"}, "ledger/dynamo is the only place that knows DynamoDB; boot makes its client"},
	{"github.com/aws/aws-sdk-go-v2/service/sqs", []string{"shared/batch", "shared/boot/queue", "functions/operator", "infra/"}, "queues are batch's; the operator's desk sends a kept bill again"},
	{"github.com/aws/aws-sdk-go-v2/service/secretsmanager", []string{"shared/boot/secret", "infra/"}, "secrets are read once, at the cold start"},
	{"github.com/aws/aws-sdk-go-v2/service/s3", []string{"shared/shelf", "shared/boot/objects", "infra/"}, "the shelf is the only place that knows S3; boot/objects makes its client"},
	{"github.com/aws/aws-sdk-go-v2/service/eventbridge", []string{"shared/outbox", "shared/boot/bus", "infra/"}, "only what was committed is told: the outbox publishes, nobody else"},
	{"github.com/aws/aws-sdk-go-v2/service/marketplacemetering", []string{"shared/metering/aws", "shared/boot/marketplaces", "infra/"}, "metering/aws is the only place that knows AWS Marketplace; boot configures its client"},
	{module + "shared/metering/aws", []string{"shared/boot/marketplaces", "infra/"}, "whoever charges a cloud has a metering.Meter: which cloud is the cold start's business"},
	{module + "shared/metering/alibaba", []string{"shared/boot/marketplaces", "infra/"}, "whoever charges a cloud has a metering.Meter: which cloud is the cold start's business"},
	{module + "shared/metering/huawei", []string{"shared/boot/marketplaces", "infra/"}, "whoever charges a cloud has a metering.Meter: which cloud is the cold start's business"},
	{"github.com/aws/aws-sdk-go-v2/service/sesv2", []string{"shared/mail/ses", "shared/boot/mailer", "infra/"}, "mail/ses is the only place that knows SES; boot/mailer makes its client"},
	{"github.com/aws/aws-sdk-go-v2/config", []string{"infra/"}, "it costs 50 ms and 2 MB of every cold start"},
	{"github.com/aws/aws-lambda-go/lambda", []string{"functions/", "infra/"}, "only a function's main knows how it is started"},
	{"github.com/smartwalle/", []string{"shared/payment/alipay", "infra/local/alipay"}, "payment/alipay is the only place that knows Alipay, and its stand-in speaks its protocol"},
	{"github.com/shopspring/decimal", []string{"shared/money", "infra/"}, "an exact cost is money.Exact, so that currencies can't be mixed"},
	{"encoding/json", []string{"shared/payment/alipay", "shared/ledger/ledgertest/", "infra/"}, "what clients and producers send is read by api.Strict: this one takes the last of two members, folds their case, and lets bytes pass that aren't UTF-8"},
	{"github.com/getkin/", []string{"shared/api/contract", "infra/"}, "the contract is checked in tests; answering costs nothing for it"},
	{module + "shared/ledger/dynamo", []string{"shared/boot", "shared/outbox", "shared/follow", "infra/"}, "everybody else has a ledger.Store; outbox and follow read the table's stream"},
	{module + "shared/ledger/memory", []string{"infra/"}, "it forgets: it is for tests and demonstrations"},
	{module + "shared/ledger/ledgertest", []string{"shared/ledger/ledgertest/"}, "it is for tests"},
	{module + "shared/api/apitest", nil, "it is for tests"},
	{module + "shared/api/contract", []string{"shared/api/apitest", "infra/"}, "it is for tests"},
	{"testing", []string{"shared/api/apitest", "shared/ledger/ledgertest/", "infra/"}, "what is deployed doesn't test itself"},
	{"net/http/httptest", []string{"infra/"}, "what is deployed doesn't test itself"},
}

// reach is what no function may contain, however deep.
var reach = map[string]string{
	"github.com/aws/aws-sdk-go-v2/config": "it costs 50 ms and 2 MB of every cold start",
	"github.com/getkin/kin-openapi":       "answers are held against openapi.yaml in tests",
	"gopkg.in/yaml.v3":                    "functions are configured by their environment",
	"github.com/golang-jwt/jwt":           "tokens are checked by API Gateway, before a function is called",
	"pgregory.net/rapid":                  "what is deployed doesn't test itself",
	"testing":                             "what is deployed doesn't test itself",
}

type listed struct {
	ImportPath string
	Imports    []string
	Deps       []string
}

// list asks go list about packages and all that they depend on, tests left out.
func list(t *testing.T, patterns ...string) []listed {
	t.Helper()
	command := exec.CommandContext(t.Context(), "go", append([]string{"list", "-deps", "-json=ImportPath,Imports,Deps"}, patterns...)...)
	command.Dir = root
	out, err := command.Output()
	var failed *exec.ExitError
	if errors.As(err, &failed) {
		t.Fatalf("go list: %s", failed.Stderr)
	} else if err != nil {
		t.Fatal(err)
	}
	var packages []listed
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
}

func TestArrowsPointOneWay(t *testing.T) {
	packages := list(t, "./...")
	for _, wrong := range wrongArrows(packages) {
		t.Error(wrong)
	}
	for _, wrong := range openDoors(packages) {
		t.Error(wrong)
	}
}

// wrongArrows tells which packages import from a storey that is above them.
func wrongArrows(packages []listed) (wrong []string) {
	for _, p := range packages {
		from, own := strings.CutPrefix(p.ImportPath, module)
		if !own {
			continue
		}
		at := layer(from)
		if at < 0 {
			wrong = append(wrong, from+" belongs to no layer")
			continue
		}
		for _, imported := range p.Imports {
			to, own := strings.CutPrefix(imported, module)
			if to := layer(to); own && (to > at || to == at && !layers[at].beside) {
				wrong = append(wrong, fmt.Sprintf("%s imports %s, but: %s", from, imported, layers[at].why))
			}
		}
	}
	return wrong
}

// layer is the storey that a package is on: the first that names it.
func layer(name string) int {
	for i, l := range layers {
		if matches(name, l.packages) {
			return i
		}
	}
	return -1
}

func matches(name string, patterns []string) bool {
	for _, pattern := range patterns {
		folder, whole := strings.CutSuffix(pattern, "/")
		if name == folder || whole && strings.HasPrefix(name, pattern) {
			return true
		}
	}
	return false
}

// openDoors tells which of our packages import what isn't theirs to import.
func openDoors(packages []listed) (wrong []string) {
	for _, p := range packages {
		from, own := strings.CutPrefix(p.ImportPath, module)
		if !own {
			continue
		}
		for _, door := range doors {
			for _, imported := range p.Imports {
				if matches(imported, []string{door.what}) && !matches(from, door.by) {
					wrong = append(wrong, fmt.Sprintf("%s imports %s, but: %s", from, imported, door.why))
				}
			}
		}
	}
	return wrong
}

func TestFunctionsAreNotWeighedDown(t *testing.T) {
	for _, p := range list(t, "./functions/...") {
		if name, own := strings.CutPrefix(p.ImportPath, module+"functions/"); own {
			for _, wrong := range weights(p.Deps) {
				t.Errorf("functions/%s contains %s", name, wrong)
			}
		}
	}
}

// weights tells what of the dependencies of a function mustn't be there.
func weights(deps []string) (wrong []string) {
	for what, why := range reach {
		if slices.ContainsFunc(deps, func(dep string) bool {
			return dep == what || strings.HasPrefix(dep, what+"/") && strings.Contains(what, ".")
		}) {
			wrong = append(wrong, what+", but: "+why)
		}
	}
	return wrong
}

// Planted arrows prove the rules.
func TestPlantedArrowsAreFound(t *testing.T) {
	for rule, row := range map[string]struct {
		from, to string
		found    bool
	}{
		"wallet on money":                {"shared/wallet", module + "shared/money", false},
		"money on wallet":                {"shared/money", module + "shared/wallet", true},
		"refusal on money":               {"shared/refusal", module + "shared/money", true},
		"wallet on the ledger":           {"shared/wallet", module + "shared/ledger", true},
		"the ledger on a store":          {"shared/ledger", module + "shared/ledger/dynamo", true},
		"a store on the ledger":          {"shared/ledger/dynamo", module + "shared/ledger", false},
		"an adapter on another":          {"shared/receipt", module + "shared/api", false},
		"an adapter on a function":       {"shared/api", module + "functions/wallet", true},
		"shared on infra":                {"shared/boot", module + "infra/local/sqs", true},
		"a function on shared":           {"functions/wallet", module + "shared/api", false},
		"a function on another":          {"functions/wallet", module + "functions/operator", true},
		"a function on infra":            {"functions/wallet", module + "infra/focus", true},
		"infra on shared":                {"infra/focus", module + "shared/bill", false},
		"infra on infra":                 {"infra/demo", module + "infra/focus", false},
		"a package of no storey":         {"tools/x", "fmt", true},
		"DynamoDB outside its store":     {"shared/voucher", "github.com/aws/aws-sdk-go-v2/service/dynamodb", true},
		"DynamoDB in its store":          {"shared/ledger/dynamo", "github.com/aws/aws-sdk-go-v2/service/dynamodb", false},
		"Alipay outside its channel":     {"functions/recharge", "github.com/smartwalle/alipay/v3", true},
		"a decimal outside money":        {"shared/bill", "github.com/shopspring/decimal", true},
		"a store that forgets, deployed": {"functions/wallet", module + "shared/ledger/memory", true},
		"loose JSON":                     {"shared/bill", "encoding/json", true},
	} {
		planted := []listed{{ImportPath: module + row.from, Imports: []string{row.to}}}
		if found := append(wrongArrows(planted), openDoors(planted)...); (len(found) > 0) != row.found {
			t.Errorf("%s: found %q", rule, found)
		}
	}
	if diff := cmp.Diff(1, len(weights([]string{"fmt", "testing/fstest", "gopkg.in/yaml.v3"}))); diff != "" {
		t.Errorf("weights:\n%s", diff)
	}
}
