package settlement

import (
	"cmp"
	"context"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	gocmp "github.com/google/go-cmp/cmp"

	"billingcentre/shared/charge"
	"billingcentre/shared/wallet"
)

const folder = "../../events/bill-settlement"

var update = flag.Bool("update", false, "write the answers beside the events anew")

// answer is all that a batch leaves behind.
type answer struct {
	Error       string                    `json:"error,omitempty"` // of the whole batch
	Response    events.SQSEventResponse   `json:"response"`
	Hidden      map[string]int32          `json:"hidden,omitempty"` // seconds, by receipt handle
	Quarantined []quarantined             `json:"quarantined,omitempty"`
	Charges     []charge.Charge           `json:"cloud_charges,omitempty"`
	Settled     map[wallet.BillID]settled `json:"settled,omitempty"`
	Wallet      map[string]string         `json:"wallet_of_acme"`
	Log         map[string]any            `json:"log,omitempty"`
}

type quarantined struct {
	ID     string `json:"message_id"`
	Kind   string `json:"kind"`
	Detail string `json:"detail"`
}

type settled struct {
	Regular  string `json:"regular"`
	Discount string `json:"discount"`
	Card     string `json:"card"`
	Cash     string `json:"cash"`
	Arrears  string `json:"arrears"`
	Cloud    string `json:"cloud"`
}

func TestEvents(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(folder, "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatal("no events", err)
	}
	for _, file := range files {
		name, isAnswer := strings.CutSuffix(filepath.Base(file), ".answer.json")
		if isAnswer {
			continue
		}
		t.Run(strings.TrimSuffix(name, ".json"), func(t *testing.T) {
			var event events.SQSEvent
			read(t, file, &event)
			m := newMill(t)
			got := m.answer(event)
			beside := strings.TrimSuffix(file, ".json") + ".answer.json"
			if *update {
				write(t, beside, got)
			}
			var want answer
			read(t, beside, &want)
			if diff := gocmp.Diff(plain(t, want), plain(t, got)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func (m *mill) answer(event events.SQSEvent) answer {
	m.t.Helper()
	ctx := context.Background()
	response, err := m.Handle(ctx, event)
	a := answer{Response: response, Hidden: m.queue.hidden, Settled: map[wallet.BillID]settled{}}
	if err != nil {
		a.Error = err.Error()
	}
	kept, _, err := m.Bills.Quarantine.List(ctx, "", 100)
	if err != nil {
		m.t.Fatal(err)
	}
	for _, k := range kept {
		a.Quarantined = append(a.Quarantined, quarantined{k.ID, k.Kind, k.Detail})
	}
	slices.SortFunc(a.Quarantined, func(a, b quarantined) int { return cmp.Compare(a.ID, b.ID) })
	if a.Charges, _, err = charge.ListPending(ctx, m.memory, "", 100); err != nil {
		m.t.Fatal(err)
	}
	for _, account := range []wallet.AccountID{"acme", "bolt"} {
		for _, e := range m.journal(account) {
			if s := e.Settlement; s != nil {
				paid := func(from wallet.PlaceKind, kind wallet.LotKind) string { return s.Paid(from, kind, "CNY").String() }
				a.Settled[s.Bill] = settled{
					paid(wallet.InLot, wallet.Regular), paid(wallet.InLot, wallet.Discount), paid(wallet.InLot, wallet.Card),
					paid(wallet.InCash, 0), paid(wallet.InArrears, 0), paid(wallet.AtCloud, 0),
				}
			}
		}
	}
	head := m.head("acme")
	b := head.Balances()
	a.Wallet = map[string]string{
		"regular": b.Regular.String(), "discount": b.Discount.String(), "card": b.Card.String(), "cash": b.Cash.String(),
		"arrears": b.Arrears.String(), "carried_general": b.Carried[wallet.General].String(), "carried_restricted": b.Carried[wallet.Restricted].String(),
	}
	if logged := m.out.with(`"msg":"bills"`); len(logged) == 1 {
		if err := json.Unmarshal([]byte(logged[0]), &a.Log); err != nil {
			m.t.Fatal(err)
		}
		delete(a.Log, "time")
	}
	return a
}

func (m *mill) journal(account wallet.AccountID) []wallet.Entry {
	m.t.Helper()
	entries, err := m.memory.Journal(context.Background(), account, 0, 1_000_000)
	if err != nil {
		m.t.Fatal(err)
	}
	return entries
}

// plain is an answer as JSON has it.
func plain(t *testing.T, a answer) (value any) {
	t.Helper()
	text, err := json.Marshal(a)
	if err == nil {
		err = json.Unmarshal(text, &value)
	}
	if err != nil {
		t.Fatal(err)
	}
	return value
}

func read(t *testing.T, file string, into any) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(text, into)
	}
	if err != nil {
		t.Fatalf("%s: %v", filepath.Base(file), err)
	}
}

func write(t *testing.T, file string, a answer) {
	t.Helper()
	text, err := json.Marshal(a, json.Deterministic(true), jsontext.WithIndent("  "))
	if err == nil {
		err = os.WriteFile(file, append(text, '\n'), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}
