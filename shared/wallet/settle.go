package wallet

import (
	"cmp"
	"crypto/sha256"
	"slices"
	"strings"
	"time"

	"billingcentre/shared/money"
	"billingcentre/shared/refusal"
)

// BillID names a usage bill, uniquely over all accounts (README rule 18).
type BillID string

// WorkspaceID names the place where usage happens.
type WorkspaceID string

// Method is how a workspace's bills are settled.
type Method string

// The settlement methods (README rule 15).
const (
	BillingCenter Method = "billing_center" // the wallet pays everything
	Cloud         Method = "cloud"          // vouchers and cards first, the linked cloud account the rest
)

// CloudAccount is the marketplace account that pays the remainder under Cloud.
type CloudAccount struct {
	Provider string `json:"provider"` // aws, alibaba, huawei, ...
	Customer string `json:"customer"` // the provider's id of the customer
}

// Bill is one workspace's usage of one day.
type Bill struct {
	ID        BillID
	Workspace WorkspaceID
	Day       string // YYYY-MM-DD, a day of the account's time zone
	Currency  money.Currency
	Lines     []Line
}

// Line is one product's usage.
type Line struct {
	Product   string
	Usage     string // a decimal, as told
	Unit      string
	UnitPrice string // a decimal, or empty when not told
	Amount    money.Exact
	Class     Class // set when the bill is settled
}

// Settle pays a bill (README rules 14 to 22).
type Settle struct {
	Bill   Bill
	DayEnd time.Time // the first instant after the bill's day
	Method Method    // of the workspace at the day's end
	Cloud  CloudAccount
}

// Key is the bill's: it settles once, ever.
func (c Settle) Key() Key { return BillKey(c.Bill.ID) }

// BillKey is the key of the entry that settles a bill.
func BillKey(bill BillID) Key { return Key("bill:" + bill) }

// Fingerprint is what the producer means, not how it was written: lines are sorted and decimals normalised, and
// nothing that we know about the workspace is in it.
func (c Settle) Fingerprint() Fingerprint {
	lines := slices.Clone(c.Bill.Lines)
	for i, l := range lines {
		lines[i].Usage, lines[i].UnitPrice = normalised(l.Usage), normalised(l.UnitPrice)
	}
	SortLines(lines)
	b := make([]byte, 0, 128+96*len(lines))
	for _, f := range [...]string{"bill", "1", string(c.Bill.ID), string(c.Bill.Workspace), c.Bill.Day, string(c.Bill.Currency)} {
		b = appendField(b, f)
	}
	for _, l := range lines {
		for _, f := range [...]string{l.Product, l.Usage, l.Unit, l.UnitPrice} {
			b = appendField(b, f)
		}
		var text [64]byte
		b = appendField(b, l.Amount.Append(text[:0]))
	}
	return sha256.Sum256(b)
}

// normalised is a decimal's canonical form: "45.0" says what "45" says. What isn't a decimal stays as it was told.
func normalised(number string) string {
	if normal, err := money.Normal("", number); err == nil {
		return normal
	}
	return number
}

// SortLines brings lines into the order in which they are settled and told. Lines that are in it already take no time.
func SortLines(lines []Line) { slices.SortFunc(lines, lineOrder) }

// lineOrder is total over what a line says, largest amount first within a product.
func lineOrder(a, b Line) int {
	if by := cmp.Or(strings.Compare(a.Product, b.Product), strings.Compare(a.Usage, b.Usage)); by != 0 {
		return by // mostly, and decimals take longer to compare than all the rest
	}
	return cmp.Or(b.Amount.Cmp(a.Amount), strings.Compare(a.Unit, b.Unit), strings.Compare(a.UnitPrice, b.UnitPrice))
}

// Settlement is the answer to a bill, and its explanation (README rule 22).
type Settlement struct {
	Bill      BillID
	Workspace WorkspaceID
	Day       string
	Method    Method
	Cloud     CloudAccount // Method Cloud only
	Lines     []Line
	Classes   []ClassSettlement // those that the bill has lines of, in order
}

// ClassSettlement tells how one class of a bill was paid.
type ClassSettlement struct {
	Class         Class
	Exact         money.Exact // what the lines cost
	CarriedBefore money.Exact
	Payable       money.Amount
	CarriedAfter  money.Exact // Exact + CarriedBefore - Payable
	Draws         []Draw      // every fund that was looked at, in order
}

// Draw is what one fund gave, or why it gave nothing.
type Draw struct {
	From Place
	Kind LotKind // InLot only
	Paid money.Amount
	Skip Skip
}

// Skip is why a fund gave nothing.
type Skip uint8

// The reasons. Their numbers are stored: never renumber.
const (
	NotSkipped     Skip = iota
	SkipClass           // vouchers never pay restricted products (README rule 15)
	SkipBeforeDay       // it expired before the day ended (README rule 19)
	SkipAfterGrace      // it expired, and the night's grace is over (README rule 19)
	SkipMinBill         // the bill is below the voucher's least payable (README rule 7)
	SkipPaid            // nothing was left to pay
	SkipMethod          // under cloud, cash is untouched (README rule 15)
	SkipEmpty           // there is nothing left in it
)

var skips = [...]string{"", "class_excluded", "expired_before_day_end", "expired", "below_min_bill_amount", "nothing_left_to_pay", "method_excluded", "empty"}

func (s Skip) String() string { return skips[s] }

