package wallet

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"billingcentre/shared/money"
)

// example is a file of testdata/examples; README.md there says what each key means.
type example struct {
	Example  string         `json:"example"`
	Says     string         `json:"says"`
	Currency money.Currency `json:"currency"`
	Method   Method         `json:"method"`
	Before   struct {
		Regular  string            `json:"regular"`
		Discount string            `json:"discount"`
		Card     string            `json:"card"`
		Cash     string            `json:"cash"`
		Carried  map[string]string `json:"carried"`
	} `json:"before"`
	Lines []struct {
		Product   string `json:"product"`
		Usage     string `json:"usage"`
		Unit      string `json:"unit"`
		UnitPrice string `json:"unit_price"`
		Amount    string `json:"amount"`
		Share     string `json:"share"`
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

func TestWorkedExamples(t *testing.T) {
	files, err := filepath.Glob("testdata/examples/*.json")
	if err != nil || len(files) < 8 {
		t.Fatalf("found %d examples, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			x := readExample(t, file)
			a := x.account(t)
			settle := x.bill(a)
			preview, err := Decide(a.head, settle, a.policy, a.now)
			if err != nil {
				t.Fatal(err)
			}
			settled := a.must(settle)
			if !bytes.Equal(preview.Entry.Canonical(), settled.Canonical()) {
				t.Error("the preview says something else (README rule 22)")
			}
			if diff := cmp.Diff(x.Expect, told(settled)); diff != "" {
				t.Errorf("%s: %s (-want +got):\n%s", x.Example, x.Says, diff)
			}
			x.checkShares(t, settled.Settlement)
		})
	}
}

func readExample(t *testing.T, file string) example {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	var x example
	if err := d.Decode(&x); err != nil {
		t.Fatal(err)
	}
	return x
}

// account gives a wallet what the example has before its bill, by the same commands that customers and operators have.
func (x example) account(t *testing.T) *account {
	a := open(t)
	if c := x.Before.Carried; c != nil {
		a.must(a.bill(BillingCenter, "earlier", c["general"], "sms", c["restricted"]))
	}
	if x.Before.Cash != "0.00" {
		a.cash(x.Before.Cash)
	}
	if x.Before.Regular != "0.00" {
		a.voucher(Regular, x.Before.Regular, 90*day)
	}
	if x.Before.Discount != "0.00" {
		a.voucher(Discount, x.Before.Discount, 90*day)
	}
	if balance := cny(x.Before.Card); balance.IsPositive() {
		face := money.Units(x.Currency, (balance.Minor()+9_999)/10_000*100)
		card := a.card(face.String(), 90*day)
		if spend := face.Sub(balance); spend.IsPositive() {
			a.must(Order{Account: a.head.Account, Once: a.next(), Amount: spend, Cards: []LotID{card}, Item: "earlier", Actor: "owner"})
		}
	}
	a.has(x.Before.Cash, "0.00", x.Before.Regular, x.Before.Discount, x.Before.Card)
	return a
}

func (x example) bill(a *account) Settle {
	s := a.bill(x.Method)
	for _, l := range x.Lines {
		s.Bill.Lines = append(s.Bill.Lines, Line{Product: l.Product, Usage: l.Usage, Unit: l.Unit, UnitPrice: l.UnitPrice, Amount: cost(l.Amount)})
	}
	return s
}

// told is what an entry says about the outcome, in the words of the files.
func told(e Entry) outcome {
	s, b := e.Settlement, e.Balances
	paid := func(from PlaceKind, lots LotKind) string { return s.Paid(from, lots, b.Cash.Currency()).String() }
	o := outcome{
		Payable: map[string]string{},
		Paid: map[string]string{
			"regular": paid(InLot, Regular), "discount": paid(InLot, Discount), "card": paid(InLot, Card),
			"cash": paid(InCash, 0), "cloud": paid(AtCloud, 0),
		},
		Arrears:   b.Arrears.String(),
		Left:      map[string]string{"regular": b.Regular.String(), "discount": b.Discount.String(), "card": b.Card.String(), "cash": b.Cash.String()},
		Carried:   map[string]string{"general": b.Carried[General].String(), "restricted": b.Carried[Restricted].String()},
		Explained: map[string][]looked{},
	}
	for _, c := range s.Classes {
		o.Payable[c.Class.String()] = c.Payable.String()
		o.Explained[c.Class.String()] = explained(c.Draws)
	}
	return o
}

func explained(draws []Draw) []looked {
	said := make([]looked, 0, len(draws))
	for _, d := range draws {
		l := looked{Fund: d.From.Kind.String(), Skipped: d.Skip.String()}
		if d.From.Kind == InLot {
			l.Fund = d.Kind.String()
		}
		if d.Skip == NotSkipped {
			l.Paid = d.Paid.String()
		}
		said = append(said, l)
	}
	return said
}

func (x example) checkShares(t *testing.T, s *Settlement) {
	t.Helper()
	shares := map[string]string{}
	for i, share := range s.Shares(x.Currency) {
		shares[s.Lines[i].Product] = share.String()
	}
	for _, l := range x.Lines {
		if l.Share != "" && shares[l.Product] != l.Share {
			t.Errorf("%s shows a share of %s, want %s", l.Product, shares[l.Product], l.Share)
		}
	}
}
