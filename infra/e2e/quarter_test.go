package e2e

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/aws/aws-lambda-go/events"

	"billingcentre/infra/demo/centre"
	"billingcentre/infra/local/stack"
	"billingcentre/shared/bill"
	"billingcentre/shared/wallet"
)

// quarter is an account, and a stack of its own, whose clock it goes through three months by.
type quarter struct {
	*account
	stack *stack.Stack
	zone  *time.Location
}

// begins is when the account is opened. The clock can only be set forward: far enough for many years of runs.
var begins = time.Date(2040, 1, 1, 10, 0, 0, 0, time.FixedZone("", 8*3600))

// The quarter of one account, through the functions that would be deployed: what is in its lists, exports, bills and
// letters must agree with its entries to the fen, in both languages. The files in testdata/quarter are what its
// customer gets; `go test ./infra/e2e -run AQuarter -update` writes them anew, to be read by eye.
func TestAQuarterInTheLifeOfAnAccount(t *testing.T) {
	t.Parallel() // it mostly waits, on a stack of its own
	q := newQuarter(t)
	q.january()
	q.february()
	q.march()
	q.agree()
	q.filesAgree()
}

// january: money comes in, vouchers of three kinds, a card with its gift; two workspaces of the wallet, one of a cloud.
// A voucher that no bill is large enough for lapses.
func (q *quarter) january() {
	q.openAt(begins)
	q.topUp("first", "10130.00")
	q.post(q.owner, q.path("/card-purchases"), "card", map[string]string{"face_value": "10000.00"}, nil)
	q.code("50.00")
	q.post(q.operator, q.desk("/vouchers"), "large", map[string]any{
		"kind": "discount", "face_value": "80.00", "min_bill_amount": "5000.00", "valid_days": 20, "reason": "for large bills",
	}, nil)
	q.mailed("topped_up", 1)
	q.mailed("card_bought", 1)
	q.mailed("voucher_activated", 2)
	for _, day := range []string{"2040-01-01", "2040-01-09", "2040-01-16"} {
		q.night(day)
	}
	q.to("2040-01-18 12:00") // within three days of the large voucher's expiry
	q.invoke("ExpiryFunction", "expiry")
	q.mailed("lot_expiring", 1)
	q.to("2040-01-22 12:00") // the grace is over, too
	q.invoke("ExpiryFunction", "expiry")
	q.mailed("lot_lapsed", 1)
	q.night("2040-01-24")
	q.night("2040-01-31")
}

// february: January's bill comes on the 4th; the funds run out, and arrears grow. What is billed by mistake is reversed.
func (q *quarter) february() {
	q.to("2040-02-04 00:30")
	q.monthlyBill("2040-01", 1)
	q.night("2040-02-05")
	q.mailed("low_balance", 1)
	q.night("2040-02-12")
	q.night("2040-02-19")
	q.post(q.operator, "/v1/operator/bills/shop-2040-02-19/reversal", "mistake", map[string]string{"reason": "billed twice by the probe"}, nil)
	q.night("2040-02-26")
	q.night("2040-02-28")
	q.night("2040-02-29") // 2040 is a leap year
}

// march: February's bill starts the countdown; reminder, lock; a bill of January comes late; repaying unlocks at once.
func (q *quarter) march() {
	q.to("2040-03-04 00:30")
	q.monthlyBill("2040-02", 2)
	q.state("counting")
	q.mailed("arrears_countdown", 1)
	q.to("2040-03-15 01:00")
	q.invoke("ArrearsFunction", "arrears")
	q.mailed("arrears_reminder", 1)
	q.state("counting")
	q.to("2040-03-18 01:00")
	q.invoke("ArrearsFunction", "arrears")
	q.state("locked")
	q.mailed("locked", 1)
	q.to("2040-03-20 03:00")
	q.settle(q.usage("late", "api", "2040-01-31", line{"sms", "55", "message", "5.5"}, line{"logs", "3.3", "M", "4.95"}))
	q.topUp("second", "8000.00")
	q.state("clear")
	q.mailed("unlocked", 1)
	q.mailed("topped_up", 2)
	q.night("2040-03-21")
	q.mailed("low_balance", 2)
	q.to("2040-04-04 00:30")
	q.monthlyBill("2040-03", 3)
}

