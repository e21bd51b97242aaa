package export_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"flag"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"billingcentre/infra/focus"
	"billingcentre/shared/bill"
	"billingcentre/shared/books"
	"billingcentre/shared/export"
	"billingcentre/shared/fund"
	"billingcentre/shared/money"
	"billingcentre/shared/statement"
	"billingcentre/shared/wallet"
)

var update = flag.Bool("update", false, "write the golden files anew")

// write is a table's file, begun anew after every row that has a place.
func write(t *testing.T, table export.Table, language export.Language, anew bool) string {
	t.Helper()
	w := export.NewWriter(table, language)
	file, place := w.Head(nil), ""
	for more := true; more; {
		more = false
		for row, err := range table.Rows(t.Context(), place) {
			if err != nil {
				t.Fatal(err)
			}
			file, place = w.Row(file, row), row.Place
			if anew && place != "" {
				more = true
				break
			}
		}
	}
	return string(file)
}

// tables are all that there are, of an account that has lived.
func tables(w *world, language export.Language) map[string]export.Table {
	november, view := w.november(), w.view()
	days := books.Filter{From: "2026-10-01", Until: "2026-11-30"}
	lots := func(ctx context.Context, f statement.LotFilter) iter.Seq2[statement.LotMovement, error] {
		return statement.EachLotMovement(ctx, view, f)
	}
	return map[string]export.Table{
		"consumption":            export.Consumption(view.EachRow, days, w.zone, language),
		"income-and-expenditure": export.Movements(view.EachChange, books.ChangeFilter{}, statement.About{}, w.zone, language),
		"voucher-details":        export.LotMovements(lots, statement.LotFilter{}, w.zone, language),
		"card-details":           export.LotMovements(lots, statement.LotFilter{Cards: true}, w.zone, language),
		"vouchers":               export.Vouchers(funds(w, wallet.LotKind.IsVoucher), export.Span{}, w.zone, money.CNY, language),
		"cards":                  export.Cards(funds(w, func(k wallet.LotKind) bool { return k == wallet.Card }), export.Span{}, w.zone, money.CNY, language),
		"monthly-bills":          export.MonthlyBills(w.monthly, w.zone),
		"monthly-bill":           export.MonthlyBill(november, w.sections(november), language),
		"monthly-bill-funds":     export.MonthlyFunds(november, w.sections(november), w.zone, language),
		"bills":                  export.Bills(view.EachChange, books.ChangeFilter{}, statement.About{}, w.zone, language),
		"focus":                  export.Focus(view.EachRow, days, payer(w)),
	}
}

func funds(w *world, of func(wallet.LotKind) bool) export.Funds {
	return func(ctx context.Context, before int64) iter.Seq2[fund.Listed, error] {
		return fund.Each(ctx, w.ledger.Store, "acme", before, of, w.now)
	}
}

func payer(w *world) export.Payer {
	return export.Payer{ID: "acme", Name: "Acme, Ltd.", Zone: w.zone, Provider: "Billing Centre"}
}

func TestFilesInBothLanguages(t *testing.T) {
	w := newWorld(t, "Asia/Shanghai")
	w.live()
	for _, language := range []export.Language{export.English, export.Chinese} {
		for name, table := range tables(w, language) {
			got := write(t, table, language, false)
			if again := write(t, table, language, true); again != got {
				t.Errorf("%s in strides of a row (-at once +in strides):\n%s", name, cmp.Diff(got, again))
			}
			golden := filepath.Join("testdata", name+"."+string(language)+".csv")
			if name == "focus" { // which has a language of its own
				golden = filepath.Join("testdata", "focus.csv")
			}
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", golden, diff)
			}
			wellFormed(t, name, got)
		}
	}
}

// wellFormed: RFC 4180, every cell as a spreadsheet would read it no formula, and a byte order mark for people.
func wellFormed(t *testing.T, name, file string) {
	t.Helper()
	text, marked := strings.CutPrefix(file, "\ufeff")
	if marked == (name == "focus") {
		t.Errorf("%s: byte order mark: %t", name, marked)
	}
	if strings.Count(text, "\n") != strings.Count(text, "\r\n") || !strings.HasSuffix(text, "\r\n") {
		t.Errorf("%s: lines don't end in CRLF", name)
	}
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for i, row := range rows {
		for j, cell := range row {
			if cell != "" && strings.ContainsRune("=+@\t\r＝＋－＠", []rune(cell)[0]) || strings.HasPrefix(cell, "-") && !number(cell) {
				t.Errorf("%s, row %d, %s: %q", name, i, rows[0][j], cell)
			}
		}
	}
}

func number(cell string) bool {
	_, err := money.ReadExact(strings.TrimPrefix(cell, "-"), money.CNY)
	_, parse := money.ParseExact("", cell, money.CNY)
	return err == nil || parse == nil
}

