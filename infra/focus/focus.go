// Package focus turns a file of FOCUS, the open standard for cloud usage bills (versions 1.0 to 1.2, CSV, gzipped or
// not), into the usage bills that the centre settles.
//
//	SubAccountId            → workspace
//	ChargePeriodStart       → billing day, in UTC; in files that this centre has exported, x_UsageDay
//	ServiceName             → product
//	BilledCost              → amount, exact
//	ConsumedQuantity, ConsumedUnit   → usage, unit
//
// One bill is one sub-account's one day; its lines are that day's products, each unit a line of its own, summed
// exactly. Rows are streamed: what is kept is the bills.
//
// A bill's id is focus:<billing account>:<sub-account>:<day>:<file>, where <file> tells by content which file it came
// from, whatever the order of its rows. So the same file sent again, shuffled or not, is the same bills, which the
// centre settles once; the same day in another file is a further bill. The other side of it: a file of which rows
// were mended is another file. Mended rows belong into a file of their own.
//
// A row that can't be billed is told, with its line and the reason, and the rest goes on. Nothing is guessed.
package focus

import (
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/shopspring/decimal"

	"billingcentre/shared/bill"
	"billingcentre/shared/money"
	"billingcentre/shared/wallet"
)

// Problem is a row that isn't billed, or a bill that its rows don't make.
type Problem struct {
	Line   int    // of the file, where the row begins; the header is line 1
	Reason string // for people
}

func (p Problem) String() string { return fmt.Sprintf("line %d: %s", p.Line, p.Reason) }

// Import is what a file holds.
type Import struct {
	Bills    []wallet.Bill // by day, workspace and id
	File     string        // the file's mark in the ids of its bills
	Rows     int           // without the header, bad ones included
	Problems int
	Exact    map[money.Currency]money.Exact // what the bills add up to
}

// Workspaces are those that the bills are of, with the first day of each.
func (i *Import) Workspaces() map[wallet.WorkspaceID]string {
	first := map[wallet.WorkspaceID]string{}
	for _, b := range i.Bills {
		if day, seen := first[b.Workspace]; !seen || b.Day < day {
			first[b.Workspace] = b.Day
		}
	}
	return first
}

// Lines is the number of lines of all bills.
func (i *Import) Lines() int {
	n := 0
	for _, b := range i.Bills {
		n += len(b.Lines)
	}
	return n
}

// Read reads a file, plain or gzipped. Each problem is handed to tell, in the file's order; nil drops them. An error
// means that the file as a whole can't be read, and that nothing of it should be billed.
func Read(file io.Reader, tell func(Problem)) (*Import, error) {
	text, err := plain(file)
	if err != nil {
		return nil, fmt.Errorf("read the FOCUS file: %w", err)
	}
	guard := &guard{from: text}
	rows := csv.NewReader(guard)
	rows.FieldsPerRecord, rows.ReuseRecord = -1, true
	header, err := rows.Read()
	if err != nil {
		return nil, fmt.Errorf("read the FOCUS file's header: %w", emptyIfEOF(err))
	}
	columns, err := columnsOf(header)
	if err != nil {
		return nil, err
	}
	r := &reading{columns: columns, tell: tell, mark: newMark(columns.names), groups: map[group]*charges{}}
	for {
		guard.row()
		fields, err := rows.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if _, syntax := errors.AsType[*csv.ParseError](err); err != nil && !syntax {
			return nil, fmt.Errorf("read the FOCUS file after %d rows: %w", r.rows, err)
		}
		r.take(rows, fields, err)
	}
	return r.done(), nil
}

func emptyIfEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return errors.New("the file is empty")
	}
	return err
}

// reading is a file on its way to bills.
type reading struct {
	columns  *columns
	tell     func(Problem)
	rows     int
	problems int
	mark     *mark
	groups   map[group]*charges
}

// group is what one bill is of.
type group struct{ account, subAccount, day string }

// charges are the rows of a group, added up by what is one line of a bill.
type charges struct {
	line int // the first row's, for problems that show when all rows are added up
	sums map[item]*sum
}

