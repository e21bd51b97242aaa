package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"billingcentre/infra/local/dynamodb/dynamodbtest"
	"billingcentre/shared/audit"
	"billingcentre/shared/directory"
	"billingcentre/shared/ledger"
	"billingcentre/shared/ledger/dynamo"
	"billingcentre/shared/money"
	"billingcentre/shared/wallet"
)

// table is a table of the real DynamoDB Local, for hands that write past the ledger.
type table struct {
	t      *testing.T
	client *dynamodb.Client
	name   string
	do     func(ledger.Intent) (ledger.Receipt, error)
	verifier
}

type item = map[string]types.AttributeValue

// newTable holds an account with a voucher, cash and eight bills: eleven entries.
func newTable(t *testing.T) *table {
	client, name := dynamodbtest.Client(t)
	store := dynamo.New(client, name)
	tb := &table{t: t, client: client, name: name, verifier: verifier{&audit.Auditor{Store: store, Now: time.Now, Grace: wallet.DefaultPolicy().Grace}, io.Discard}}
	now := time.Date(2026, 11, 2, 3, 0, 0, 0, time.UTC)
	l := &ledger.Ledger{Store: store, Policy: wallet.DefaultPolicy(), Now: func() time.Time { now = now.Add(time.Second); return now }}
	tb.do = func(intent ledger.Intent) (ledger.Receipt, error) { return l.Do(t.Context(), "acme", intent) }
	do := func(intent ledger.Intent) {
		t.Helper()
		if _, err := tb.do(intent); err != nil {
			t.Fatal(err)
		}
	}
	do(directory.Opening(directory.Account{ID: "acme", Name: "Acme", Currency: money.CNY, Zone: "Asia/Shanghai"}, "olga"))
	do(ledger.Intent{Command: wallet.Activate{Account: "acme", Once: "v", Face: money.Units(money.CNY, 20), MinBill: money.Zero(money.CNY), Source: wallet.FromOperator}})
	do(ledger.Intent{Command: wallet.Adjust{Account: "acme", Once: "a", Amount: money.Units(money.CNY, 10), Reason: "test"}})
	for i := range 8 {
		amount, err := money.ParseExact("", "1.5", money.CNY)
		if err != nil {
			t.Fatal(err)
		}
		do(ledger.Intent{Command: wallet.Settle{
			Bill: wallet.Bill{
				ID: wallet.BillID(fmt.Sprintf("b-%d", i)), Workspace: "ws", Day: "2026-11-01", Currency: money.CNY,
				Lines: []wallet.Line{{Product: "logs", Usage: "1", Amount: amount}},
			},
			DayEnd: time.Date(2026, 11, 1, 16, 0, 0, 0, time.UTC), Method: wallet.BillingCenter,
		}})
	}
	return tb
}

func (tb *table) get(pk, sk string) item {
	tb.t.Helper()
	out, err := tb.client.GetItem(tb.t.Context(), &dynamodb.GetItemInput{TableName: &tb.name, Key: key(pk, sk)})
	if err != nil || out.Item == nil {
		tb.t.Fatalf("%s: %v, %v", pk, out, err)
	}
	return out.Item
}

func key(pk, sk string) item {
	return item{"pk": &types.AttributeValueMemberS{Value: pk}, "sk": &types.AttributeValueMemberS{Value: sk}}
}

func (tb *table) put(what item) {
	tb.t.Helper()
	if _, err := tb.client.PutItem(tb.t.Context(), &dynamodb.PutItemInput{TableName: &tb.name, Item: what}); err != nil {
		tb.t.Fatal(err)
	}
}

func (tb *table) remove(pk, sk string) {
	tb.t.Helper()
	if _, err := tb.client.DeleteItem(tb.t.Context(), &dynamodb.DeleteItemInput{TableName: &tb.name, Key: key(pk, sk)}); err != nil {
		tb.t.Fatal(err)
	}
}

func (tb *table) drop(pk, sk string, names ...string) {
	tb.t.Helper()
	raw := tb.get(pk, sk)
	for _, name := range names {
		delete(raw, name)
	}
	tb.put(raw)
}

// audited is the table after the auditor has been there.
func (tb *table) audited() *table {
	tb.t.Helper()
	if got, err := tb.Audit(tb.t.Context(), "acme"); err != nil || !got.Complete() {
		tb.t.Fatalf("%+v, %v", got, err)
	}
	return tb
}

