package event_test

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"billingcentre/shared/event"
	"billingcentre/shared/ledger"
	"billingcentre/shared/ledger/memory"
	"billingcentre/shared/money"
	"billingcentre/shared/notice"
	"billingcentre/shared/wallet"
)

const folder = "schemas"

var noon = time.Date(2026, 11, 2, 3, 4, 5, 678_900_000, time.UTC)

// read reads the schemas, with every object shut that has properties: what consumers may ignore must still be described.
func read(t *testing.T) *jsonschema.Compiler {
	t.Helper()
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	files, err := filepath.Glob(filepath.Join(folder, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		shut(document)
		if err := compiler.AddResource(id(filepath.Base(file)), document); err != nil {
			t.Fatal(err)
		}
	}
	return compiler
}

func compile(t *testing.T, compiler *jsonschema.Compiler, name string) *jsonschema.Schema {
	t.Helper()
	schema, err := compiler.Compile(id(name + ".json"))
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func id(file string) string { return "https://billing-centre.example/events/v1/" + file }

// shut closes objects to members that aren't described. What only narrows another schema stays open.
func shut(schema any) {
	switch s := schema.(type) {
	case map[string]any:
		if _, narrows := s["$ref"]; !narrows && s["type"] == "object" {
			s["additionalProperties"] = false
		}
		for _, below := range s {
			shut(below)
		}
	case []any:
		for _, below := range s {
			shut(below)
		}
	}
}

func check(t *testing.T, compiler *jsonschema.Compiler, e event.Event) {
	t.Helper()
	text, err := e.JSON()
	if err != nil {
		t.Fatal(err)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if err := compile(t, compiler, e.Name).Validate(value); err != nil {
		t.Errorf("%s: %v\n%s", e.Name, err, text)
	}
	again, err := event.Decode(e.Name, text)
	if err != nil {
		t.Fatalf("%s isn't read back: %v", e.Name, err)
	}
	if second, err := again.JSON(); err != nil || !bytes.Equal(second, text) {
		t.Errorf("%s is read back as %s, not %s", e.Name, second, text)
	}
}

// Every event that there is has a schema, there is no other schema, and real events fit theirs.
func TestEveryEventHasItsSchemaAndFitsIt(t *testing.T) {
	real := map[string][]event.Event{}
	for _, entry := range journal(t) {
		e := event.OfEntry(entry)
		real[e.Name] = append(real[e.Name], e)
	}
	for _, n := range notices() {
		n.At = noon
		e := event.OfNotice(n)
		real[e.Name] = append(real[e.Name], e)
	}
	files, err := filepath.Glob(filepath.Join(folder, "*.*.json"))
	if err != nil {
		t.Fatal(err)
	}
	var described []string
	for _, file := range files {
		described = append(described, strings.TrimSuffix(filepath.Base(file), ".json"))
	}
	compiler, names := read(t), slices.Sorted(slices.Values(event.Names()))
	if !slices.Equal(described, names) {
		t.Errorf("schemas of\n%v\nevents are\n%v", described, names)
	}
	if made := slices.Sorted(maps.Keys(real)); !slices.Equal(made, names) {
		t.Errorf("this test makes\n%v\nevents are\n%v", made, names)
	}
	for _, name := range names {
		if !slices.Contains(described, name) {
			continue
		}
		for _, e := range real[name] {
			check(t, compiler, e)
		}
	}
	settled := real["entry.settled"][0].Abridge()
	check(t, compiler, settled)
	if len(settled.Entry.Settlement.Lines) != 0 || !settled.Abridged {
		t.Error("not abridged")
	}
}

// The schemas say enough: an event with one thing wrong fits none.
func TestWrongEventsDoNotFit(t *testing.T) {
	text, err := event.OfEntry(journal(t)[1]).JSON()
	if err != nil {
		t.Fatal(err)
	}
	schema := compile(t, read(t), "entry.topped_up")
	for old, wrong := range map[string]string{
		`"version":1`: `"version":2`, `"kind":"topped_up"`: `"kind":"settled"`, `"20000.00"`: `"20000"`, `"key":`: `"kee":`, `"currency":"CNY"`: `"currency":"cny"`,
		`"number":2`: `"number":0`, `.678Z"`: `.678"`, `"account_id":"acme"`: `"account_id":"../acme"`,
	} {
		mutant := strings.Replace(string(text), old, wrong, 1)
		if mutant == string(text) {
			t.Fatalf("nothing to mutate by %s in %s", old, text)
		}
		value, err := jsonschema.UnmarshalJSON(strings.NewReader(mutant))
		if err != nil {
			t.Fatal(err)
		}
		if schema.Validate(value) == nil {
			t.Errorf("%s fits", wrong)
		}
	}
}

// journal is at least one entry of each kind.
func journal(t *testing.T) []wallet.Entry {
	t.Helper()
	now := noon
	books := &ledger.Ledger{Store: new(memory.Store), Policy: wallet.DefaultPolicy(), Now: func() time.Time { return now }}
	var entries []wallet.Entry
	do := func(command wallet.Command) wallet.Entry {
		t.Helper()
		done, err := books.Do(t.Context(), "acme", ledger.Intent{Command: command})
		if err != nil {
			t.Fatalf("%T: %v", command, err)
		}
		entries = append(entries, done.Entry)
		return done.Entry
	}
	cny := func(units int64) money.Amount { return money.Units(money.CNY, units) }
	do(wallet.Open{Account: "acme", Currency: money.CNY, Zone: "Asia/Shanghai", Name: "Acme", Actor: "operator-1"})
	do(wallet.TopUp{Order: "r-1", Amount: cny(20000), Channel: "alipay", Trade: "2026110222001"})
	do(wallet.Adjust{Account: "acme", Once: "a-1", Amount: cny(1), Debit: true, Reason: "转账更正", Actor: "operator-1"})
	voucher := do(wallet.Activate{
		Account: "acme", Once: "v-1", Kind: wallet.Discount, Source: wallet.FromCode, Face: cny(30), MinBill: cny(10), ValidDays: 30, Reference: "batch-1/7",
		Actor: "owner-1",
	})
	card := do(wallet.Allocate{Account: "acme", Once: "c-1", Source: wallet.FromPartner, Face: cny(200), Reason: "campaign", Actor: "partner-1"})
	do(wallet.Purchase{Account: "acme", Once: "p-1", Face: cny(10000), Actor: "owner-1"})
	do(wallet.Order{Account: "acme", Once: "o-1", Amount: cny(150), Cards: []wallet.LotID{card.Lots[0].ID}, Item: "package-1", Actor: "owner-1"})
	settled := do(settle(t, "b-1", wallet.BillingCenter, now))
	do(settle(t, "b-2", wallet.Cloud, now))
	paid := do(wallet.Reserve{Refund: "f-1", Amount: cny(30), Reason: "误充", Actor: "operator-1"})
	do(wallet.Post{Refund: "f-1", Reserved: paid, Trade: "2026110222001"})
	refused := do(wallet.Reserve{Refund: "f-2", Amount: cny(7), Reason: "again", Actor: "operator-1"})
	do(wallet.Release{Refund: "f-2", Reserved: refused, Reason: "40004"})
	terms, err := books.Terms(t.Context(), settled)
	if err != nil {
		t.Fatal(err)
	}
	do(wallet.Reverse{Settled: settled, Granted: terms, Once: "x-1", Reason: "billed twice", Actor: "operator-1"})
	now = now.AddDate(0, 0, 40)
	do(wallet.Expire{Lot: voucher.Lots[0].ID})
	return entries
}

func settle(t *testing.T, bill wallet.BillID, method wallet.Method, now time.Time) wallet.Settle {
	t.Helper()
	s := wallet.Settle{
		Bill: wallet.Bill{ID: bill, Workspace: "ws-1", Day: "2026-11-01", Currency: money.CNY}, DayEnd: now.Add(-time.Hour), Method: method,
		Cloud: wallet.CloudAccount{Provider: "aws", Customer: "c-1"},
	}
	for product, amount := range map[string]string{"logs": "13.40271828182", "sms": "60", "tasks": "-0.0000008"} {
		exact, err := money.ParseExact("", amount, money.CNY)
		if err != nil {
			t.Fatal(err)
		}
		s.Bill.Lines = append(s.Bill.Lines, wallet.Line{Product: product, Usage: "1", Unit: "GB", UnitPrice: "0.0000015", Amount: exact})
	}
	return s
}

// notices are one of each kind, and more where a kind has several forms.
func notices() []notice.Notice {
	arrears := notice.Arrears{
		Case: 2, Owed: "5.40", Currency: "CNY", Restricted: "5.00", Since: noon, Month: "2026-10", EndsAt: noon.AddDate(0, 0, 14),
		Workspaces: []wallet.WorkspaceID{"ws-1"}, More: true,
	}
	changed := arrears
	changed.Change = 3
	link := notice.CloudLink{
		Provider: "aws", Customer: "c-1", Stage: notice.CloudReminder, UnlinkedAt: noon, EndsAt: noon.AddDate(0, 0, 14), Workspaces: []wallet.WorkspaceID{"ws-1"}, Time: 1,
	}
	returned := notice.CloudLink{Provider: "alibaba", Customer: "c-2", Stage: notice.CloudUnlinkedNow, UnlinkedAt: noon, Returned: true, Time: 1}
	lot := wallet.Lot{Kind: wallet.Card, Remaining: money.Units(money.CNY, 3), ExpiresAt: noon.AddDate(0, 0, 3)}
	return []notice.Notice{
		notice.Expiring("acme", lot),
		notice.MonthlyBillReady("acme", notice.MonthlyBill{
			Month: "2026-10", Currency: "CNY", Total: "18.40", Adjustments: "-1.00", Cash: "4.00", Cloud: "0.00", Vouchers: "7.00", Cards: "2.00", Overdue: "5.40", Owed: "5.40",
		}),
		notice.ArrearsCountdown("acme", arrears), notice.ArrearsReminder("acme", arrears), notice.Locked("acme", arrears), notice.Unlocked("acme", arrears),
		notice.WorkspacesLocked("acme", changed), notice.WorkspacesUnlocked("acme", changed),
		notice.CloudUnlinked("acme", link), notice.CloudUnlinked("acme", returned), notice.CloudWorkspacesLocked("acme", link), notice.CloudWorkspacesUnlocked("acme", link),
		notice.BalanceLow("acme", notice.LowBalance{Balance: "-3.00", Limit: "10.00", Currency: "CNY", Entry: 7, EntryAt: noon}),
		notice.ConsumptionHigh("acme", notice.HighConsumption{Day: "2026-11-01", Product: "logs", Spent: "253.6004", Limit: "200.00", Currency: "CNY"}),
		notice.ConsumptionHigh("acme", notice.HighConsumption{Day: "2026-11-01", Spent: "253.6004", Limit: "200.00", Currency: "CNY"}),
		notice.ChargedInVain("acme", notice.ChargeCase{Record: "r-1", Provider: "aws", Customer: "c-1", Charges: 3, Amount: "9.40", Currency: "CNY", Why: "too_late"}),
	}
}
