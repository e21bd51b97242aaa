package focus_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"billingcentre/infra/focus"
	"billingcentre/infra/focus/sample"
	"billingcentre/shared/bill"
	"billingcentre/shared/money"
	"billingcentre/shared/wallet"
)

const header = "BilledCost,BillingCurrency,BillingAccountId,SubAccountId,ChargePeriodStart,ServiceName,ConsumedQuantity,ConsumedUnit\n"

// row is a good one; a change is "Column=value".
func row(changes ...string) string {
	columns := strings.Split(strings.TrimSpace(header), ",")
	values := []string{"0.5", "USD", "acc", "sub", "2024-09-18 22:00:00", "Storage", "3", "GB"}
	for _, change := range changes {
		name, value, _ := strings.Cut(change, "=")
		for i, column := range columns {
			if column == name {
				values[i] = value
			}
		}
	}
	return strings.Join(values, ",") + "\n"
}

func read(t testing.TB, text string) (*focus.Import, []string) {
	t.Helper()
	var problems []string
	got, err := focus.Read(strings.NewReader(text), func(p focus.Problem) { problems = append(problems, p.String()) })
	if err != nil {
		t.Fatal(err)
	}
	if got.Problems != len(problems) {
		t.Errorf("%d problems counted, %d told", got.Problems, len(problems))
	}
	return got, problems
}

// shown is a bill in a line: what tests compare.
func shown(b wallet.Bill) string {
	var lines []string
	for _, l := range b.Lines {
		lines = append(lines, fmt.Sprintf("%s %s %s = %s", l.Product, l.Usage, l.Unit, l.Amount))
	}
	return fmt.Sprintf("%s %s %s: %s", b.Workspace, b.Day, b.Currency, strings.Join(lines, ", "))
}

func TestTheSampleIsReadToTheLastDecimal(t *testing.T) {
	got, err := focus.Read(sample.File(), func(p focus.Problem) { t.Error(p) })
	if err != nil {
		t.Fatal(err)
	}
	total := got.Exact[money.USD].String()
	if got.Rows != 1000 || len(got.Bills) != 477 || len(got.Workspaces()) != 73 || total != "20.52022672899" {
		t.Errorf("%d rows, %d bills, %d workspaces, %s", got.Rows, len(got.Bills), len(got.Workspaces()), total)
	}
	seen := map[wallet.BillID]bool{}
	for _, b := range got.Bills {
		if seen[b.ID] {
			t.Errorf("two bills are %s", b.ID)
		}
		seen[b.ID] = true
		again, err := bill.Decode(bill.Encode(b))
		if err != nil {
			t.Fatalf("%s: the centre wouldn't take it: %v", b.ID, err)
		}
		wallet.SortLines(b.Lines)
		if diff := cmp.Diff(shown(b), shown(again)); diff != "" {
			t.Error(diff)
		}
	}
}

func TestRowsOfOneDayAndWorkspaceAreOneBill(t *testing.T) {
	got, problems := read(t, header+
		row("BilledCost=0.00000080000")+
		row("BilledCost=1E-7", "ConsumedQuantity=2.000000000000000")+
		row("ConsumedUnit=Hours", "BilledCost=0")+
		row("ChargePeriodStart=2024-09-18T23:59:59Z", "ServiceName=Compute", "BilledCost=-1.5e1", "ConsumedQuantity=NULL", "ConsumedUnit=")+
		row("ChargePeriodStart=2024-09-19 00:00:00")+
		row("SubAccountId=other"))
	want := []string{
		"other 2024-09-18 USD: Storage 3 GB = 0.5",
		"sub 2024-09-18 USD: Compute 0  = -15, Storage 5 GB = 0.0000009, Storage 3 Hours = 0",
		"sub 2024-09-19 USD: Storage 3 GB = 0.5",
	}
	var bills []string
	for _, b := range got.Bills {
		bills = append(bills, shown(b))
	}
	if diff := cmp.Diff(want, bills); diff != "" || len(problems) > 0 {
		t.Error(diff, problems)
	}
}

