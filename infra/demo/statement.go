package demo

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"billingcentre/infra/demo/centre"
	"billingcentre/shared/receipt"
	"billingcentre/shared/wallet"
)

// Statement is what an account's bills came to. Amounts are decimal strings. By README rule M2, paid, arrears and what
// is carried add up to exact, to the last decimal.
type Statement struct {
	Account     string          `json:"account"`
	Currency    string          `json:"currency"`
	Bills       int             `json:"bills"` // settled ones, reversed ones aside
	Lines       int             `json:"lines"`
	Quarantined int             `json:"quarantined"` // of those that were sent
	Exact       string          `json:"exact"`
	Paid        Funds           `json:"paid"`
	Arrears     string          `json:"arrears"` // what no fund paid when the bills were settled
	Carried     receipt.Carried `json:"carried"`
	Left        Funds           `json:"left"` // in the wallet, now
	Seconds     float64         `json:"seconds"`
}

// Funds are amounts by kind of fund.
type Funds struct {
	Regular  string `json:"regular"`
	Discount string `json:"discount"`
	Card     string `json:"card"`
	Cash     string `json:"cash"`
}

// statement adds up all that the account was billed, as its owner sees it.
func (d *Demo) statement(ctx context.Context, owner *centre.Caller, account string, sent []wallet.Bill, quarantined int, took time.Duration) (Statement, error) {
	w, err := owner.Wallet(ctx, account)
	if err != nil {
		return Statement{}, err
	}
	bills, err := owner.Bills(ctx, account)
	if err != nil {
		return Statement{}, err
	}
	lines := map[wallet.BillID]int{}
	for _, b := range sent {
		lines[b.ID] = len(b.Lines)
	}
	s := Statement{
		Account: account, Currency: w.Currency, Quarantined: quarantined, Carried: w.Carried, Seconds: took.Round(time.Millisecond).Seconds(),
		Left: Funds{w.Vouchers.Regular, w.Vouchers.Discount, w.Cards, w.Cash},
	}
	var sum totals
	for _, b := range bills {
		if b.ReversedAt != "" {
			continue
		}
		s.Bills++
		sum.add(b.Bill)
		n, known := lines[b.ID]
		if !known {
			if n, err = lineCount(ctx, owner, account, b.ID); err != nil {
				return Statement{}, err
			}
		}
		s.Lines += n
	}
	sum.into(&s)
	return s, nil
}

// lineCount is the number of lines of a bill that somebody else sent.
func lineCount(ctx context.Context, owner *centre.Caller, account string, id wallet.BillID) (int, error) {
	var bill struct {
		Receipt receipt.Receipt `json:"receipt"`
	}
	if err := owner.Get(ctx, "/v1/accounts/"+account+"/bills/"+url.PathEscape(string(id)), &bill); err != nil {
		return 0, err
	}
	return len(bill.Receipt.Settlement.Lines), nil
}

// totals adds up amounts as they are told: a customer's program has nothing but their text.
type totals struct {
	exact, regular, discount, card, cash, arrears decimal.Decimal
	problem                                       error
}

func (t *totals) add(b receipt.Bill) {
	for _, part := range []struct {
		to   *decimal.Decimal
		text string
	}{
		{&t.exact, b.Exact},
		{&t.regular, b.Paid.Regular},
		{&t.discount, b.Paid.Discount},
		{&t.card, b.Paid.Card},
		{&t.cash, b.Paid.Cash},
		{&t.arrears, b.Paid.Arrears},
	} {
		value, err := decimal.NewFromString(part.text)
		if err != nil {
			t.problem = fmt.Errorf("bill %s tells the amount %q", b.ID, part.text)
		}
		*part.to = part.to.Add(value)
	}
}

func (t *totals) into(s *Statement) {
	s.Exact, s.Arrears = t.exact.String(), t.arrears.StringFixed(2)
	s.Paid = Funds{t.regular.StringFixed(2), t.discount.StringFixed(2), t.card.StringFixed(2), t.cash.StringFixed(2)}
}

// Balanced tells whether what was paid, what is owed and what is carried add up to the exact cost.
func (s Statement) Balanced() bool {
	sum, problem := decimal.Zero, false
	for _, text := range []string{s.Paid.Regular, s.Paid.Discount, s.Paid.Card, s.Paid.Cash, s.Arrears, s.Carried.General, s.Carried.Restricted} {
		value, err := decimal.NewFromString(text)
		sum, problem = sum.Add(value), problem || err != nil
	}
	exact, err := decimal.NewFromString(s.Exact)
	return err == nil && !problem && sum.Equal(exact)
}

// String is the statement for people.
func (s Statement) String() string {
	verdict := "adds up to the exact cost, to the last decimal"
	if !s.Balanced() {
		verdict = "DOESN'T ADD UP to the exact cost"
	}
	var b strings.Builder
	line := func(name, amount, note string) {
		b.WriteString(strings.TrimRight(fmt.Sprintf("    %-22s %20s  %s", name, aligned(amount), note), " ") + "\n")
	}
	fmt.Fprintf(&b, "  Statement of %s, in %s: %s of %s, %d in quarantine, %.1f s\n",
		s.Account, s.Currency, count(s.Bills, "bill"), count(s.Lines, "line"), s.Quarantined, s.Seconds)
	line("exact cost", s.Exact, "")
	line("paid by regular", s.Paid.Regular, "left "+s.Left.Regular)
	line("        discount", s.Paid.Discount, "left "+s.Left.Discount)
	line("        card", s.Paid.Card, "left "+s.Left.Card)
	line("        cash", s.Paid.Cash, "left "+s.Left.Cash)
	line("arrears", s.Arrears, "")
	line("carried, general", s.Carried.General, "to the next bill")
	line("carried, restricted", s.Carried.Restricted, verdict)
	return strings.TrimSuffix(b.String(), "\n")
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// aligned pads an amount so that the points of a column of them stand below each other.
func aligned(amount string) string {
	const decimals = 12
	whole, fraction, dotted := strings.Cut(amount, ".")
	if dotted {
		whole += "."
		fraction = fmt.Sprintf("%-*s", decimals-1, fraction)
	} else {
		fraction = strings.Repeat(" ", decimals)
	}
	return whole + fraction
}