func (c Settle) decide(d *draft) error {
	if err := c.admissible(d); err != nil {
		return err
	}
	s := &Settlement{
		Bill: c.Bill.ID, Workspace: c.Bill.Workspace, Day: c.Bill.Day, Method: c.Method,
		Lines: slices.Clone(c.Bill.Lines),
	}
	if c.Method == Cloud {
		s.Cloud = c.Cloud
	}
	SortLines(s.Lines)
	for i := range s.Lines {
		s.Lines[i].Class = d.policy.ClassOf(s.Lines[i].Product)
	}
	for _, class := range Classes {
		cost, any := s.cost(class, d.head.Currency)
		if !any {
			continue
		}
		if cost.Cmp(money.Units(d.head.Currency, -d.policy.CreditFloor).Exact()) < 0 {
			return refusal.Of(refusal.NotApplicable, "The %s lines sum up to %s, below the floor of %d.00 for credits.", class, cost, -d.policy.CreditFloor)
		}
		due := cost.Add(d.head.Carried[class])
		payable, ok := due.Payable()
		if !ok {
			return refusal.Of(refusal.NotApplicable, "The %s lines cost more than a wallet can hold.", class)
		}
		s.Classes = append(s.Classes, ClassSettlement{
			Class: class, Exact: cost, CarriedBefore: d.head.Carried[class], Payable: payable, CarriedAfter: due.Sub(payable.Exact()),
		})
	}
	d.entry.Kind, d.entry.Actor, d.entry.Settlement = Settled, "bill-settlement", s
	for i := range s.Classes {
		class := &s.Classes[i]
		class.Draws = c.burnDown(d, class.Class, class.Payable)
		d.head.Carried[class.Class] = class.CarriedAfter
	}
	return nil
}

// admissible refuses bills that can't be settled on this wallet, now or ever.
func (c Settle) admissible(d *draft) error {
	switch {
	case c.Method != BillingCenter && c.Method != Cloud:
		return refusal.Of(refusal.NotApplicable, "There is no settlement method %q.", c.Method)
	case c.Bill.Currency != d.head.Currency:
		return refusal.Of(refusal.NotApplicable, "The bill is in %s, the account in %s.", c.Bill.Currency, d.head.Currency)
	case d.now.Before(c.DayEnd):
		early := refusal.Of(refusal.TooEarly, "The day %s ends at %s.", c.Bill.Day, c.DayEnd.UTC().Format(time.RFC3339))
		early.RetryAfter = int(c.DayEnd.Sub(d.now)/time.Second) + 1
		return early
	case d.policy.MaxBillAge > 0 && d.now.Sub(c.DayEnd) > d.policy.MaxBillAge:
		return refusal.Of(refusal.NotApplicable, "The day %s is longer ago than bills may be late.", c.Bill.Day)
	}
	return nil
}

// cost sums up the lines of a class; any tells whether there is one.
func (s *Settlement) cost(class Class, currency money.Currency) (sum money.Exact, any bool) {
	sum = money.ZeroExact(currency)
	for _, l := range s.Lines {
		if l.Class == class {
			sum, any = sum.Add(l.Amount), true
		}
	}
	return sum, any
}

// Paid is what places of a kind paid for the bill: InLot counts the lots of one kind only.
func (s *Settlement) Paid(from PlaceKind, lots LotKind, currency money.Currency) money.Amount {
	sum := money.Zero(currency)
	for _, class := range s.Classes {
		for _, draw := range class.Draws {
			if draw.From.Kind == from && (from != InLot || draw.Kind == lots) {
				sum = sum.Add(draw.Paid)
			}
		}
	}
	return sum
}

// Shares tells what each line pays of its class's payable, in the order of Lines: exact × payable ÷ class sum,
// rounded down, and the remainder to the largest lines (then by product, usage, amount); the shares add up to the
// payable. Where that can't be said, the first line in that order bears all (README rule M2).
func (s *Settlement) Shares(currency money.Currency) []money.Amount {
	shares := make([]money.Amount, len(s.Lines))
	for i := range shares {
		shares[i] = money.Zero(currency)
	}
	for _, class := range s.Classes {
		if class.Payable.IsPositive() {
			s.share(class, shares)
		}
	}
	return shares
}

func (s *Settlement) share(class ClassSettlement, shares []money.Amount) {
	var lines []int
	for i, l := range s.Lines {
		if l.Class == class.Class {
			lines = append(lines, i)
		}
	}
	slices.SortStableFunc(lines, func(a, b int) int {
		return cmp.Or(s.Lines[b].Amount.Cmp(s.Lines[a].Amount), lineOrder(s.Lines[a], s.Lines[b]))
	})
	one := money.Of(class.Payable.Currency(), 1)
	left := class.Payable
	for _, i := range lines {
		share, ok := money.Share(s.Lines[i].Amount, class.Exact, class.Payable)
		if ok {
			shares[i] = share
			left = left.Sub(share) // both are within the limit, so this can't overflow, and the next one must not
		}
		if !ok || !left.WithinLimit() || class.Exact.Sign() < 0 {
			for _, j := range lines {
				shares[j] = money.Zero(one.Currency())
			}
			shares[lines[0]] = class.Payable
			return
		}
	}
	for k := 0; left.IsPositive(); k, left = k+1, left.Sub(one) {
		i := lines[k%len(lines)]
		shares[i] = shares[i].Add(one)
	}
}