func TestFormsOfTheSameFile(t *testing.T) {
	want, _ := read(t, header+row()+row("BilledCost=7", "SubAccountId=b"))
	for name, text := range map[string]string{
		"with a byte order mark": "\ufeff" + header + row() + row("BilledCost=7", "SubAccountId=b"),
		"with CRLF":              strings.ReplaceAll(header+row()+row("BilledCost=7", "SubAccountId=b"), "\n", "\r\n"),
		"without a last newline": strings.TrimSuffix(header+row()+row("BilledCost=7", "SubAccountId=b"), "\n"),
		"quoted":                 strings.ReplaceAll(header+row()+row("BilledCost=7", "SubAccountId=b"), "Storage", `"Storage"`),
		"shuffled":               header + row("BilledCost=7", "SubAccountId=b") + row(),
		"gzipped":                zipped(header + row() + row("BilledCost=7", "SubAccountId=b")),
		"columns turned round":   turned(header) + turned(row()) + turned(row("BilledCost=7", "SubAccountId=b")),
		"with a bad row":         header + row() + row("BilledCost=much") + row("BilledCost=7", "SubAccountId=b"),
	} {
		t.Run(name, func(t *testing.T) {
			got, _ := read(t, text)
			if diff := cmp.Diff(ids(want), ids(got)); diff != "" {
				t.Error(diff)
			}
		})
	}
	for name, text := range map[string]string{
		"a row twice":         header + row() + row() + row("BilledCost=7", "SubAccountId=b"),
		"another row":         header + row() + row("BilledCost=8", "SubAccountId=b"),
		"another description": strings.ReplaceAll(header+row()+row("BilledCost=7", "SubAccountId=b"), "\n", ",more\n"),
	} {
		t.Run(name+" is another file", func(t *testing.T) {
			if got, _ := read(t, text); got.File == want.File {
				t.Errorf("both are %s", got.File)
			}
		})
	}
}

func ids(i *focus.Import) []wallet.BillID {
	var all []wallet.BillID
	for _, b := range i.Bills {
		all = append(all, b.ID)
	}
	return all
}

func zipped(text string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = io.WriteString(w, text)
	_ = w.Close()
	return b.String()
}

func turned(line string) string {
	fields := strings.Split(strings.TrimSuffix(line, "\n"), ",")
	out := make([]string, len(fields))
	for i, f := range fields {
		out[len(fields)-1-i] = f
	}
	return strings.Join(out, ",") + "\n"
}

func TestBadRowsAreToldAndTheRestGoesOn(t *testing.T) {
	for name, c := range map[string]struct{ row, want string }{
		"no cost":                   {row("BilledCost=NULL"), `BilledCost is no number: ""`},
		"a cost in words":           {row("BilledCost=free"), `BilledCost is no number: "free"`},
		"a comma in a cost":         {row(`BilledCost="1,5"`), `BilledCost is no number: "1,5"`},
		"infinity":                  {row("BilledCost=Inf"), `BilledCost is no number: "Inf"`},
		"hexadecimal":               {row("BilledCost=0x10"), `BilledCost is no number: "0x10"`},
		"other digits":              {row("BilledCost=１"), `BilledCost is no number: "１"`},
		"nineteen decimals":         {row("BilledCost=1e-19"), "BilledCost has more than 18 decimals: 1e-19"},
		"a vast exponent":           {row("BilledCost=1e999"), "BilledCost has more than 15 digits before the point: 1e999"},
		"a tiny exponent":           {row("BilledCost=1e-999"), "BilledCost has more than 18 decimals: 1e-999"},
		"sixteen digits":            {row("BilledCost=1234567890123456"), "BilledCost has more than 15 digits before the point: 1234567890123456"},
		"usage in words":            {row("ConsumedQuantity=some"), `ConsumedQuantity is no number: "some"`},
		"no currency":               {row("BillingCurrency="), `BillingCurrency "" isn't one that is billed in`},
		"an unknown currency":       {row("BillingCurrency=XXX"), `BillingCurrency "XXX" isn't one that is billed in`},
		"nobody to bill":            {row("SubAccountId=NULL"), "SubAccountId is empty: nobody to bill"},
		"no billing account":        {row("BillingAccountId="), "BillingAccountId is empty: nobody to bill"},
		"no product":                {row("ServiceName=null"), "ServiceName is empty"},
		"a product that is a novel": {row("ServiceName=" + strings.Repeat("a", 129)), "ServiceName has more than 128 characters"},
		"a hidden character":        {row("ServiceName=a\u200bb"), `ServiceName has characters that can't be shown: "a\u200bb"`},
		"no time":                   {row("ChargePeriodStart="), `ChargePeriodStart isn't an instant such as 2024-09-18T22:00:00Z: ""`},
		"a day that isn't":          {row("ChargePeriodStart=2024-02-30"), `ChargePeriodStart isn't an instant such as 2024-09-18T22:00:00Z: "2024-02-30"`},
		"a field too few":           {"0.5,USD,acc\n", "has 3 fields, where the header has 8"},
		"a stray quote":             {row(`ServiceName=a"b`), `bare " in non-quoted-field`},
	} {
		t.Run(name, func(t *testing.T) {
			got, problems := read(t, header+row()+c.row+row("SubAccountId=after"))
			if diff := cmp.Diff([]string{"line 3: " + c.want}, problems); diff != "" {
				t.Error(diff)
			}
			if len(got.Bills) != 2 || got.Rows != 3 {
				t.Errorf("%d bills of %d rows, want the 2 of the good rows", len(got.Bills), got.Rows)
			}
		})
	}
}

