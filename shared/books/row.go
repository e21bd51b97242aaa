package books

import (
	"time"

	"billingcentre/shared/money"
	"billingcentre/shared/wallet"
)

// Row is one line of a settled bill and who paid for it (README rules 15 and 22). The row of a reversed bill's line says
// the same with all its amounts negative: whoever adds up rows needn't know about reversals.
type Row struct {
	Day       string // of the usage, YYYY-MM-DD
	Workspace wallet.WorkspaceID
	Product   string
	Class     wallet.Class
	Usage     string // a decimal, as told; of a reversal too, where it is taken away
	Unit      string
	UnitPrice string       // a decimal, or empty when not told
	Exact     money.Exact  // what it cost, to the last decimal; below 0 for a credit
	Payable   money.Amount // its share of its class's payable (README rule M2)
	Paid      Paid         // adds up to Payable
	Method    wallet.Method
	Cloud     wallet.CloudAccount // Method cloud only

	Bill     wallet.BillID
	Entry    int64 // number of the entry in the account
	Line     int   // place of the line in the entry, from 0
	Booked   time.Time
	Reversal bool // it takes away what an earlier row of the same bill says
}

// Place is the row's place in lists.
func (r Row) Place() Place { return Place{r.Day, r.Entry, r.Line} }

// Paid tells which funds paid. Amounts are below zero where something is taken away.
type Paid struct {
	Regular  money.Amount // regular vouchers
	Discount money.Amount // discount vouchers
	Card     money.Amount // prepaid cards
	Cash     money.Amount
	Arrears  money.Amount // not paid: owed, as it was settled
	Cloud    money.Amount // charged to the linked cloud account
}

// RowsOf gives the rows of an entry, in the order of its bill's lines. settled is the entry that settled the bill, for one
// that reverses it; all other entries have no rows.
//
// A bill's funds pay its classes, not its lines. Who paid for a line is told by a waterfall, the same whenever it is
// asked: the class's lines, in the order in which its entry has them (by product, then usage), are laid end to end, each
// as long as its payable; so are the funds, in the order in which they paid (README rule 15); and a fund paid for the
// part of a line that it lies beside. So lines add up to what each fund paid, to the fen.
func RowsOf(entry wallet.Entry, settled *wallet.Entry) []Row { panic("soon") }
