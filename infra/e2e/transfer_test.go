package e2e

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"billingcentre/infra/local/issuer"
)

// importCSV imports a bank statement, as an operator's browser would.
func importCSV(t *testing.T, csv string) (rows []string) {
	t.Helper()
	s := running(t)
	token, err := s.Issuer.Token(issuer.Claims{Role: "operator"}, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.Running.API+"/v1/operator/bank-statements", strings.NewReader(csv))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("Content-Type", "text/csv; charset=utf-8")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode >= 300 {
		t.Fatalf("importing: %d %s, %v", answer.StatusCode, text, err)
	}
	var statement struct {
		Rows []string `json:"rows"`
	}
	if err := json.Unmarshal(text, &statement); err != nil {
		t.Fatal(err)
	}
	return statement.Rows
}

// The way of README rule 2, with arrears to repay first (rule 3), and a stranger's money that waits.
func TestABankTransfer(t *testing.T) {
	t.Parallel()
	a := open(t, "transfer", "CNY")
	a.bind("transfer-workspace")
	a.send(a.bill("transfer-owed", "transfer-workspace", "logs", "5.40"))
	a.settled("transfer-owed")
	var order struct {
		ID   string `json:"transfer_id"`
		Code string `json:"remittance_code"`
	}
	a.post(a.owner, a.path("/transfers"), "first", map[string]string{"amount": "100.00"}, &order)
	csv := "交易流水号,交易日期,贷方金额,对方户名,附言\ne2e-1,2026-11-02,98.00,somebody," + strings.ToLower(order.Code) + "\ne2e-2,2026-11-02,7.00,stranger,\n"
	rows := importCSV(t, csv)
	if again := importCSV(t, csv); len(rows) != 2 || strings.Join(again, " ") != strings.Join(rows, " ") {
		t.Fatalf("the statement has %v, and again %v", rows, again)
	}
	type row struct {
		State   string `json:"state"`
		Held    string `json:"held"`
		Matches []struct {
			Transfer string   `json:"transfer_id"`
			Reasons  []string `json:"reasons"`
		} `json:"matches"`
	}
	var got row
	if err := a.operator.Get(t.Context(), "/v1/operator/bank-rows/"+rows[0], &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Matches) == 0 || got.Matches[0].Transfer != order.ID || strings.Join(got.Matches[0].Reasons, " ") != "code short_by_fee" {
		t.Fatalf("the row is %+v", got)
	}
	body := map[string]any{"parts": []map[string]any{{"account_id": a.id, "transfer_id": order.ID}}}
	for range 2 {
		a.post(a.operator, "/v1/operator/bank-rows/"+rows[0]+"/assignments", "k", body, &got)
	}
	if w := a.wallet(); got.State != "settled" || w.Arrears != "0.00" || w.Cash != "92.60" {
		t.Errorf("the row is %+v; cash %s, arrears %s", got, w.Cash, w.Arrears)
	}
	if err := a.operator.Get(t.Context(), "/v1/operator/bank-rows/"+rows[1], &got); err != nil || got.State != "suspense" || got.Held != "7.00" {
		t.Errorf("the stranger's row is %+v, %v", got, err)
	}
	var sums struct{ Received, Held, Credited, Returned string }
	if err := a.operator.Get(t.Context(), "/v1/operator/suspense", &sums); err != nil || sums.Received != "105.00" || sums.Held != "7.00" || sums.Credited != "98.00" {
		t.Errorf("%+v, %v", sums, err)
	}
}
