package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"billingcentre/shared/bill"
	"billingcentre/shared/money"
	"billingcentre/shared/receipt"
	"billingcentre/shared/wallet"
)

// example is one of the wallet's worked examples; testdata/examples/README.md there says what each key means.
type example struct {
	Says     string `json:"says"`
	Currency string `json:"currency"`
	Method   string `json:"method"`
	Before   struct {
		Regular, Discount, Card, Cash string
		Carried                       map[string]string
	} `json:"before"`
	Lines []struct {
		Product   string `json:"product"`
		Usage     string `json:"usage"`
		Unit      string `json:"unit"`
		UnitPrice string `json:"unit_price"`
		Amount    string `json:"amount"`
	} `json:"lines"`
	Expect outcome `json:"expect"`
}

type outcome struct {
	Payable   map[string]string   `json:"payable"`
	Paid      map[string]string   `json:"paid"`
	Arrears   string              `json:"arrears"`
	Left      map[string]string   `json:"left"`
	Carried   map[string]string   `json:"carried"`
	Explained map[string][]looked `json:"explained"`
}

type looked struct {
	Fund    string `json:"fund"`
	Paid    string `json:"paid,omitempty"`
	Skipped string `json:"skipped,omitempty"`
}

const examples = "../../shared/wallet/testdata/examples/*.json"

func TestWorkedExamplesThroughTheStack(t *testing.T) {
	running(t)
	files, err := filepath.Glob(examples)
	if err != nil || len(files) < 6 {
		t.Fatalf("%d examples, %v", len(files), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var x example
			if err := json.Unmarshal(text, &x); err != nil {
				t.Fatal(err)
			}
			x.settle(t, "example-"+name)
		})
	}
}

func (x example) settle(t *testing.T, id string) {
	a := open(t, id, x.Currency)
	workspace := id + "-workspace"
	method := map[string]any{"workspace_id": workspace, "from": from, "settlement_method": x.Method}
	if x.Method == "cloud" {
		cloud := map[string]string{"provider": "aws", "customer": "customer-1"}
		a.post(a.operator, a.path("/cloud-links"), "", cloud, nil)
		method["cloud"] = cloud
	}
	a.post(a.operator, a.path("/workspaces"), "", method, nil)
	x.fund(a, workspace)

	usage := x.bill(t, id, workspace)
	var preview struct {
		Receipt receipt.Receipt `json:"receipt"`
	}
	a.post(a.owner, a.path("/bill-previews"), "", json.RawMessage(bill.Encode(usage)), &preview)
	a.send(usage)
	settled := a.settled(usage.ID)
	if diff := cmp.Diff(x.Expect, told(settled)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", x.Says, diff)
	}
	preview.Receipt.At = settled.At // the preview's was before
	if diff := cmp.Diff(preview.Receipt, settled); diff != "" {
		t.Errorf("the preview said something else (README rule 22; -preview +settled):\n%s", diff)
	}
}

func (x example) fund(a *account, workspace string) {
	a.t.Helper()
	if c := x.Before.Carried; c != nil {
		earlier := a.bill(a.id+"-earlier", workspace, "logs", c["general"])
		earlier.Lines = append(earlier.Lines, wallet.Line{Product: "sms", Usage: "1", Amount: exact(a.t, c["restricted"], a.currency)})
		a.send(earlier)
		a.settled(earlier.ID)
	}
	const none = "0.00"
	if x.Before.Cash != none {
		a.cash(x.Before.Cash)
	}
	for kind, face := range map[string]string{"regular": x.Before.Regular, "discount": x.Before.Discount} {
		if face != none {
			a.voucher(kind, face)
		}
	}
	if x.Before.Card != none {
		a.card(x.Before.Card)
	}
}

func (x example) bill(t *testing.T, id, workspace string) wallet.Bill {
	t.Helper()
	b := wallet.Bill{ID: wallet.BillID(id), Workspace: wallet.WorkspaceID(workspace), Day: day, Currency: money.Currency(x.Currency)}
	for _, l := range x.Lines {
		b.Lines = append(b.Lines, wallet.Line{
			Product: l.Product, Usage: l.Usage, Unit: l.Unit, UnitPrice: l.UnitPrice, Amount: exact(t, l.Amount, x.Currency),
		})
	}
	return b
}

// told is a receipt in the words of the examples.
func told(r receipt.Receipt) outcome {
	s := r.Settlement
	o := outcome{
		Payable: map[string]string{}, Explained: map[string][]looked{},
		Paid: map[string]string{
			"regular": s.Paid.Regular, "discount": s.Paid.Discount, "card": s.Paid.Card, "cash": s.Paid.Cash, "cloud": s.Paid.Cloud,
		},
		Arrears: r.Balances.Arrears,
		Left: map[string]string{
			"regular": r.Balances.Regular, "discount": r.Balances.Discount, "card": r.Balances.Card, "cash": r.Balances.Cash,
		},
		Carried: map[string]string{"general": r.Balances.Carried.General, "restricted": r.Balances.Carried.Restricted},
	}
	for _, c := range s.Classes {
		o.Payable[c.Class] = c.Payable
		for _, f := range c.Funds {
			name := f.Kind
			if name == "" {
				name = f.Fund
			}
			seen := looked{Fund: name, Skipped: f.Skipped}
			if f.Skipped == "" {
				seen.Paid = f.Paid
			}
			o.Explained[c.Class] = append(o.Explained[c.Class], seen)
		}
	}
	return o
}