// A file that is read back tells the same bills: workspaces, days, products, and what they cost to the last decimal.
func TestFOCUSIsReadBackWithTheSameSums(t *testing.T) {
	for _, zone := range []string{"Asia/Shanghai", "America/New_York", "UTC"} {
		t.Run(zone, func(t *testing.T) {
			w := newWorld(t, zone)
			w.live()
			view := w.view()
			days := books.Filter{From: "2026-10-01", Until: "2026-11-30"}
			file := write(t, export.Focus(view.EachRow, days, payer(w)), export.English, false)
			read, err := focus.Read(strings.NewReader(file), func(p focus.Problem) { t.Error(p) })
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]string{}
			for _, b := range read.Bills {
				got[string(b.Workspace)+" "+b.Day] = bill.Total(b).String()
			}
			groups, err := view.Totals(t.Context(), days, books.ByDay|books.ByWorkspace)
			if err != nil {
				t.Fatal(err)
			}
			want, sum := map[string]string{}, money.ZeroExact(money.CNY)
			for _, g := range groups {
				want[string(g.Workspace)+" "+g.Day] = g.Exact.String()
				sum = sum.Add(g.Exact)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("by workspace and day (-books +file):\n%s", diff)
			}
			if total := read.Exact[money.CNY]; total.Cmp(sum) != 0 {
				t.Errorf("%s, the books have %s", total, sum)
			}
		})
	}
}

// What FOCUS 1.2 makes mandatory, and what may be null of it.
func TestFOCUSHasItsMandatoryColumns(t *testing.T) {
	w := newWorld(t, "Asia/Shanghai")
	w.live()
	file := write(t, tables(w, export.English)["focus"], export.English, false)
	rows, err := csv.NewReader(bytes.NewReader([]byte(file))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	at := map[string]int{}
	for i, name := range rows[0] {
		at[name] = i
	}
	for name, nullable := range map[string]bool{
		"BilledCost": false, "BillingAccountId": false, "BillingAccountName": true, "BillingCurrency": false, "BillingPeriodEnd": false,
		"BillingPeriodStart": false, "ChargeCategory": false, "ChargeClass": true, "ChargeDescription": true, "ChargePeriodEnd": false,
		"ChargePeriodStart": false, "ContractedCost": false, "EffectiveCost": false, "InvoiceIssuerName": false, "ListCost": false,
		"PricingQuantity": true, "PricingUnit": true, "ProviderName": false, "PublisherName": false, "ServiceCategory": false, "ServiceName": false,
		// conditional and recommended ones that apply
		"ChargeFrequency": false, "ConsumedQuantity": true, "ConsumedUnit": true, "ServiceSubcategory": false, "SubAccountId": false, "SubAccountName": false,
	} {
		i, there := at[name]
		if !there {
			t.Errorf("%s is missing", name)
			continue
		}
		for _, row := range rows[1:] {
			if row[i] == "" || row[i] == "NULL" && !nullable {
				t.Errorf("%s is %q", name, row[i])
			}
		}
	}
	for _, row := range rows[1:] {
		usage := row[at["ChargeCategory"]] == "Usage"
		if usage == (row[at["PricingQuantity"]] == "NULL") || usage == (row[at["ConsumedQuantity"]] == "NULL") || !usage && row[at["ChargeCategory"]] != "Credit" {
			t.Errorf("quantities of %s: %q", row[at["ChargeCategory"]], row)
		}
	}
}

// The filters of lists are those of files: of a workspace only its bills, of a fund only its changes, of days only theirs.
func TestFilters(t *testing.T) {
	w := newWorld(t, "Asia/Shanghai")
	w.live()
	view := w.view()
	day := time.Date(2026, 11, 3, 0, 0, 0, 0, w.zone)
	for name, c := range map[string]struct {
		table  export.Table
		column int
		want   []string
	}{
		"movements of a workspace": {export.Movements(view.EachChange, books.ChangeFilter{}, statement.About{Workspace: "ws-cloud"}, w.zone, export.English), 11, []string{"b-3"}},
		"movements of a fund":      {export.Movements(view.EachChange, books.ChangeFilter{Funds: []books.Fund{books.Arrears}}, statement.About{}, w.zone, export.English), 1, []string{"10", "11", "12", "13"}},
		"movements of a day":       {export.Movements(view.EachChange, books.ChangeFilter{From: day, Until: day.AddDate(0, 0, 1), Kinds: []wallet.EntryKind{wallet.Settled}}, statement.About{}, w.zone, export.English), 6, []string{"-25.00", "-10.50", "79.25"}},
		"bills of a workspace":     {export.Bills(view.EachChange, books.ChangeFilter{}, statement.About{Workspace: "ws-cloud"}, w.zone, export.English), 0, []string{"b-3"}},
		"movements of a product":   {export.Movements(view.EachChange, books.ChangeFilter{Funds: []books.Fund{books.Card}}, statement.About{Product: "sms"}, w.zone, export.English), 11, []string{"b-1", "b-3"}},
		"bills of both":            {export.Bills(view.EachChange, books.ChangeFilter{}, statement.About{Workspace: "ws-1", Product: "sms"}, w.zone, export.English), 0, []string{"b-1"}},
		"consumption of a product": {export.Consumption(view.EachRow, books.Filter{From: "2026-10-01", Until: "2026-11-30", Product: "sms"}, w.zone, export.English), 17, []string{"b-1", "b-3"}},
		"vouchers of no day":       {export.Vouchers(funds(w, wallet.LotKind.IsVoucher), export.Span{From: day}, w.zone, money.CNY, export.English), 0, nil},
		"vouchers until an entry":  {export.Vouchers(funds(w, wallet.LotKind.IsVoucher), export.Span{Through: 2}, w.zone, money.CNY, export.English), 1, []string{"regular"}},
	} {
		rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(write(t, c.table, export.English, false), "\ufeff"))).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, row := range rows[1:] {
			got = append(got, row[c.column])
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}