// rewrite writes an entry over the one of its key, in the table's own form: made by a commit in another table.
func (tb *table) rewrite(change func(*wallet.Entry), of wallet.Key) {
	tb.t.Helper()
	found, err := tb.Store.Entries(tb.t.Context(), of)
	if err != nil {
		tb.t.Fatal(err)
	}
	entry := found[of]
	change(&entry)
	client, name := dynamodbtest.Client(tb.t)
	before := wallet.Head{Account: "acme"}
	after := wallet.Head{
		Account: "acme", Currency: money.CNY, Zone: "Asia/Shanghai", Version: 1, Time: entry.Time, Cash: money.Zero(money.CNY), Arrears: money.Zero(money.CNY),
		Carried: [2]money.Exact{money.ZeroExact(money.CNY), money.ZeroExact(money.CNY)},
	}
	if err := dynamo.New(client, name).Commit(tb.t.Context(), ledger.Commit{Before: before, After: after, Entries: []wallet.Entry{entry}}); err != nil {
		tb.t.Fatal(err)
	}
	elsewhere := table{t: tb.t, client: client, name: name}
	tb.put(elsewhere.get("E#"+string(of), "entry"))
}

// headWith writes the head with a change, in its own canonical bytes.
func (tb *table) headWith(change func(*wallet.Head)) {
	tb.t.Helper()
	head, err := tb.Store.Head(tb.t.Context(), "acme")
	if err != nil {
		tb.t.Fatal(err)
	}
	change(&head)
	raw := tb.get("A#acme", "head")
	raw["body"] = &types.AttributeValueMemberB{Value: head.Canonical()}
	raw["version"] = &types.AttributeValueMemberN{Value: fmt.Sprint(head.Version)}
	tb.put(raw)
}

// What hands that write past the ledger do to the real table is found.
func TestEachCorruptionOfTheTableIsFound(t *testing.T) {
	for what, row := range map[string]struct {
		want  audit.Kind
		plant func(tb *table)
	}{
		"a lot has a fen more": {audit.HeadDiffers, func(tb *table) {
			tb.headWith(func(h *wallet.Head) { h.Lots[0].Remaining = h.Lots[0].Remaining.Add(money.Of(money.CNY, 1)) })
		}},
		"the head's version is off": {audit.Damaged, func(tb *table) {
			raw := tb.get("A#acme", "head")
			raw["version"] = &types.AttributeValueMemberN{Value: "12"}
			tb.put(raw)
		}},
		"the head is one ahead": {audit.Missing, func(tb *table) { tb.headWith(func(h *wallet.Head) { h.Version++ }) }},
		"a bit of an entry is flipped": {audit.ChainBroken, func(tb *table) {
			raw := tb.get("E#bill:b-3", "entry")
			raw["body"].(*types.AttributeValueMemberB).Value[40] ^= 1
			tb.put(raw)
		}},
		"an entry is deleted": {audit.Missing, func(tb *table) {
			tb.remove("E#bill:b-3", "entry")
		}},
		"two entries swapped their numbers": {audit.Misplaced, func(tb *table) {
			a, b := tb.get("E#bill:b-3", "entry"), tb.get("E#bill:b-4", "entry")
			a["rank"], b["rank"] = b["rank"], a["rank"]
			tb.put(a)
			tb.put(b)
		}},
		"a posting changed": {audit.Unbalanced, func(tb *table) {
			tb.rewrite(func(e *wallet.Entry) { e.Postings[0].Amount = money.Of(money.CNY, 1) }, "bill:b-3")
		}},
		"a hash is altered": {audit.ChainBroken, func(tb *table) { tb.rewrite(func(e *wallet.Entry) { e.Previous[0] ^= 1 }, "bill:b-3") }},
		"a text is altered": {audit.ChainBroken, func(tb *table) { tb.rewrite(func(e *wallet.Entry) { e.Actor = "nobody" }, "bill:b-3") }},
		"an entry stands under another cause": {audit.Damaged, func(tb *table) {
			raw := tb.get("E#bill:b-3", "entry")
			raw["pk"] = &types.AttributeValueMemberS{Value: "E#bill:b-33"}
			tb.put(raw)
		}},
		"an entry is out of the journal's list": {audit.Missing, func(tb *table) { tb.drop("E#bill:b-3", "entry", "list", "rank") }},
		"an entry is in another's list": {audit.Missing, func(tb *table) {
			raw := tb.get("E#bill:b-3", "entry")
			raw["list"] = &types.AttributeValueMemberS{Value: "A#zen"}
			tb.put(raw)
		}},
		"a grant isn't listed as one":    {audit.Unlisted, func(tb *table) { tb.drop("E#activate:acme:v", "entry", "grants") }},
		"nobody looks when a lot lapses": {audit.Forgotten, func(tb *table) { tb.drop("A#acme", "head", "due", "shard") }},
		"the account is in no list":      {audit.AccountMissing, func(tb *table) { tb.audited().drop("D#account#acme", "document", "list", "rank") }},
		"the account's document is gone": {audit.AccountMissing, func(tb *table) { tb.audited().remove("D#account#acme", "document") }},
		"the last entry is gone, and its head went back": {audit.HeadBehind, func(tb *table) {
			old := tb.get("A#acme", "head")
			if _, err := tb.do(ledger.Intent{Command: wallet.Adjust{Account: "acme", Once: "last", Amount: money.Units(money.CNY, 1), Reason: "test"}}); err != nil {
				tb.t.Fatal(err)
			}
			tb.audited().remove("E#adjust:acme:last", "entry")
			tb.put(old)
		}},
		"the head is gone": {audit.HeadBehind, func(tb *table) {
			tb.remove("A#acme", "head")
		}},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			tb := newTable(t)
			if err := tb.one(t.Context(), "acme"); err != nil {
				t.Fatal(err)
			}
			row.plant(tb)
			var said bytes.Buffer
			tb.out = &said
			if err := tb.all(t.Context()); !errors.Is(err, errFound) || !strings.Contains(said.String(), ": "+string(row.want)+" at ") {
				t.Errorf("want %s, said %s, %v", row.want, &said, err)
			}
		})
	}
}

