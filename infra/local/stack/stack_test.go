package stack

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"billingcentre/infra/demo/centre"
	"billingcentre/infra/local/alipay"
	"billingcentre/infra/local/console"
	"billingcentre/infra/local/sam"
	"billingcentre/infra/local/sqs"
)

func start(t *testing.T, o Options) *Stack {
	t.Helper()
	if testing.Short() {
		t.Skip("-short: not without DynamoDB Local")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	s, err := Start(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func operator(t *testing.T, s *Stack) *centre.Caller {
	t.Helper()
	caller, err := s.Running.Centre(s.Issuer).Operator()
	if err != nil {
		t.Fatal(err)
	}
	return caller
}

// A restart goes on where the last run ended: tables, queues and secrets are there, and no process outlives its run.
func TestARestartGoesOn(t *testing.T) {
	state := t.TempDir()
	first := start(t, Options{State: state})
	if _, err := operator(t, first).Post(t.Context(), "/v1/accounts", "", map[string]string{"account_id": "kept", "name": "Kept"}, nil); err != nil {
		t.Fatal(err)
	}
	dead := deadLetters(t, first)
	if _, err := dead.Send(sqs.Draft{Body: "kept, too"}); err != nil {
		t.Fatal(err)
	}
	database, secret := first.database.PID(), pepper(t, state)
	running := readRunning(t, state)
	if running != first.Running || running.PID != os.Getpid() || running.BillQueue == "" || running.Table != "BillingTable" {
		t.Errorf("written down is %+v, true is %+v", running, first.Running)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if syscall.Kill(database, 0) == nil {
		t.Error("DynamoDB Local still runs")
	}
	if _, err := os.Stat(runningFile(state)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("it still says where it runs: %v", err)
	}

	second := start(t, Options{State: state, Certificates: true})
	var account struct {
		Name string `json:"name"`
	}
	if err := operator(t, second).Get(t.Context(), "/v1/accounts/kept", &account); err != nil || account.Name != "Kept" {
		t.Errorf("the account is %+v, %v", account, err)
	}
	messages, err := deadLetters(t, second).Receive(t.Context(), sqs.Receipt{Max: 10})
	if err != nil || len(messages) != 1 || messages[0].Body != "kept, too" {
		t.Errorf("on the queue are %+v, %v", messages, err)
	}
	if pepper(t, state) != secret {
		t.Error("the pepper is another: all voucher codes are void")
	}
	payWithCertificates(t, second, operator(t, second))
}

// payWithCertificates tops the account up, on a stack whose app is in Alipay's certificate mode. A notice that names a certificate
// which isn't pinned is nobody's, however truly it is signed (bad inputs N34).
func payWithCertificates(t *testing.T, s *Stack, caller *centre.Caller) {
	t.Helper()
	const path = "/v1/accounts/kept/recharges"
	var order struct {
		ID    string `json:"recharge_id"`
		State string `json:"state"`
	}
	if _, err := caller.Post(t.Context(), path, "certified", map[string]string{"amount": "1.00"}, &order); err != nil {
		t.Fatal(err)
	}
	own := s.Alipay.Credentials()
	fields := own.NoticeFields(alipay.Trade{OutTradeNo: order.ID, TradeNo: "20261122", TotalAmount: "1.00", CreatedAt: time.Now(), PaidAt: time.Now()}, alipay.Notice{ID: "1", Status: "TRADE_SUCCESS"}, time.Now())
	fields["alipay_cert_sn"] = strings.Repeat("0", 32)
	form, err := own.SignNotice(fields)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.Post(s.Running.API+"/v1/payments/alipay/notices", "application/x-www-form-urlencoded", strings.NewReader(form))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(answer.Body)
	if err = errors.Join(err, answer.Body.Close()); err != nil || string(text) != "fail" {
		t.Errorf("a certificate that isn't pinned: %d %q, %v", answer.StatusCode, text, err)
	}
	if _, err := s.Alipay.Pay(order.ID); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(time.Minute); order.State != "credited"; time.Sleep(20 * time.Millisecond) {
		if err := caller.Get(t.Context(), path+"/"+order.ID, &order); err != nil || time.Now().After(end) {
			t.Fatalf("the order is %s, %v", order.State, err)
		}
	}
}

func deadLetters(t *testing.T, s *Stack) *sqs.Queue {
	t.Helper()
	queue, err := s.Queue("UsageBillDeadLetterQueue")
	if err != nil {
		t.Fatal(err)
	}
	return queue
}

func pepper(t *testing.T, state string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(state, "data", "secrets", "CentreSecret.json"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func readRunning(t *testing.T, state string) Running {
	t.Helper()
	text, err := os.ReadFile(runningFile(state))
	if err != nil {
		t.Fatal(err)
	}
	var r Running
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// A port that is taken is told, and another one found; one folder has one stack; a start that is interrupted leaves
// nothing behind.
func TestWhatStandsInTheWay(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	port := taken.Addr().(*net.TCPAddr).Port
	var said strings.Builder
	state := t.TempDir()
	s := start(t, Options{State: state, Memory: true, Ports: Ports{API: port}, Console: console.New(&said, false)})
	if !regexp.MustCompile(`Port \d+ is taken: the API gets another one\.`).MatchString(said.String()) || strings.Contains(s.Running.API, taken.Addr().String()) {
		t.Errorf("the API is at %s, said was:\n%s", s.Running.API, said.String())
	}
	if _, err := Start(t.Context(), Options{State: state, Memory: true}); err == nil || !strings.Contains(err.Error(), "another local stack runs") {
		t.Errorf("a second stack in the same folder: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	elsewhere := t.TempDir()
	if _, err := Start(ctx, Options{State: elsewhere, Memory: true}); !errors.Is(err, context.Canceled) {
		t.Errorf("an interrupted start: %v", err)
	}
	if _, err := os.Stat(runningFile(elsewhere)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("an interrupted start left something behind: %v", err)
	}
}

func TestGeneratedSecretsAreAsTheTemplateSays(t *testing.T) {
	text, err := generate(sam.Secret{Template: `{"user":"centre"}`, Key: "pepper", Length: 64, ExcludePunctuation: true})
	if err != nil || !regexp.MustCompile(`^\{"pepper":"[A-Za-z0-9]{64}","user":"centre"\}$`).Match(text) {
		t.Errorf("%s, %v", text, err)
	}
	again, err := generate(sam.Secret{Template: `{}`, Key: "pepper", Length: 64, ExcludePunctuation: true})
	if err != nil || strings.Contains(string(again), string(text[len(`{"pepper":"`):40])) {
		t.Errorf("twice the same: %s, %v", again, err)
	}
}

func TestWhatPeopleMustHearOfALog(t *testing.T) {
	for line, want := range map[string]string{
		`{"level":"INFO","msg":"request","status":200}`:                                "",
		`{"level":"WARN","msg":"retried","error":"busy"}`:                              "",
		`{"level":"ERROR","msg":"request","error":"table is gone"}`:                    "request error=table is gone",
		`{"level":"ERROR","msg":"the environment lacks a variable","variable":"NAME"}`: "the environment lacks a variable variable=NAME",
		`Sandbox.Timedout: Task timed out after 10.00 seconds 4711`:                    "Sandbox.Timedout: Task timed out after 10.00 seconds 4711",
		`panic: runtime error`:   "panic: runtime error",
		`goroutine 1 [running]:`: "",
		``:                       "",
	} {
		if got := complaint([]byte(line)); got != want {
			t.Errorf("%s: %q, want %q", line, got, want)
		}
	}
}
