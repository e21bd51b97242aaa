package e2e

import (
	"net/url"
	"testing"

	"github.com/shopspring/decimal"

	"billingcentre/infra/demo/centre"
	"billingcentre/shared/money"
	"billingcentre/shared/receipt"
	"billingcentre/shared/wallet"
)

const (
	day  = "2024-09-01"
	from = "2024-08-01T00:00:00Z"
)

// account is a billing account of a test, and who acts on it.
type account struct {
	t        *testing.T
	id       string
	currency string
	centre   *centre.Centre
	operator *centre.Caller
	owner    *centre.Caller
}

// open opens an account whose days are UTC's.
func open(t *testing.T, id, currency string) *account {
	t.Helper()
	a := &account{t: t, id: id, currency: currency, centre: client(t)}
	a.operator, a.owner = a.as("operator"), a.as("owner")
	a.post(a.operator, "/v1/accounts", "", map[string]string{"account_id": id, "name": id, "currency": currency, "time_zone": "UTC"}, nil)
	return a
}

func (a *account) as(role string) *centre.Caller {
	a.t.Helper()
	c, err := a.centre.As(role, a.id)
	if err != nil {
		a.t.Fatal(err)
	}
	return c
}

func (a *account) path(rest string) string { return "/v1/accounts/" + a.id + rest }

func (a *account) desk(rest string) string { return "/v1/operator/accounts/" + a.id + rest }

func (a *account) post(c *centre.Caller, path, once string, body, into any) (repeated bool) {
	a.t.Helper()
	repeated, err := c.Post(a.t.Context(), path, once, body, into)
	if err != nil {
		a.t.Fatal(err)
	}
	return repeated
}

func (a *account) get(path string, into any) {
	a.t.Helper()
	if err := a.owner.Get(a.t.Context(), path, into); err != nil {
		a.t.Fatal(err)
	}
}

func (a *account) cash(amount string) {
	a.t.Helper()
	a.post(a.operator, a.desk("/adjustments"), a.id+"-cash", map[string]string{"direction": "credit", "amount": amount, "reason": "test"}, nil)
}

func (a *account) voucher(kind, face string) {
	a.t.Helper()
	a.post(a.operator, a.desk("/vouchers"), a.id+"-"+kind, map[string]string{"kind": kind, "face_value": face, "reason": "test"}, nil)
}

// card gives the account one card with a balance: the next multiple of 100, less a package bought with it.
func (a *account) card(balance string) {
	a.t.Helper()
	left, err := decimal.NewFromString(balance)
	if err != nil {
		a.t.Fatal(err)
	}
	hundred := decimal.NewFromInt(100)
	face := left.Div(hundred).Ceil().Mul(hundred)
	var given struct {
		Card receipt.Lot `json:"card"`
	}
	a.post(a.operator, a.desk("/cards"), a.id+"-card", map[string]string{"face_value": face.StringFixed(2), "reason": "test"}, &given)
	if spent := face.Sub(left); spent.IsPositive() {
		a.post(a.owner, a.path("/prepaid-orders"), a.id+"-package",
			map[string]any{"amount": spent.StringFixed(2), "cards": []string{given.Card.ID}, "item": "package"}, nil)
	}
}

// bind binds a workspace from long ago on.
func (a *account) bind(workspace string) {
	a.t.Helper()
	a.post(a.operator, a.path("/workspaces"), "", map[string]string{"workspace_id": workspace, "from": from}, nil)
}

// bill is a bill of the account's currency with one line.
func (a *account) bill(id, workspace, product, amount string) wallet.Bill {
	a.t.Helper()
	return wallet.Bill{ID: wallet.BillID(id), Workspace: wallet.WorkspaceID(workspace), Day: day, Currency: money.Currency(a.currency), Lines: []wallet.Line{
		{Product: product, Usage: "1", Unit: "unit", Amount: exact(a.t, amount, a.currency)},
	}}
}

func exact(t *testing.T, text, currency string) money.Exact {
	t.Helper()
	e, err := money.ParseExact("", text, money.Currency(currency))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// send puts bills on the queue and returns the messages' ids.
func (a *account) send(bills ...wallet.Bill) map[string]wallet.BillID {
	a.t.Helper()
	ids, err := a.centre.Send(a.t.Context(), bills, nil)
	if err != nil {
		a.t.Fatal(err)
	}
	return ids
}

// settled waits until a bill is settled on the account.
func (a *account) settled(id wallet.BillID) receipt.Receipt {
	a.t.Helper()
	var answer struct {
		Receipt receipt.Receipt `json:"receipt"`
	}
	await(a.t, "bill "+string(id)+" is settled", func() (bool, error) {
		err := a.owner.Get(a.t.Context(), a.path("/bills/"+url.PathEscape(string(id))), &answer)
		if gone(err) {
			return false, nil
		}
		return err == nil, err
	})
	return answer.Receipt
}

// quarantined waits until a message is in quarantine.
func (a *account) quarantined(message string) centre.Kept {
	a.t.Helper()
	var kept centre.Kept
	await(a.t, "message "+message+" is in quarantine", func() (bool, error) {
		err := a.operator.Get(a.t.Context(), "/v1/operator/quarantine/"+message, &kept)
		if gone(err) {
			return false, nil
		}
		return err == nil, err
	})
	return kept
}

func (a *account) wallet() centre.Wallet {
	a.t.Helper()
	w, err := a.owner.Wallet(a.t.Context(), a.id)
	if err != nil {
		a.t.Fatal(err)
	}
	return w
}

func (a *account) bills() []centre.Bill {
	a.t.Helper()
	all, err := a.owner.Bills(a.t.Context(), a.id)
	if err != nil {
		a.t.Fatal(err)
	}
	return all
}

// sum adds up amounts of each bill.
func sum(t *testing.T, bills []centre.Bill, of func(centre.Bill) []string) string {
	t.Helper()
	var amounts []string
	for _, b := range bills {
		amounts = append(amounts, of(b)...)
	}
	return plus(t, amounts...)
}

// plus is the exact sum of amounts.
func plus(t *testing.T, amounts ...string) string {
	t.Helper()
	total := decimal.Zero
	for _, text := range amounts {
		value, err := decimal.NewFromString(text)
		if err != nil {
			t.Fatal(err)
		}
		total = total.Add(value)
	}
	return total.String()
}
