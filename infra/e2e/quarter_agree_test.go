package e2e

import (
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"billingcentre/infra/demo/centre"
	"billingcentre/infra/local/dynamodb"
	"billingcentre/shared/ledger/dynamo"
	"billingcentre/shared/receipt"
	"billingcentre/shared/statement"
	"billingcentre/shared/wallet"
)

const firstDay, lastDay = "2040-01-01", "2040-04-04"

// agree holds everything that tells of money against the journal itself.
func (q *quarter) agree() {
	q.t.Helper()
	entries := q.journal()
	q.balancesAgree(entries)
	q.movementsAgree(entries)
	q.consumptionAgrees(entries)
	q.monthlyBillsAgree(entries)
	q.cloudAgrees(entries)
}

// journal is every entry as it was committed, the oldest first: the truth that all else is held against.
func (q *quarter) journal() []wallet.Entry {
	q.t.Helper()
	store := dynamo.New(dynamodb.Client(q.stack.Running.DynamoDB), q.stack.Running.Table)
	var head wallet.Head
	var entries []wallet.Entry
	await(q.t, "the journal's list is complete", func() (bool, error) {
		var err error
		if head, err = store.Head(q.t.Context(), wallet.AccountID(q.id)); err != nil {
			return false, err
		}
		entries, err = store.Journal(q.t.Context(), wallet.AccountID(q.id), 0, 1000)
		return int64(len(entries)) == head.Version, err
	})
	slices.Reverse(entries)
	return entries
}

// consumed is what bills came to, by the entries: reversals take away.
type consumed struct {
	payable, exact decimal.Decimal
	paid           map[string]decimal.Decimal
}

func consumedBy(q *quarter, entries []wallet.Entry) consumed {
	q.t.Helper()
	sum := consumed{paid: map[string]decimal.Decimal{}}
	bills := map[wallet.BillID]*receipt.Settlement{}
	add := func(s *receipt.Settlement, sign int64) {
		factor := decimal.NewFromInt(sign)
		sum.payable = sum.payable.Add(q.number(s.Payable).Mul(factor))
		sum.exact = sum.exact.Add(q.number(s.Exact).Mul(factor))
		for fund, amount := range map[string]string{
			"regular": s.Paid.Regular, "discount": s.Paid.Discount, "card": s.Paid.Card, "cash": s.Paid.Cash, "cloud": s.Paid.Cloud, "overdue": s.Paid.Arrears,
		} {
			sum.paid[fund] = sum.paid[fund].Add(q.number(amount).Mul(factor))
		}
	}
	for _, e := range entries {
		told := receipt.Of(e)
		switch {
		case told.Settlement != nil:
			bills[told.Settlement.ID] = told.Settlement
			add(told.Settlement, 1)
		case told.Reversal != nil:
			add(bills[told.Reversal.Bill], -1)
		}
	}
	return sum
}

func (q *quarter) number(text string) decimal.Decimal {
	q.t.Helper()
	n, err := decimal.NewFromString(strings.TrimPrefix(text, "+"))
	if err != nil {
		q.t.Fatal(err)
	}
	return n
}

func (q *quarter) same(what, got string, want decimal.Decimal) {
	q.t.Helper()
	if !q.number(got).Equal(want) {
		q.t.Errorf("%s: %s, and by the entries %s", what, got, want)
	}
}

// balancesAgree: as of any past instant, and now, the balances are those after the last entry before it.
func (q *quarter) balancesAgree(entries []wallet.Entry) {
	q.t.Helper()
	for i, e := range entries {
		if i+1 < len(entries) && !entries[i+1].Time.After(e.Time) {
			continue
		}
		var then struct {
			Entry    int64            `json:"entry"`
			Balances receipt.Balances `json:"balances"`
		}
		at := e.Time.Add(time.Millisecond).UTC().Format("2006-01-02T15:04:05.000Z")
		q.get(q.path("/balances?at="+at), &then)
		if want := receipt.BalancesOf(e.Balances); then.Entry != e.Number || then.Balances != want {
			q.t.Errorf("at %s: entry %d, %+v; want %d, %+v", at, then.Entry, then.Balances, e.Number, want)
		}
	}
	w, last := q.wallet(), receipt.BalancesOf(entries[len(entries)-1].Balances)
	if w.Cash != last.Cash || w.Arrears != last.Arrears || w.Cards != last.Card || w.Carried != last.Carried {
		q.t.Errorf("the overview tells %+v, the last entry %+v", w, last)
	}
}