func newQuarter(t *testing.T) *quarter {
	t.Helper()
	if testing.Short() {
		t.Skip("-short: not without the stack")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	s, err := stack.Start(ctx, stack.Options{State: t.TempDir(), Memory: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	q := &quarter{account: &account{t: t, id: "quarter", currency: "CNY", centre: s.Running.Centre(s.Issuer)}, stack: s, zone: begins.Location()}
	q.operator, q.owner = q.as("operator"), q.as("owner")
	return q
}

// to lets time pass until a time of the account's own clock.
func (q *quarter) to(local string) {
	q.t.Helper()
	at, err := time.ParseInLocation("2006-01-02 15:04", local, q.zone)
	if err != nil {
		q.t.Fatal(err)
	}
	q.until(at)
}

func (q *quarter) until(at time.Time) {
	q.t.Helper()
	if err := q.stack.Forward(at.Sub(q.stack.Now())); err != nil {
		q.t.Fatal(err)
	}
}

// openAt opens the account with its workspaces, its cloud account, and an address for its letters.
func (q *quarter) openAt(at time.Time) {
	q.t.Helper()
	q.until(at)
	q.post(q.operator, "/v1/accounts", "", map[string]string{"account_id": q.id, "name": "Quarter 有限公司"}, nil)
	q.put(q.owner, q.path("/notice-preferences"), map[string]any{
		"version": 0, "addresses": []string{"finance@example.com"}, "language": "zh", "unwanted": []string{"high_consumption"}, "low_balance": "1000.00",
	})
	aws := map[string]string{"provider": "aws", "customer": "123456789012"}
	q.post(q.operator, q.path("/cloud-links"), "", aws, nil)
	for workspace, more := range map[string]map[string]any{
		"shop": {}, "api": {}, "edge": {"settlement_method": "cloud", "cloud": aws},
	} {
		more["workspace_id"], more["from"] = workspace, "2039-12-31T16:00:00Z"
		q.post(q.operator, q.path("/workspaces"), "", more, nil)
	}
}

func (q *quarter) put(c *centre.Caller, path string, body any) {
	q.t.Helper()
	if _, err := c.Do(q.t.Context(), http.MethodPut, path, "", body); err != nil {
		q.t.Fatal(err)
	}
}

// topUp pays an order at Alipay.
func (q *quarter) topUp(key, amount string) {
	q.t.Helper()
	order, _ := q.recharge(key, amount)
	if _, err := q.stack.Alipay.Scan(order.ID); err != nil {
		q.t.Fatal(err)
	}
	if _, err := q.stack.Alipay.Pay(order.ID); err != nil {
		q.t.Fatal(err)
	}
	q.credited(order.ID)
}

// code issues an activation code and enters it, as somebody would who typed it.
func (q *quarter) code(face string) {
	q.t.Helper()
	var batch struct {
		Codes []string `json:"codes"`
	}
	q.post(q.operator, "/v1/operator/voucher-batches", "codes", map[string]any{
		"kind": "regular", "currency": "CNY", "face_value": face, "count": 1, "code_valid_until": "2040-02-01T00:00:00+08:00", "note": "new year",
	}, &batch)
	q.post(q.owner, q.path("/voucher-activations"), "code", map[string]string{"code": strings.ToLower(batch.Codes[0])}, nil)
}

type line struct{ product, usage, unit, amount string }

func (q *quarter) usage(id, workspace, day string, lines ...line) wallet.Bill {
	b := wallet.Bill{ID: wallet.BillID(id), Workspace: wallet.WorkspaceID(workspace), Day: day, Currency: "CNY"}
	for _, l := range lines {
		b.Lines = append(b.Lines, wallet.Line{Product: l.product, Usage: l.usage, Unit: l.unit, Amount: exact(q.t, l.amount, "CNY")})
	}
	return b
}

// night settles what the workspaces used on a day, early the next one: a realistic day many times over, one of less than
// a fen, and one that a cloud account pays the rest of.
func (q *quarter) night(day string) {
	q.t.Helper()
	at, err := time.ParseInLocation(time.DateOnly, day, q.zone)
	if err != nil {
		q.t.Fatal(err)
	}
	if next := at.Add(27 * time.Hour); next.After(q.stack.Now()) {
		q.until(next)
	}
	q.settle(
		q.usage("shop-"+day, "shop", day,
			line{"time_series", "1500000", "series", "1050"}, line{"logs", "350", "M", "525.000001"}, line{"dial_testing", "900", "10k", "90"}, line{"sms", "450", "message", "45"}),
		q.usage("api-"+day, "api", day, line{"logs", "0.00015", "M", "0.00022672899"}, line{"sms", "1", "message", "0.1"}),
		q.usage("edge-"+day, "edge", day, line{"page_views", "120", "10k", "24.3333333333"}, line{"sms", "7", "message", "0.7"}),
	)
	q.charged() // marketplaces take nothing that is older than hours
}

// settle hands bills to the function in one batch, whose order is theirs: so the files are the same in each run.
func (q *quarter) settle(bills ...wallet.Bill) {
	q.t.Helper()
	queue, err := q.stack.Queue("UsageBillQueue")
	if err != nil {
		q.t.Fatal(err)
	}
	var batch events.SQSEvent
	for _, b := range bills {
		batch.Records = append(batch.Records, events.SQSMessage{
			MessageId: string(b.ID), ReceiptHandle: "none", Body: string(bill.Encode(b)), EventSource: "aws:sqs", EventSourceARN: queue.ARN(),
			Attributes: map[string]string{"ApproximateReceiveCount": "1", "SentTimestamp": fmt.Sprint(q.stack.Now().UnixMilli())},
		})
	}
	event, err := json.Marshal(batch)
	if err != nil {
		q.t.Fatal(err)
	}
	answer, err := q.stack.Invoke(q.t.Context(), "BillSettlementFunction", event)
	if err != nil {
		q.t.Fatal(err)
	}
	var failed events.SQSEventResponse
	if err := json.Unmarshal(answer, &failed); err != nil || len(failed.BatchItemFailures) > 0 {
		q.t.Fatalf("settling: %s, %v", answer, err)
	}
	for _, b := range bills {
		q.settled(b.ID)
	}
}

// invoke starts a function as its schedule does, rather than wait for the minute.
func (q *quarter) invoke(function, duty string) {
	q.t.Helper()
	if _, err := q.stack.Invoke(q.t.Context(), function, []byte(`{"duty":"`+duty+`"}`)); err != nil {
		q.t.Fatal(err)
	}
}

// monthlyBill waits for a month's bill, which a schedule plans and a queue brings, and for its letter.
func (q *quarter) monthlyBill(month string, nth int) {
	q.t.Helper()
	await(q.t, "the bill of "+month+" is made", func() (bool, error) {
		err := q.owner.Get(q.t.Context(), q.path("/monthly-bills/"+month), nil)
		if gone(err) {
			return false, nil
		}
		return err == nil, err
	})
	q.mailed("monthly_bill", nth)
}

// state waits until the account's arrears are in a state.
func (q *quarter) state(want string) {
	q.t.Helper()
	var now struct {
		State string `json:"state"`
	}
	await(q.t, "the arrears are "+want, func() (bool, error) {
		err := q.owner.Get(q.t.Context(), q.path("/arrears"), &now)
		return now.State == want, err
	})
}

// mailed waits until as many letters of a kind have arrived. What is told so much later that it is no news is not sent:
// so the clock isn't set forward before.
func (q *quarter) mailed(kind string, times int) {
	q.t.Helper()
	await(q.t, fmt.Sprintf("%d letters of %s", times, kind), func() (bool, error) {
		letters, err := centre.All[letter](q.t.Context(), q.owner, q.path("/notices"))
		sent := 0
		for _, l := range letters {
			if l.Kind == kind && len(l.Recipients) > 0 && l.Recipients[0].Status == "delivered" {
				sent++
			}
		}
		if sent > times {
			return false, fmt.Errorf("there are %d", sent)
		}
		return sent == times, err
	})
}

type letter struct {
	Kind       string `json:"kind"`
	Recipients []struct {
		Status string `json:"status"`
	} `json:"recipients"`
}

// charged waits until what the cloud owes is accepted at its marketplace.
func (q *quarter) charged() {
	q.t.Helper()
	await(q.t, "all cloud charges are accepted", func() (bool, error) {
		if _, err := q.stack.Invoke(q.t.Context(), "CloudChargesFunction", []byte(`{"duty":"cloud-charges"}`)); err != nil {
			return false, err
		}
		charges, err := centre.All[struct {
			Status string `json:"status"`
		}](q.t.Context(), q.owner, q.path("/cloud-charges"))
		for _, c := range charges {
			if c.Status != "accepted" {
				return false, err
			}
		}
		return true, err
	})
}