// A customer's statement, over HTTP and into a file, and what the stand-alone check says to it.
func TestAStatementIsCheckedAlone(t *testing.T) {
	tb := newTable(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { // in pieces of four
		var from int64
		if _, err := fmt.Sscanf(r.URL.Path, "/v1/accounts/acme/entries/%d/proof", &from); err != nil || r.Header.Get("Authorization") != "Bearer token" {
			http.Error(w, "no", http.StatusBadRequest)
			return
		}
		piece, err := tb.piece(r.Context(), from)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		_ = json.NewEncoder(w).Encode(piece)
	}))
	defer server.Close()
	file := filepath.Join(t.TempDir(), "statement.json")
	var said bytes.Buffer
	if err := export(t.Context(), []string{"-account", "acme", "-from", "2", "-o", file, "-api", server.URL, "-token", "token"}, &said); err != nil {
		t.Fatal(err)
	}
	_, anchor, _ := strings.Cut(strings.TrimSpace(said.String()), "Note the anchor: ")
	if err := check(t.Context(), []string{"-anchor", anchor, file}, &said); err != nil || !strings.Contains(said.String(), "holds from entry 2 to 11") {
		t.Errorf("%v: %s", err, &said)
	}
	if err := tb.anchored(t.Context(), "acme", anchor); err != nil {
		t.Error(err)
	}
	wrong := strings.Replace(anchor, "11:", "10:", 1)
	if err := check(t.Context(), []string{"-anchor", wrong, file}, io.Discard); err == nil {
		t.Error("a wrong anchor holds")
	}
	if err := tb.anchored(t.Context(), "acme", wrong); !errors.Is(err, errFound) {
		t.Errorf("a wrong anchor: %v", err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, bytes.Replace(text, []byte(`"number":5`), []byte(`"number":6`), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := check(t.Context(), []string{file}, io.Discard); err == nil {
		t.Error("a file that was tampered with holds")
	}
}

func (tb *table) piece(ctx context.Context, from int64) (audit.Proof, error) {
	head, err := tb.Store.Head(ctx, "acme")
	if err != nil {
		return audit.Proof{}, err
	}
	last := min(from+3, head.Version)
	journal, err := tb.Store.Journal(ctx, "acme", last+1, int(last-from+1))
	p := audit.Proof{Account: "acme", Head: audit.HeadOf(head)}
	for _, e := range slices.Backward(journal) {
		p.Entries = append(p.Entries, audit.LinkOf(e))
	}
	if last < head.Version {
		p.Next = last + 1
	}
	return p, err
}

// Who asks for nothing that there is, or says it wrong, is told so: no such answer may be taken for "all is right".
func TestWhatIsAskedWrongIsRefused(t *testing.T) {
	tb := newTable(t)
	if err := tb.one(t.Context(), "nobody"); err == nil || errors.Is(err, errFound) || !strings.Contains(err.Error(), "no account nobody") {
		t.Errorf("an account that never was: %v", err)
	}
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	if err := verify(t.Context(), []string{"-table", "T", "-region", "eu-central-1"}, io.Discard); err == nil || !strings.Contains(err.Error(), "AWS_ACCESS_KEY_ID") {
		t.Errorf("without credentials: %v", err)
	}
	for what, run := range map[string]error{
		"a flag without its dash": verify(t.Context(), []string{"account", "acme"}, io.Discard),
		"a word behind a flag":    export(t.Context(), []string{"-account", "acme", "file.json"}, io.Discard),
		"two files":               check(t.Context(), []string{"a.json", "b.json"}, io.Discard),
	} {
		if run == nil || !strings.Contains(run.Error(), "what is") {
			t.Errorf("%s: %v", what, run)
		}
	}
}
