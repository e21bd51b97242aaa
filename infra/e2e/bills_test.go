package e2e

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"billingcentre/shared/bill"
	"billingcentre/shared/wallet"
)

// README rule 18: once, ever, however often it comes; and with other content it is kept for an operator.
func TestABillSettlesOnce(t *testing.T) {
	running(t)
	t.Parallel()
	a := open(t, "once", "CNY")
	a.cash("100.00")
	a.bind("once-workspace")
	one := a.bill("once-1", "once-workspace", "logs", "1.00")
	var many []wallet.Bill
	for range 32 {
		many = append(many, one)
	}
	a.send(many...)
	a.settled(one.ID)
	await(t, "the queue is empty", func() (bool, error) {
		waiting, err := a.centre.Waiting(t.Context())
		return waiting == 0, err
	})
	if w := a.wallet(); w.Cash != "99.00" {
		t.Errorf("cash %s after one bill 32 times, want 99.00", w.Cash)
	}
	other := a.bill("once-1", "once-workspace", "logs", "2.00")
	for message := range a.send(other) {
		if kept := a.quarantined(message); kept.Kind != "key_reused" {
			t.Errorf("the id with other content is kept as %q", kept.Kind)
		}
	}
	if w := a.wallet(); w.Cash != "99.00" {
		t.Errorf("cash %s: the first didn't stand", w.Cash)
	}
}

// A message that can't be settled doesn't stop its neighbours, is kept with its reason, and can be sent again.
func TestPoisonIsKeptAndReplayed(t *testing.T) {
	running(t)
	t.Parallel()
	a := open(t, "poison", "CNY")
	a.cash("10.00")
	a.bind("poison-workspace")
	good, stray := a.bill("poison-good", "poison-workspace", "logs", "1.00"), a.bill("poison-stray", "poison-workspace", "logs", "2.00")
	ids, err := a.centre.SendBodies(t.Context(), `{"version":1,`, string(bill.Encode(good)))
	if err != nil {
		t.Fatal(err)
	}
	sent, err := a.centre.SQS().SendMessage(t.Context(), &sqs.SendMessageInput{
		QueueUrl: aws.String(a.centre.Queue()), MessageBody: aws.String(string(bill.Encode(stray))),
		MessageAttributes: map[string]types.MessageAttributeValue{
			"account": {DataType: aws.String("String"), StringValue: aws.String("somebody-else")},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	a.settled(good.ID)
	if kept := a.quarantined(ids[0]); kept.Kind != "invalid" || kept.Status != "open" {
		t.Errorf("poison is kept as %+v", kept)
	}
	message := aws.ToString(sent.MessageId)
	if kept := a.quarantined(message); kept.Kind != "forbidden" {
		t.Errorf("a bill whose sender says that it is another account's is kept as %+v", kept)
	}
	if w := a.wallet(); w.Cash != "9.00" {
		t.Errorf("cash %s before the replay, want 9.00", w.Cash)
	}
	// The replay is the bill alone, without what its sender said about it.
	a.post(a.operator, "/v1/operator/quarantine/"+message+"/replay", "", nil, nil)
	a.settled(stray.ID)
	if kept := a.quarantined(message); kept.Status != "replayed" {
		t.Errorf("after its replay it is %q", kept.Status)
	}
	if w := a.wallet(); w.Cash != "7.00" {
		t.Errorf("cash %s after the replay, want 7.00", w.Cash)
	}
}

// README rule 21: what was paid goes back, once.
func TestABillIsReversedOnce(t *testing.T) {
	running(t)
	t.Parallel()
	a := open(t, "reversed", "CNY")
	a.voucher("regular", "4.00")
	a.cash("10.00")
	a.bind("reversed-workspace")
	a.send(a.bill("reversed-1", "reversed-workspace", "logs", "6.001"))
	a.settled("reversed-1")
	path, why := "/v1/operator/bills/reversed-1/reversal", map[string]string{"reason": "billed by mistake"}
	a.post(a.operator, path, "undo", why, nil)
	if repeated := a.post(a.operator, path, "undo", why, nil); !repeated {
		t.Error("the same reversal again isn't told as such")
	}
	if _, err := a.operator.Post(t.Context(), path, "undo-again", why, nil); status(err) != http.StatusConflict {
		t.Errorf("a second reversal: %v", err)
	}
	if w := a.wallet(); w.Vouchers.Regular != "4.00" || w.Cash != "10.00" || w.Carried.General != "0" {
		t.Errorf("%+v", w)
	}
}

// Every entry leaves through the outbox, exactly as it was committed.
func TestEveryEntryIsTold(t *testing.T) {
	running(t)
	t.Parallel()
	a := open(t, "told", "CNY")
	a.bind("told-workspace")
	for n := range 3 {
		a.send(a.bill(fmt.Sprintf("told-%d", n), "told-workspace", "logs", "1.00"))
	}
	for n := range 3 {
		a.settled(wallet.BillID(fmt.Sprintf("told-%d", n)))
	}
	var entries struct {
		Items []struct {
			Key string `json:"key"`
		} `json:"items"`
	}
	a.get(a.path("/entries"), &entries)
	if len(entries.Items) != 4 {
		t.Fatalf("%d entries, want the opening and three bills", len(entries.Items))
	}
	log := filepath.Join(shared.state, "logs", "outbox.log")
	await(t, "the outbox tells every entry", func() (bool, error) {
		text, err := os.ReadFile(log)
		for _, e := range entries.Items {
			if !strings.Contains(string(text), `"event_key":"`+e.Key+`"`) {
				return false, err
			}
		}
		return true, err
	})
}
