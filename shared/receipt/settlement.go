package receipt

import (
	"billingcentre/shared/money"
	"billingcentre/shared/wallet"
)

// Bill is a settled bill in brief.
type Bill struct {
	ID        wallet.BillID      `json:"bill_id"`
	Workspace wallet.WorkspaceID `json:"workspace_id"`
	Day       string             `json:"day"`
	Method    wallet.Method      `json:"settlement_method"`
	Exact     string             `json:"exact"`   // what the usage cost
	Payable   string             `json:"payable"` // what was to be paid now: exact and carried, rounded (README rule M2)
	Paid      Paid               `json:"paid"`    // adds up to payable
}

// Paid tells where a bill's payable came from.
type Paid struct {
	Regular  string `json:"regular"`
	Discount string `json:"discount"`
	Card     string `json:"card"`
	Cash     string `json:"cash"`
	Arrears  string `json:"arrears"` // not paid: owed
	Cloud    string `json:"cloud"`   // charged to the linked cloud account
}

// Settlement is a settled bill and its explanation (README rule 22).
type Settlement struct {
	Bill
	Cloud   *wallet.CloudAccount `json:"cloud,omitempty"` // under the method cloud
	Lines   []Line               `json:"lines"`
	Classes []Class              `json:"classes"`
}

// Line is one product's usage and its share of what its class pays. The shares add up to the payable.
type Line struct {
	Product   string `json:"product"`
	Class     string `json:"class"`
	Usage     string `json:"usage"`
	Unit      string `json:"unit"`
	UnitPrice string `json:"unit_price,omitempty"`
	Amount    string `json:"amount"` // exact
	Share     string `json:"share"`
}

// Class tells how one class of a bill was paid.
type Class struct {
	Class         string `json:"class"`
	Exact         string `json:"exact"`
	CarriedBefore string `json:"carried_before"`
	Payable       string `json:"payable"`
	CarriedAfter  string `json:"carried_after"`
	Funds         []Fund `json:"funds"` // every one that was looked at, in order
}

// Fund is what one fund paid, or why it paid nothing.
type Fund struct {
	Fund    string `json:"fund"`           // "lot:<id>", "cash", "arrears" or "cloud"
	Kind    string `json:"kind,omitempty"` // of a lot
	Paid    string `json:"paid"`
	Skipped string `json:"skipped,omitempty"`
}

// Reversal is what left the wallet's books with a reversed bill: where the money went is in the postings.
type Reversal struct {
	Bill    wallet.BillID   `json:"bill_id"`
	Classes []ReversedClass `json:"classes"`
}

// ReversedClass is one class of a reversed bill.
type ReversedClass struct {
	Class        string `json:"class"`
	Exact        string `json:"exact"`
	Payable      string `json:"payable"`
	CarriedAfter string `json:"carried_after"`
}

// CarriedOf is what is carried, by class.
func CarriedOf(carried [2]money.Exact) Carried {
	return Carried{General: carried[wallet.General].String(), Restricted: carried[wallet.Restricted].String()}
}

// BillOf is a settled bill in brief.
func BillOf(s *wallet.Settlement, currency money.Currency) Bill {
	exact, payable := money.ZeroExact(currency), money.Zero(currency)
	for _, class := range s.Classes {
		exact, payable = exact.Add(class.Exact), payable.Add(class.Payable)
	}
	return Bill{
		ID: s.Bill, Workspace: s.Workspace, Day: s.Day, Method: s.Method, Exact: exact.String(), Payable: payable.String(),
		Paid: paidOf(s, currency),
	}
}

func paidOf(s *wallet.Settlement, currency money.Currency) Paid {
	lots := func(kind wallet.LotKind) string { return s.Paid(wallet.InLot, kind, currency).String() }
	place := func(kind wallet.PlaceKind) string { return s.Paid(kind, 0, currency).String() }
	return Paid{
		Regular: lots(wallet.Regular), Discount: lots(wallet.Discount), Card: lots(wallet.Card),
		Cash: place(wallet.InCash), Arrears: place(wallet.InArrears), Cloud: place(wallet.AtCloud),
	}
}

func settlementOf(s *wallet.Settlement, currency money.Currency) *Settlement {
	out := &Settlement{Bill: BillOf(s, currency), Lines: make([]Line, 0, len(s.Lines)), Classes: make([]Class, 0, len(s.Classes))}
	if s.Method == wallet.Cloud {
		out.Cloud = &s.Cloud
	}
	shares := s.Shares(currency)
	for i, l := range s.Lines {
		out.Lines = append(out.Lines, Line{
			Product: l.Product, Class: l.Class.String(), Usage: l.Usage, Unit: l.Unit, UnitPrice: l.UnitPrice,
			Amount: l.Amount.String(), Share: shares[i].String(),
		})
	}
	for _, c := range s.Classes {
		out.Classes = append(out.Classes, classOf(c))
	}
	return out
}

func classOf(c wallet.ClassSettlement) Class {
	class := Class{
		Class: c.Class.String(), Exact: c.Exact.String(), CarriedBefore: c.CarriedBefore.String(),
		Payable: c.Payable.String(), CarriedAfter: c.CarriedAfter.String(), Funds: make([]Fund, 0, len(c.Draws)),
	}
	for _, d := range c.Draws {
		fund := Fund{Fund: d.From.String(), Paid: d.Paid.String(), Skipped: d.Skip.String()}
		if d.From.Kind == wallet.InLot {
			fund.Kind = d.Kind.String()
		}
		class.Funds = append(class.Funds, fund)
	}
	return class
}

func reversalOf(r *wallet.Reversal) *Reversal {
	out := &Reversal{Bill: r.Bill, Classes: make([]ReversedClass, 0, len(r.Classes))}
	for _, c := range r.Classes {
		out.Classes = append(out.Classes, ReversedClass{c.Class.String(), c.Exact.String(), c.Payable.String(), c.CarriedAfter.String()})
	}
	return out
}