// movementsAgree: every change of a fund is listed once, with the balance after it, and adds up to the last balance.
func (q *quarter) movementsAgree(entries []wallet.Entry) {
	q.t.Helper()
	type movement struct {
		Entry   int64  `json:"entry"`
		Fund    string `json:"fund"`
		Change  string `json:"change"`
		Balance string `json:"balance"`
	}
	rows, err := centre.All[movement](q.t.Context(), q.owner, q.path("/income-and-expenditure"))
	if err != nil {
		q.t.Fatal(err)
	}
	sums := map[string]decimal.Decimal{}
	for _, r := range rows {
		sums[r.Fund] = sums[r.Fund].Add(q.number(r.Change))
		q.same("the balance of "+r.Fund, r.Balance, q.number(balanceOf(receipt.BalancesOf(entries[r.Entry-1].Balances), r.Fund)))
	}
	last := receipt.BalancesOf(entries[len(entries)-1].Balances)
	for _, fund := range []string{"cash", "regular", "discount", "card", "arrears"} {
		q.same("all changes of "+fund, sums[fund].String(), q.number(balanceOf(last, fund)))
	}
	var totals struct {
		Entries int64              `json:"entries"`
		In      statement.FundSums `json:"in"`
		Out     statement.FundSums `json:"out"`
	}
	q.get(q.path("/income-and-expenditure/totals?from="+firstDay+"&to="+lastDay), &totals)
	if totals.Entries != int64(len(entries)) {
		q.t.Errorf("the totals are of %d entries, and there are %d", totals.Entries, len(entries))
	}
	q.same("cash in less out", q.number(totals.In.Cash).Sub(q.number(totals.Out.Cash)).String(), q.number(last.Cash))
	q.same("arrears in less out", q.number(totals.In.Arrears).Sub(q.number(totals.Out.Arrears)).String(), q.number(last.Arrears))
}

func balanceOf(b receipt.Balances, fund string) string {
	return map[string]string{"cash": b.Cash, "regular": b.Regular, "discount": b.Discount, "card": b.Card, "arrears": b.Arrears}[fund]
}

// consumptionAgrees: the lines, their totals however they are grouped, and both exported files come to what was settled.
func (q *quarter) consumptionAgrees(entries []wallet.Entry) {
	q.t.Helper()
	want := consumedBy(q, entries)
	var totals struct {
		Total  statement.Sum   `json:"total"`
		Groups []statement.Sum `json:"groups"`
	}
	for _, by := range []string{"day", "workspace", "product", "day,workspace,product"} {
		q.get(q.path("/consumption/totals?from="+firstDay+"&to="+lastDay+"&by="+by), &totals)
		q.sumAgrees("the total", totals.Total, want)
		payable := decimal.Zero
		for _, g := range totals.Groups {
			payable = payable.Add(q.number(g.Payable))
		}
		q.same("all groups by "+by, payable.String(), want.payable)
	}
	rows, err := centre.All[struct {
		Exact   string `json:"exact"`
		Payable string `json:"payable"`
	}](q.t.Context(), q.owner, q.path("/consumption?from="+firstDay+"&to="+lastDay))
	if err != nil {
		q.t.Fatal(err)
	}
	payable, exact := decimal.Zero, decimal.Zero
	for _, r := range rows {
		payable, exact = payable.Add(q.number(r.Payable)), exact.Add(q.number(r.Exact))
	}
	q.same("all lines", payable.String(), want.payable)
	q.same("all lines, exactly", exact.String(), want.exact)
	last := entries[len(entries)-1].Balances
	carried := q.number(last.Carried[wallet.General].String()).Add(q.number(last.Carried[wallet.Restricted].String()))
	q.same("payable and carried", payable.Add(carried).String(), want.exact) // README rule M2
}

func (q *quarter) sumAgrees(what string, got statement.Sum, want consumed) {
	q.t.Helper()
	q.same(what, got.Payable, want.payable)
	q.same(what+", exactly", got.Exact, want.exact)
	for fund, amount := range map[string]string{
		"regular": got.Paid.Regular, "discount": got.Paid.Discount, "card": got.Paid.Card,
		"cash": got.Paid.Cash, "cloud": got.Paid.Cloud, "overdue": got.Paid.Overdue,
	} {
		q.same(what+" paid by "+fund, amount, want.paid[fund])
	}
}

// monthlyBillsAgree: each bill tells what came between two cuts, none of it twice, and none is left out.
func (q *quarter) monthlyBillsAgree(entries []wallet.Entry) {
	q.t.Helper()
	after := int64(0)
	for _, month := range []string{"2040-01", "2040-02", "2040-03"} {
		var answer struct {
			Bill statement.Bill `json:"bill"`
		}
		q.get(q.path("/monthly-bills/"+month), &answer)
		b := answer.Bill
		if b.After != after {
			q.t.Errorf("the bill of %s begins after entry %d, and the one before it ended with %d", month, b.After, after)
		}
		q.same("the total of "+month, b.Total, q.number(b.Usage.Payable).Add(q.number(b.Adjustments.Payable)))
		upTo := consumedBy(q, entries[:b.Through]).payable
		before := consumedBy(q, entries[:after]).payable
		q.same("the total of "+month, b.Total, upTo.Sub(before))
		for _, section := range [][]statement.Line{b.Products, b.Workspaces} {
			sum := decimal.Zero
			for _, l := range section {
				sum = sum.Add(q.number(l.Payable))
			}
			q.same("a section of "+month, sum.String(), q.number(b.Usage.Payable))
		}
		after = b.Through
	}
}

// cloudAgrees: what marketplaces accepted is what bills left to the cloud.
func (q *quarter) cloudAgrees(entries []wallet.Entry) {
	q.t.Helper()
	sum := decimal.Zero
	for _, m := range q.stack.Marketplaces.Accepted() {
		sum = sum.Add(decimal.New(int64(m.Quantity), -2))
	}
	q.same("what the marketplace accepted", sum.String(), consumedBy(q, entries).paid["cloud"])
}