func TestLineNumbersCountTheLinesOfQuotedFields(t *testing.T) {
	_, problems := read(t, "Tags,"+header+"\"{\n\n}\","+row()+"x,"+row("BilledCost=free"))
	if diff := cmp.Diff([]string{`line 5: BilledCost is no number: "free"`}, problems); diff != "" {
		t.Error(diff)
	}
}

func TestDatesAreDaysInUTC(t *testing.T) {
	for text, want := range map[string]string{
		"2024-09-18 22:00:00":           "2024-09-18",
		"2024-09-18T22:00:00Z":          "2024-09-18",
		"2024-09-18T22:00:00":           "2024-09-18",
		"2024-09-18T22:00Z":             "2024-09-18",
		"2024-09-18T22:00:00.000Z":      "2024-09-18",
		"2024-09-18 22:00:00.123456":    "2024-09-18",
		"2024-09-18 22:00:00 UTC":       "2024-09-18",
		"2024-09-18 22:00:00+00:00":     "2024-09-18",
		"2024-09-19T06:59:59+08:00":     "2024-09-18",
		"2024-09-17T23:00:00-05:00":     "2024-09-18",
		"2024-09-18":                    "2024-09-18",
		" 2024-09-18 22:00:00 ":         "2024-09-18",
		"2024-09-18T23:59:59.999999999": "2024-09-18",
	} {
		got, problems := read(t, header+row("ChargePeriodStart="+text))
		if len(got.Bills) != 1 || got.Bills[0].Day != want {
			t.Errorf("%q: %v %v", text, got.Bills, problems)
		}
	}
}

func TestFilesThatCannotBeRead(t *testing.T) {
	whole := zipped(header + row())
	for name, c := range map[string]struct{ text, want string }{
		"nothing":            {"", "the file is empty"},
		"a missing column":   {strings.Replace(header, "SubAccountId", "subaccountid", 1), "lacks the column SubAccountId"},
		"two columns twice":  {strings.Replace(header, "ConsumedUnit", "BilledCost", 1), "the column BilledCost twice"},
		"UTF-16":             {"\xff\xfeB\x00", "UTF-16"},
		"half a gzip":        {whole[:len(whole)-12], "unexpected EOF"},
		"a quote never ends": {header + row() + `"` + strings.Repeat("a,b\n", 1<<20), "a row is longer than 1 MiB"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := focus.Read(strings.NewReader(c.text), nil)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, %v, want %q", got, err, c.want)
			}
		})
	}
}

