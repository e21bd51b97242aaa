package books_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"billingcentre/shared/books"
	"billingcentre/shared/money"
	"billingcentre/shared/wallet"
)

// pay settles lines "product amount" with funds in yuan, and tells for each row who paid.
func pay(t *testing.T, method wallet.Method, regular, discount, card, cash string, lines ...string) (told []string) {
	t.Helper()
	now := time.Date(2026, 11, 2, 3, 0, 0, 0, time.UTC)
	head := wallet.Head{}
	do := func(command wallet.Command) wallet.Entry {
		change, err := wallet.Decide(head, command, wallet.DefaultPolicy(), now)
		if err != nil {
			t.Fatal(err)
		}
		head = change.Head
		return change.Entry
	}
	yuan := func(text string) money.Amount {
		amount, err := money.Parse("", text, money.CNY)
		if err != nil {
			t.Fatal(err)
		}
		return amount
	}
	do(wallet.Open{Account: "acme", Currency: money.CNY, Zone: "UTC"})
	for kind, face := range []string{regular, discount} {
		if face != "0" {
			do(wallet.Activate{Account: "acme", Once: fmt.Sprint(kind), Kind: wallet.LotKind(kind), Face: yuan(face), MinBill: money.Zero(money.CNY), ValidDays: 30})
		}
	}
	if card != "0" {
		allocated := do(wallet.Allocate{Account: "acme", Once: "c", Face: money.Units(money.CNY, 100)})
		rest := yuan("100").Sub(yuan(card))
		do(wallet.Order{Account: "acme", Once: "o", Amount: rest, Cards: []wallet.LotID{allocated.Lots[0].ID}, Item: "package"})
	}
	if cash != "0" {
		do(wallet.TopUp{Order: "1", Amount: yuan(cash), Channel: "alipay"})
	}
	s := wallet.Settle{Bill: wallet.Bill{ID: "b", Workspace: "w", Day: "2026-11-01", Currency: money.CNY}, DayEnd: now.Add(-time.Hour), Method: method}
	for _, line := range lines {
		product, amount, _ := strings.Cut(line, " ")
		exact, err := money.ParseExact("", amount, money.CNY)
		if err != nil {
			t.Fatal(err)
		}
		s.Bill.Lines = append(s.Bill.Lines, wallet.Line{Product: product, Usage: "1", Amount: exact})
	}
	for _, r := range books.RowsOf(do(s), nil) {
		text := fmt.Sprintf("%s %s:", r.Product, r.Payable)
		for _, fund := range []struct {
			name string
			paid money.Amount
		}{{"regular", r.Paid.Regular}, {"discount", r.Paid.Discount}, {"card", r.Paid.Card}, {"cash", r.Paid.Cash}, {"arrears", r.Paid.Arrears}, {"cloud", r.Paid.Cloud}} {
			if !fund.paid.IsZero() {
				text += fmt.Sprintf(" %s %s", fund.name, fund.paid)
			}
		}
		told = append(told, text)
	}
	return told
}

// The README's examples: 13.40 general, 5.00 restricted; and what a waterfall makes of several lines, and of credits.
func TestWhoPaidForALine(t *testing.T) {
	for _, c := range []struct {
		name                          string
		method                        wallet.Method
		regular, discount, card, cash string
		lines, want                   []string
	}{
		{"S1", wallet.BillingCenter, "4", "3", "2", "100", []string{"logs 13.4", "sms 5"}, []string{
			"logs 13.40: regular 4.00 discount 3.00 card 2.00 cash 4.40", "sms 5.00: cash 5.00",
		}},
		{"S2", wallet.BillingCenter, "4", "3", "2", "4", []string{"logs 13.4", "sms 5"}, []string{
			"logs 13.40: regular 4.00 discount 3.00 card 2.00 cash 4.00 arrears 0.40", "sms 5.00: arrears 5.00",
		}},
		{"S3", wallet.BillingCenter, "100", "0", "0", "0", []string{"logs 13.4", "sms 5"}, []string{"logs 13.40: regular 13.40", "sms 5.00: arrears 5.00"}},
		{"S4", wallet.Cloud, "4", "3", "2", "100", []string{"logs 13.4", "sms 5"}, []string{
			"logs 13.40: regular 4.00 discount 3.00 card 2.00 cloud 4.40", "sms 5.00: cloud 5.00",
		}},
		{"S5", wallet.BillingCenter, "0", "0", "50", "0", []string{"logs 13.4", "sms 5"}, []string{"logs 13.40: card 13.40", "sms 5.00: card 5.00"}},
		{"a fund's end lies within a line, in the order of the products", wallet.BillingCenter, "4", "3", "0", "100", []string{"traces 3", "logs 5", "reports 2"}, []string{
			"logs 5.00: regular 4.00 discount 1.00", "reports 2.00: discount 2.00", "traces 3.00: cash 3.00",
		}},
		{"a credit takes back what was paid last", wallet.BillingCenter, "4", "0", "0", "100", []string{"logs 6", "pipeline -3", "traces 2"}, []string{
			"logs 6.00: regular 4.00 cash 2.00", "pipeline -3.00: regular -1.00 cash -2.00", "traces 2.00: regular 1.00 cash 1.00",
		}},
		{"a credit that comes first", wallet.BillingCenter, "4", "0", "0", "100", []string{"logs -3", "traces 10"}, []string{
			"logs -3.00: regular -3.00", "traces 10.00: regular 7.00 cash 3.00",
		}},
		{"a credit that is all", wallet.BillingCenter, "4", "0", "0", "100", []string{"logs -3"}, []string{"logs 0.00:"}},
		{"less than half a fen", wallet.BillingCenter, "4", "0", "0", "0", []string{"logs 0.004"}, []string{"logs 0.00:"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, pay(t, c.method, c.regular, c.discount, c.card, c.cash, c.lines...)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestPlacesAreReadAsTheyAreWritten(t *testing.T) {
	for _, text := range []string{"", "2026-11-01/17/0", "2026-11-01/17/3"} {
		if p, ok := books.ParsePlace(text); !ok || p.String() != text {
			t.Errorf("%q: %+v, %t", text, p, ok)
		}
	}
	for _, text := range []string{"/", "2026-11-01", "2026-13-01/17/3", "2026-11-01/017/3", "2026-11-01/17/3/", "2026-11-01/x/3", "2026-11-01/17/ 3"} {
		if p, ok := books.ParsePlace(text); ok {
			t.Errorf("%q: %+v", text, p)
		}
	}
}
