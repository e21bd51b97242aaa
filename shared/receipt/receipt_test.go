package receipt_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"billingcentre/shared/money"
	"billingcentre/shared/receipt"
	"billingcentre/shared/wallet"
)

var now = time.Date(2026, 11, 2, 3, 0, 0, 0, time.UTC)

// journal runs commands on a new wallet and gives the receipts of their entries.
func journal(t *testing.T, commands ...func(entries []wallet.Entry) wallet.Command) []receipt.Receipt {
	t.Helper()
	var head wallet.Head
	var entries []wallet.Entry
	var receipts []receipt.Receipt
	for _, command := range commands {
		change, err := wallet.Decide(head, command(entries), wallet.DefaultPolicy(), now)
		if err != nil {
			t.Fatal(err)
		}
		head = change.Head
		entries = append(entries, change.Entry)
		receipts = append(receipts, receipt.Of(change.Entry))
	}
	return receipts
}

func just(c wallet.Command) func([]wallet.Entry) wallet.Command {
	return func([]wallet.Entry) wallet.Command { return c }
}

func settle(t *testing.T, method wallet.Method, amounts map[string]string) wallet.Settle {
	t.Helper()
	s := wallet.Settle{
		Bill: wallet.Bill{ID: "b-1", Workspace: "ws-1", Day: "2026-11-01", Currency: money.USD}, DayEnd: now.Add(-time.Hour),
		Method: method, Cloud: wallet.CloudAccount{Provider: "aws", Customer: "c-1"},
	}
	for product, amount := range amounts {
		exact, err := money.ParseExact("", amount, money.USD)
		if err != nil {
			t.Fatal(err)
		}
		s.Bill.Lines = append(s.Bill.Lines, wallet.Line{Product: product, Usage: "1", Amount: exact})
	}
	return s
}

func TestACloudSettlementTellsWhatTheCloudPays(t *testing.T) { // README rules 15 and 20
	discount := wallet.Activate{
		Account: "acme", Once: "v", Kind: wallet.Discount, Source: wallet.FromOperator, Face: money.Units(money.USD, 3), MinBill: money.Units(money.USD, 100),
	}
	receipts := journal(t, just(wallet.Open{Account: "acme", Currency: money.USD, Zone: "UTC"}), just(discount),
		just(settle(t, wallet.Cloud, map[string]string{"logs": "13.404", "sms": "5"})))
	voucher := receipts[1].Lots[0]
	if voucher.MinBill != "100.00" || voucher.Kind != "discount" || voucher.Source != "operator" {
		t.Errorf("voucher %+v", voucher)
	}
	got := receipts[2].Settlement
	want := &receipt.Settlement{
		Bill: receipt.Bill{
			ID: "b-1", Workspace: "ws-1", Day: "2026-11-01", Method: wallet.Cloud, Exact: "18.404", Payable: "18.40",
			Paid: receipt.Paid{Regular: "0.00", Discount: "0.00", Card: "0.00", Cash: "0.00", Arrears: "0.00", Cloud: "18.40"},
		},
		Cloud: &wallet.CloudAccount{Provider: "aws", Customer: "c-1"},
		Lines: []receipt.Line{
			{Product: "logs", Class: "general", Usage: "1", Amount: "13.404", Share: "13.40"},
			{Product: "sms", Class: "restricted", Usage: "1", Amount: "5", Share: "5.00"},
		},
		Classes: []receipt.Class{
			{Class: "general", Exact: "13.404", CarriedBefore: "0", Payable: "13.40", CarriedAfter: "0.004", Funds: []receipt.Fund{
				{Fund: "lot:" + voucher.ID, Kind: "discount", Paid: "0.00", Skipped: "below_min_bill_amount"},
				{Fund: "cash", Paid: "0.00", Skipped: "method_excluded"},
				{Fund: "cloud", Paid: "13.40"},
			}},
			{Class: "restricted", Exact: "5", CarriedBefore: "0", Payable: "5.00", CarriedAfter: "0", Funds: []receipt.Fund{
				{Fund: "lot:" + voucher.ID, Kind: "discount", Paid: "0.00", Skipped: "class_excluded"},
				{Fund: "cash", Paid: "0.00", Skipped: "method_excluded"},
				{Fund: "cloud", Paid: "5.00"},
			}},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("settlement (-want +got):\n%s", diff)
	}
	if receipts[2].Balances.Carried.General != "0.004" {
		t.Errorf("balances %+v", receipts[2].Balances)
	}
}

func TestAReversalTellsWhatLeftAndWhereItWent(t *testing.T) { // README rule 21
	receipts := journal(t, just(wallet.Open{Account: "acme", Currency: money.USD, Zone: "UTC"}),
		just(settle(t, wallet.BillingCenter, map[string]string{"logs": "1.006"})),
		func(entries []wallet.Entry) wallet.Command {
			return wallet.Reverse{Settled: entries[1], Once: "r", Reason: "twice", Actor: "olga"}
		})
	got := receipts[2]
	want := &receipt.Reversal{Bill: "b-1", Classes: []receipt.ReversedClass{{Class: "general", Exact: "1.006", Payable: "1.01", CarriedAfter: "0"}}}
	if diff := cmp.Diff(want, got.Reversal); diff != "" {
		t.Errorf("reversal (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]receipt.Posting{{From: "usage", To: "arrears", Amount: "1.01"}}, got.Postings); diff != "" {
		t.Errorf("postings (-want +got):\n%s", diff)
	}
	if got.Settlement != nil || got.Reason != "twice" || got.At != "2026-11-02T03:00:00.000Z" || got.Number != 3 {
		t.Errorf("receipt %+v", got)
	}
}

// A bill's day that costs nothing, and an entry that moves nothing, have empty lists, not absent ones.
func TestNothingIsAnEmptyList(t *testing.T) {
	receipts := journal(t, just(wallet.Open{Account: "acme", Currency: money.USD, Zone: "UTC"}), just(settle(t, wallet.BillingCenter, nil)))
	if s := receipts[1].Settlement; receipts[0].Postings == nil || s.Lines == nil || s.Classes == nil || s.Payable != "0.00" || s.Exact != "0" {
		t.Errorf("settlement %+v", s)
	}
}