func TestIDs(t *testing.T) {
	long := strings.Repeat("long", 50)
	got, problems := read(t, header+
		row("SubAccountId=/subscriptions/a b:c")+row("SubAccountId=subscriptions~2Fa")+row("SubAccountId=项目")+
		row("SubAccountId="+long+"1")+row("SubAccountId="+long+"2"))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	want := map[wallet.WorkspaceID]string{
		"x~~2Fsubscriptions~2Fa~20b:c": "focus:acc:~2Fsubscriptions~2Fa~20b~3Ac:2024-09-18:" + got.File,
		"subscriptions~7E2Fa":          "focus:acc:subscriptions~7E2Fa:2024-09-18:" + got.File,
		"x~~E9~A1~B9~E7~9B~AE":         "focus:acc:~E9~A1~B9~E7~9B~AE:2024-09-18:" + got.File,
	}
	lengths, found := 0, map[wallet.WorkspaceID]string{}
	for _, b := range got.Bills {
		if _, err := bill.Decode(bill.Encode(b)); err != nil {
			t.Errorf("%s: the centre wouldn't take it: %v", b.ID, err)
		}
		if len(b.ID) == 128 && len(b.Workspace) == 128 && strings.Contains(string(b.ID), "~~") {
			lengths++
			continue
		}
		found[b.Workspace] = string(b.ID)
	}
	if diff := cmp.Diff(want, found); diff != "" || lengths != 2 {
		t.Error(diff, lengths)
	}
}

func TestFurtherBillsOfADayAreNumbered(t *testing.T) {
	var text strings.Builder
	text.WriteString(header + row("BillingCurrency=CNY"))
	for i := range 1001 {
		text.WriteString(row(fmt.Sprintf("ServiceName=product %04d", i)))
	}
	got, problems := read(t, text.String())
	var said []string
	for _, b := range got.Bills {
		said = append(said, fmt.Sprintf("%s %s %d", strings.TrimPrefix(string(b.ID), "focus:acc:sub:2024-09-18:"+got.File), b.Currency, len(b.Lines)))
	}
	if diff := cmp.Diff([]string{" CNY 1", ":2 USD 1000", ":3 USD 1"}, said); diff != "" || len(problems) > 0 {
		t.Error(diff, problems)
	}
}

func TestAnOverflowingBillIsToldByItsFirstLine(t *testing.T) {
	got, problems := read(t, header+row()+row("SubAccountId=big", "BilledCost=900000000000000")+row("SubAccountId=big", "BilledCost=900000000000000"))
	if len(got.Bills) != 1 || len(problems) != 1 || !strings.HasPrefix(problems[0], "line 3: the bill of big on 2024-09-18") {
		t.Error(got.Bills, problems)
	}
}

// FuzzRead: whatever the file, it never panics, every bill is one that the centre takes, the bills add up to what is
// said, and another order of the rows is the same bills.
func FuzzRead(f *testing.F) {
	f.Add(row()+row("BilledCost=1E-7"), uint64(1))
	f.Add(row(`ServiceName="a ""quoted"" one"`)+row("SubAccountId=/x/y"), uint64(2))
	f.Add("\"\n\",,,\n"+row("BilledCost=-5"), uint64(3))
	f.Fuzz(func(t *testing.T, text string, seed uint64) {
		got, err := focus.Read(strings.NewReader(header+text), nil)
		if err != nil {
			return
		}
		total := map[money.Currency]money.Exact{}
		for _, b := range got.Bills {
			if _, err := bill.Decode(bill.Encode(b)); err != nil {
				t.Fatalf("%s: the centre wouldn't take it: %v", b.ID, err)
			}
			if _, seen := total[b.Currency]; !seen {
				total[b.Currency] = money.ZeroExact(b.Currency)
			}
			total[b.Currency] = total[b.Currency].Add(bill.Total(b))
		}
		for currency, sum := range total {
			if sum.Cmp(got.Exact[currency]) != 0 {
				t.Fatalf("%s, said are %s", sum, got.Exact[currency])
			}
		}
		if strings.ContainsAny(text, "\"\r") { // a row then isn't a line
			return
		}
		lines := strings.SplitAfter(strings.TrimRight(text, "\n")+"\n", "\n")
		rand.New(rand.NewPCG(seed, 0)).Shuffle(len(lines), func(i, j int) { lines[i], lines[j] = lines[j], lines[i] })
		other, err := focus.Read(strings.NewReader(header+strings.Join(lines, "")), nil)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(ids(got), ids(other)); diff != "" {
			t.Fatal(diff)
		}
	})
}
