package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"billingcentre/shared/api"
	"billingcentre/shared/api/apitest"
	"billingcentre/shared/directory"
	"billingcentre/shared/ledger"
	"billingcentre/shared/ledger/memory"
	"billingcentre/shared/money"
	"billingcentre/shared/transfer"
	"billingcentre/shared/wallet"
)

const config = `{"receiver":{"name":"Centre Ltd","bank":"Bank of Examples","number":"6222000011112222"},"currency":"CNY",
"columns":{"id":"交易流水号","date":"交易日期","date_form":"2006-01-02","credit":"贷方金额","payer":"对方户名","memo":"附言"},
"fee_tolerance":"50.00","second_operator_above":"50000.00","order_days":30}`

// newHandler is the desk over an account, acme, in CNY.
func newHandler(t *testing.T) api.Handler { return newHandlerWith(t, config) }

func newHandlerWith(t *testing.T, config string) api.Handler {
	t.Helper()
	c, err := transfer.ParseConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	now := func() time.Time { return time.Date(2026, 11, 2, 3, 0, 0, 0, time.UTC) }
	l := &ledger.Ledger{Store: new(memory.Store), Policy: wallet.DefaultPolicy(), Now: now, Wait: func(context.Context, int) error { return nil }}
	for _, account := range []wallet.AccountID{"acme", "zoo"} {
		opening := directory.Opening(directory.Account{ID: account, Name: "Acme", Currency: money.CNY, Zone: "Asia/Shanghai"}, "test")
		if _, err := l.Do(t.Context(), account, opening); err != nil {
			t.Fatal(err)
		}
	}
	h := handler{
		desk:      &transfer.Desk{Ledger: l, Config: c, Chance: rand.NewChaCha8([32]byte{5})},
		directory: &directory.Directory{Store: l.Store, Now: now},
		cursors:   api.Cursors{Key: []byte("a key of tests")},
	}
	return api.Serve(slog.New(slog.DiscardHandler), h.routes()...)
}

// before are the events that must have happened before each event.
var before = map[string]string{
	"open-again": "open", "open-key-reused": "open", "list": "open", "get": "open",
	"import": "open", "import-again": "open import", "statements": "open import", "rows": "open import", "row": "open import",
	"rows-settled": "open import confirm", "confirm": "open import", "confirm-again": "open import confirm", "split": "open import",
	"assign-bad-fields": "open import", "assign-too-much": "open import", "assign-large": "open import",
	"approve": "open import assign-large", "approve-ones-own": "open import assign-large", "reject": "open import assign-large",
	"reject-nothing": "open import", "suspense": "open import split",
}

func TestEvents(t *testing.T) {
	apitest.Run(t, "bank-transfer", func(t *testing.T, name string) api.Handler {
		handler := newHandler(t)
		for earlier := range strings.FieldsSeq(before[name]) {
			apitest.Send(t, handler, apitest.Event(t, "bank-transfer", earlier))
		}
		return handler
	})
}

