package soak

import (
	"encoding/json"
	"testing"

	"billingcentre/shared/api"
	"billingcentre/shared/api/apitest"
	"billingcentre/shared/counter"
	"billingcentre/shared/money"
	"billingcentre/shared/recharge"
)

// T-52: a refund whose functions are killed after every number of calls. Money never leaves without having been held, what is held
// never stays held, and it leaves once.
func TestARefundKilledAtEveryCall(t *testing.T) {
	const most = 60
	for calls := 0; ; calls++ {
		if calls == most {
			t.Fatalf("a refund takes more than %d calls", most)
		}
		if killed := refundKilledAfter(t, calls); killed == 0 {
			t.Logf("tried all of %d calls", calls)
			return
		}
	}
}

func refundKilledAfter(t *testing.T, calls int) (killed int) {
	s := newSoak(t, 2, 1)
	s.calm.Store(true)
	order, _ := s.take(0)
	s.pay(order.ID)
	s.gateway.Deliver(s.Context())
	paid := s.fen(order.Amount)
	check := func(when string) (cash, pending, sent int64) {
		t.Helper()
		cash, pending = s.wallets()
		trade, _ := s.gateway.Trade(order.ID)
		if sent = s.sentBack(trade); cash+sent > paid || sent > 1 || pending > 1 || len(trade.Refunds) > 1 {
			t.Errorf("killed after %d calls, %s: cash %d, held %d, sent back %d of %d", calls, when, cash, pending, sent, paid)
		}
		return cash, pending, sent
	}
	wish := apitest.Call{
		Route: refundRoute, Params: map[string]string{"recharge": order.ID}, Caller: api.Caller{Subject: "operator-1", Role: api.Operator},
		Key: "r", Body: `{"amount":"0.01","reason":"killed"}`,
	}
	s.killAfter = calls
	if _, err := s.ask(wish); err != nil {
		killed++
	}
	check("wished")
	s.killAfter = -1
	answer, err := s.ask(wish)
	var refund counter.Refund
	if err != nil || json.Unmarshal([]byte(answer.Body), &refund) != nil || refund.ID == "" {
		t.Fatalf("wished again: %d %s, %v", answer.StatusCode, answer.Body, err)
	}
	if cash, pending, sent := check("wished again"); cash != paid-1 || pending != 1 || sent != 0 {
		t.Errorf("killed after %d calls: cash %d, held %d, sent %d before the poller ran", calls, cash, pending, sent)
	}
	s.killAfter = calls
	before := s.told["killed invocations"]
	for range 3 {
		s.minute()
		check("pursued")
	}
	killed += s.told["killed invocations"] - before
	s.killAfter = -1
	s.settle()
	if cash, pending, sent := check("in the end"); cash != paid-1 || pending != 0 || sent != 1 {
		t.Errorf("killed after %d calls: in the end cash %d, held %d, sent back %d", calls, cash, pending, sent)
	}
	return killed
}

// T-50: a part is refunded, then the rest. Alipay tells the first as TRADE_SUCCESS once more and the second as TRADE_CLOSED: neither
// credits, neither is a case, and the day's proof has them all.
func TestAPartIsRefundedAndThenTheRest(t *testing.T) {
	s := newSoak(t, 3, 1)
	s.calm.Store(true)
	order, _ := s.take(0)
	s.orders[order.ID], s.ids = order.Account, append(s.ids, order.ID)
	s.pay(order.ID)
	s.minutes(1)
	s.refundSome()
	s.minutes(2)
	rest := money.Of(money.CNY, s.fen(order.Amount)-1)
	answer, err := s.ask(apitest.Call{
		Route: refundRoute, Params: map[string]string{"recharge": order.ID}, Caller: api.Caller{Subject: "operator-1", Role: api.Operator},
		Key: "rest", Body: `{"amount":"` + rest.String() + `","reason":"all of it"}`,
	})
	if err != nil || answer.StatusCode != 201 {
		t.Fatalf("%d %s, %v", answer.StatusCode, answer.Body, err)
	}
	s.settle()
	s.minutes(1)
	trade, _ := s.gateway.Trade(order.ID)
	now, err := s.sound.Find(t.Context(), order.Account, order.ID)
	cash, pending := s.wallets()
	if err != nil || cash != 0 || pending != 0 || len(trade.Refunds) != 2 || trade.Status != "TRADE_CLOSED" || now.State != recharge.Credited || s.kept() != "" {
		t.Errorf("cash %d, held %d, trade %s with %d refunds, order %s, cases %q, %v", cash, pending, trade.Status, len(trade.Refunds), now.State, s.kept(), err)
	}
	for _, n := range trade.Notices {
		if !n.Accepted() {
			t.Errorf("the notice of %s isn't accepted: %+v", n.Status, n.Sends)
		}
	}
	s.proves()
}
