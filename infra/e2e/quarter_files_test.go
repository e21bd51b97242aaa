package e2e

import (
	"encoding/csv"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"
)

const quarterFiles = "testdata/quarter"

var update = flag.Bool("update", false, "write the files of testdata anew")

// What differs from run to run: the seconds that the machine takes, and what providers and random draws name.
var passing = []struct {
	what *regexp.Regexp
	as   string
}{
	{regexp.MustCompile(`(\d{4}-\d\d-\d\d)[ T]\d\d:\d\d(:\d\d)?(\.\d{3}Z)?`), "$1 hh:mm"},
	{regexp.MustCompile(`(\d{4}年\d+月\d+日) \d\d:\d\d`), "$1 hh:mm"},
	{regexp.MustCompile(`\b20\d{26}\b`), "<trade>"},
	{regexp.MustCompile(`\b[0-9a-f]{64}\b`), "<sha256>"},
}

func steady(text string) string {
	for _, p := range passing {
		text = p.what.ReplaceAllString(text, p.as)
	}
	return text
}

// filesAgree exports all that there is in both languages, and looks at the letters.
func (q *quarter) filesAgree() {
	q.t.Helper()
	files := map[string]string{"letters.txt": q.letters()}
	for _, what := range []string{"consumption", "income-and-expenditure", "bills", "monthly-bills", "voucher-details", "card-details", "vouchers", "cards"} {
		for _, language := range []string{"en", "zh"} {
			_, file := q.account.export(what+"-"+language, map[string]string{"what": what, "language": language, "from": firstDay, "to": lastDay})
			files[what+"."+language+".csv"] = file
		}
		q.languagesAgree(what, files[what+".en.csv"], files[what+".zh.csv"])
	}
	for _, month := range []string{"2040-01", "2040-02", "2040-03"} {
		_, file := q.account.export("bill-"+month, map[string]string{"what": "monthly-bill", "language": "zh", "month": month})
		files["monthly-bill."+month+".zh.csv"] = file
	}
	want := consumedBy(q, q.journal())
	for _, name := range []string{"consumption.en.csv", "bills.en.csv"} {
		q.same(name, q.column(files[name], "Payable").String(), want.payable)
		q.same(name+", exactly", q.column(files[name], "Cost, exact").String(), want.exact)
	}
	q.compare(files)
}

// languagesAgree holds the numbers of two files against each other, cell by cell.
func (q *quarter) languagesAgree(what, one, other string) {
	q.t.Helper()
	a, b := q.cells(one), q.cells(other)
	if len(a) != len(b) {
		q.t.Fatalf("%s has %d rows in one language, %d in the other", what, len(a), len(b))
	}
	for i := range a[1:] {
		for j, cell := range a[i+1] {
			if _, err := decimal.NewFromString(cell); err == nil && b[i+1][j] != cell {
				q.t.Errorf("%s: row %d tells %s and %s", what, i+1, cell, b[i+1][j])
			}
		}
	}
}

// column adds up a column.
func (q *quarter) column(file, heading string) decimal.Decimal {
	q.t.Helper()
	rows := q.cells(file)
	at := slices.Index(rows[0], heading)
	if at < 0 {
		q.t.Fatalf("there is no column %q in %q", heading, rows[0])
	}
	sum := decimal.Zero
	for _, row := range rows[1:] {
		sum = sum.Add(q.number(row[at]))
	}
	return sum
}

// cells reads a file as a spreadsheet would.
func (q *quarter) cells(file string) [][]string {
	q.t.Helper()
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(file, "\ufeff"))).ReadAll()
	if err != nil {
		q.t.Fatal(err)
	}
	return rows
}

// letters is what the mailbox holds: each letter once, in the order of its kind, since the bus keeps none.
func (q *quarter) letters() string {
	var letters []string
	for _, mail := range q.stack.Mailbox.Mails() {
		letters = append(letters, fmt.Sprintf("%s\n\n%s", mail.Subject, mail.Plain))
	}
	slices.Sort(letters)
	return strings.Join(letters, "\n----\n")
}

// compare holds files against those that were read by eye.
func (q *quarter) compare(files map[string]string) {
	q.t.Helper()
	for _, name := range slices.Sorted(maps.Keys(files)) {
		path, got := filepath.Join(quarterFiles, name), steady(files[name])
		if *update {
			if err := os.MkdirAll(quarterFiles, 0o755); err != nil {
				q.t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
				q.t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(path)
		if err != nil {
			q.t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			q.t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