// The examples of a bank's file: plain, and as a bank in China makes it (GBK, two lines of its own first). What can't be read is told
// by its line, and what can is the same from both.
func TestTheExamplesOfStatements(t *testing.T) {
	const columns = `"memo":"附言"`
	for file, row := range map[string]struct {
		config string
		skip   int
	}{
		"statement.csv":     {config, 0},
		"statement-gbk.csv": {strings.Replace(config, columns, columns+`,"encoding":"gbk","skip":2`, 1), 2},
	} {
		text, err := os.ReadFile("../../events/bank-transfer/" + file)
		if err != nil {
			t.Fatal(err)
		}
		event := apitest.Call{
			Route: "POST /v1/operator/bank-statements", Caller: api.Caller{Subject: "olga", Role: api.Operator}, Header: map[string]string{"content-type": "text/csv"},
		}.Event()
		event.Body, event.IsBase64Encoded = base64.StdEncoding.EncodeToString(text), true
		var got statement
		handler := newHandlerWith(t, row.config)
		answer, err := handler(t.Context(), event) // past the contract's check, which takes all CSV for UTF-8 with one header
		if err != nil || answer.StatusCode != 201 {
			t.Fatalf("%s: %d %s, %v", file, answer.StatusCode, answer.Body, err)
		}
		apitest.Answer{Body: jsontext.Value(answer.Body)}.Into(t, &got)
		var lines []int
		for _, bad := range got.Bad {
			lines = append(lines, bad.Line-row.skip)
		}
		if diff := cmp.Diff([]int{5, 6}, lines); diff != "" || got.Imported != 2 || got.Repeated != 1 || got.Outgoing != 1 || got.Received != "64985.00" || len(got.Rows) != 2 {
			t.Errorf("%s: %+v", file, got)
		}
		var page api.Page[map[string]any]
		apitest.Send(t, handler, apitest.Call{Route: "GET /v1/operator/bank-rows", Caller: api.Caller{Subject: "olga", Role: api.Operator}}.Event()).Into(t, &page)
		if len(page.Items) != 2 || !strings.Contains(fmt.Sprint(page.Items), "某某公司") {
			t.Errorf("%s: %v", file, page.Items)
		}
	}
}

func TestWhoMayDoWhat(t *testing.T) {
	handler := newHandler(t)
	for _, who := range []api.Caller{
		{Subject: "pat", Role: api.Owner, Account: "acme"}, {Subject: "paul", Role: api.Partner, Partner: "reseller"}, {},
	} {
		for _, route := range []string{
			"GET /v1/operator/bank-statements", "GET /v1/operator/bank-rows", "GET /v1/operator/bank-rows/{row}", "GET /v1/operator/suspense",
			"POST /v1/operator/bank-rows/{row}/assignments", "POST /v1/operator/bank-rows/{row}/approval", "POST /v1/operator/bank-rows/{row}/rejection",
		} {
			c := apitest.Call{Route: route, Params: map[string]string{"row": "B1"}, Caller: who, Key: "k", Body: `{"reason":"x"}`}
			if got := apitest.Send(t, handler, c.Event()); got.Status != 403 && got.Status != 401 {
				t.Errorf("%s by %q: %d %s", route, who.Role, got.Status, got.Body)
			}
		}
	}
	c := apitest.Call{
		Route: "GET /v1/accounts/{account}/transfers", Params: map[string]string{"account": "acme"},
		Caller: api.Caller{Subject: "z", Role: api.Owner, Account: "zoo"},
	}
	if got := apitest.Send(t, handler, c.Event()); got.Status != 404 {
		t.Errorf("somebody else's transfers: %d", got.Status)
	}
}

// Pages of rows go on where the page before ended.
func TestRowsComeInPages(t *testing.T) {
	handler := newHandler(t)
	var csv bytes.Buffer
	csv.WriteString("交易流水号,交易日期,贷方金额,对方户名,附言\n")
	for i := range 7 {
		fmt.Fprintf(&csv, "%d,2026-11-02,1.00,x,\n", i)
	}
	operator := api.Caller{Subject: "olga", Role: api.Operator}
	apitest.Send(t, handler, apitest.Call{
		Route: "POST /v1/operator/bank-statements", Caller: operator, Body: csv.String(), Header: map[string]string{"content-type": "text/csv"},
	}.Event())
	seen, cursor := map[string]bool{}, ""
	for pages := 1; ; pages++ {
		var page api.Page[row]
		query := "limit=3"
		if cursor != "" {
			query += "&cursor=" + cursor
		}
		apitest.Send(t, handler, apitest.Call{Route: "GET /v1/operator/bank-rows", Query: query, Caller: operator}.Event()).Into(t, &page)
		for _, r := range page.Items {
			seen[r.ID] = true
		}
		if cursor = page.Next; cursor == "" || pages > 4 {
			break
		}
	}
	if len(seen) != 7 {
		t.Errorf("%d rows were seen of 7", len(seen))
	}
}
