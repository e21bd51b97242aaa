package centre

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	local "billingcentre/infra/local/sqs"
	"billingcentre/shared/bill"
	"billingcentre/shared/money"
	"billingcentre/shared/wallet"
)

func over(t *testing.T, handler http.HandlerFunc) *Caller {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	caller, err := New(Options{API: server.URL, Token: func(role, account string) (string, error) { return role + ":" + account, nil }}).Owner("a")
	if err != nil {
		t.Fatal(err)
	}
	return caller
}

func TestABusyCentreIsAskedAgainWithTheSameRequest(t *testing.T) {
	var seen []string
	c := over(t, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		seen = append(seen, r.Method+" "+r.Header.Get("Idempotency-Key")+" "+r.Header.Get("Authorization")+" "+string(body))
		if len(seen) == 1 {
			w.WriteHeader(http.StatusTooManyRequests)
			return
		}
		w.Header().Set("Idempotent-Replay", "true")
		_, _ = w.Write([]byte(`{"x":1}`))
	})
	var into struct{ X int }
	repeated, err := c.Post(t.Context(), "/v1/things", "key", map[string]int{"y": 2}, &into)
	if err != nil || !repeated || into.X != 1 {
		t.Errorf("%v, %v, %+v", repeated, err, into)
	}
	want := `POST key Bearer owner:a {"y":2}`
	if diff := cmp.Diff([]string{want, want}, seen); diff != "" {
		t.Error(diff)
	}
}

func TestARefusalTellsWhatTheCentreSaid(t *testing.T) {
	c := over(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusConflict)
		_, _ = w.Write([]byte(`{"type":"urn:billing-centre:problem:conflict","detail":"It is so."}`))
	})
	_, err := c.Do(t.Context(), http.MethodGet, "/v1/things", "", nil)
	refused, ok := errors.AsType[*Refused](err)
	if !ok || refused.Status != http.StatusConflict || refused.Detail != "It is so." || !strings.HasSuffix(refused.Type, "conflict") {
		t.Errorf("%v", err)
	}
}

func TestAListIsReadToItsEnd(t *testing.T) {
	pages := map[string]string{"": `{"items":[1,2],"next_cursor":"a&b"}`, "a&b": `{"items":[3]}`}
	c := over(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte(pages[r.URL.Query().Get("cursor")]))
	})
	all, err := All[int](t.Context(), c, "/v1/things")
	if diff := cmp.Diff([]int{1, 2, 3}, all); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

// Batches stay within both limits of SQS: ten messages, and one MiB in all.
func TestBillsAreSentInBatchesThatTheQueueTakes(t *testing.T) {
	queues := local.New(local.Options{})
	queue, err := queues.Create("bills", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(queues)
	t.Cleanup(server.Close)
	c := New(Options{AWS: server.URL, Queue: server.URL + "/000000000000/bills"})

	var bills []wallet.Bill
	for n := range 25 {
		b := wallet.Bill{ID: wallet.BillID("b-" + string(rune('a'+n))), Workspace: "w", Day: "2024-09-01", Currency: money.CNY}
		for range 1 + 100*n { // the last ones have some 250 kB each
			b.Lines = append(b.Lines, wallet.Line{Product: strings.Repeat("p", 60), Usage: "1", Amount: money.ZeroExact(money.CNY)})
		}
		bills = append(bills, b)
	}
	var progress []int
	carried, err := c.Send(t.Context(), bills, func(n int) { progress = append(progress, n) })
	if err != nil {
		t.Fatal(err)
	}
	if len(carried) != len(bills) || progress[0] != 10 || progress[len(progress)-1] != len(bills) || len(progress) < 4 {
		t.Errorf("%d messages, in steps of %v", len(carried), progress)
	}
	if waiting, err := c.Waiting(t.Context()); err != nil || waiting != len(bills) {
		t.Errorf("%d messages on the queue, %v", waiting, err)
	}
	messages, err := queue.Receive(t.Context(), local.Receipt{Max: 100})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range messages {
		if !strings.Contains(m.Body, `"bill_id":"`+string(carried[m.ID])+`"`) {
			t.Errorf("message %s doesn't carry %s", m.ID, carried[m.ID])
		}
	}
	if got := string(bill.Encode(bills[0])); messages[0].Body != got {
		t.Errorf("the first message is %s, want %s", messages[0].Body, got)
	}
}