type item struct {
	currency      money.Currency
	product, unit string
}

type sum struct{ cost, usage decimal.Decimal }

func (r *reading) problem(line int, reason string) {
	r.problems++
	if r.tell != nil {
		r.tell(Problem{line, reason})
	}
}

// take adds a row to its bill.
func (r *reading) take(rows *csv.Reader, fields []string, err error) {
	r.rows++
	if syntax, ok := errors.AsType[*csv.ParseError](err); ok {
		r.problem(syntax.StartLine, syntax.Err.Error())
		return
	}
	line, _ := rows.FieldPos(0)
	charge, err := r.columns.charge(fields)
	if err != nil {
		r.problem(line, err.Error())
		return
	}
	r.mark.add(fields)
	c := r.groups[charge.group]
	if c == nil {
		c = &charges{line: line, sums: map[item]*sum{}}
		r.groups[charge.group] = c
	}
	s := c.sums[charge.item]
	if s == nil {
		s = &sum{}
		c.sums[charge.item] = s
	}
	s.cost, s.usage = s.cost.Add(charge.cost), s.usage.Add(charge.usage)
}

func (r *reading) done() *Import {
	i := &Import{File: r.mark.String(), Rows: r.rows, Exact: map[money.Currency]money.Exact{}}
	for _, g := range slices.SortedFunc(maps.Keys(r.groups), group.compare) {
		bills, err := r.groups[g].bills(g, i.File)
		if err != nil {
			r.problem(r.groups[g].line, fmt.Sprintf("the bill of %s on %s, which begins here: %v", g.subAccount, g.day, err))
			continue
		}
		for _, b := range bills {
			total, seen := i.Exact[b.Currency]
			if !seen {
				total = money.ZeroExact(b.Currency)
			}
			i.Exact[b.Currency] = total.Add(bill.Total(b))
		}
		i.Bills = append(i.Bills, bills...)
	}
	i.Problems = r.problems
	return i
}

func (g group) compare(o group) int {
	return cmp.Or(cmp.Compare(g.day, o.day), cmp.Compare(g.subAccount, o.subAccount), cmp.Compare(g.account, o.account))
}

// mostLines is the most that a bill message takes.
const mostLines = 1_000

// bills are a group's: one, as a rule. Further currencies, and lines beyond what one message takes, become further
// bills, numbered; the order of the lines, and so the numbers, doesn't depend on the order of the rows.
func (c *charges) bills(g group, file string) ([]wallet.Bill, error) {
	items := slices.SortedFunc(maps.Keys(c.sums), item.compare)
	var bills []wallet.Bill
	for _, item := range items {
		line, err := c.sums[item].line(item)
		if err != nil {
			return nil, err
		}
		last := len(bills) - 1
		if last < 0 || bills[last].Currency != item.currency || len(bills[last].Lines) == mostLines {
			bills = append(bills, wallet.Bill{Workspace: workspaceOf(g.subAccount), Day: g.day, Currency: item.currency})
			last++
		}
		bills[last].Lines = append(bills[last].Lines, line)
	}
	for n := range bills {
		bills[n].ID = billOf(g, file, n)
	}
	return bills, nil
}

func (i item) compare(o item) int {
	return cmp.Or(cmp.Compare(i.currency, o.currency), cmp.Compare(i.product, o.product), cmp.Compare(i.unit, o.unit))
}

func (s *sum) line(i item) (wallet.Line, error) {
	amount, err := money.ParseExact("BilledCost", s.cost.String(), i.currency)
	if err != nil {
		return wallet.Line{}, fmt.Errorf("%s adds up to %s, which is beyond a bill", i.product, s.cost)
	}
	if _, err := money.ParseExact("ConsumedQuantity", s.usage.String(), i.currency); err != nil {
		return wallet.Line{}, fmt.Errorf("the usage of %s adds up to %s, which is beyond a bill", i.product, s.usage)
	}
	return wallet.Line{Product: i.product, Usage: s.usage.String(), Unit: i.unit, Amount: amount}, nil
}
