package soak

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	standin "billingcentre/infra/local/alipay"
	"billingcentre/shared/api"
	"billingcentre/shared/api/apitest"
	"billingcentre/shared/counter"
	"billingcentre/shared/payment/alipay"
	"billingcentre/shared/recharge"
)

// order has a payer make an order, and do something with it: mostly pay it, at once or late, sometimes twice.
func (s *soak) order(i int) {
	s.Helper()
	order, ok := s.take(i)
	if !ok {
		return
	}
	s.orders[order.ID], s.ids = order.Account, append(s.ids, order.ID)
	switch s.throw(12) {
	case 0:
		s.tell("payers walk away before the scan")
	case 1:
		s.tell("payers walk away after the scan")
		_, _ = s.gateway.Scan(order.ID)
	case 2:
		s.tell("payers pay twice")
		s.pay(order.ID)
		if _, err := s.gateway.PayTwice(order.ID); err != nil {
			s.Errorf("order %d: %v", i, err)
		}
	case 3:
		s.tell("payers ask where the cash is")
		s.pay(order.ID)
		_, _ = s.ask(s.query(order.ID, ""))
	case 4:
		s.tell("payers scan, and pay late")
		_, _ = s.gateway.Scan(order.ID)
		s.later = append(s.later, delayed{order.ID, s.clock.now().Add(time.Duration(s.throw(25)) * time.Minute)})
	case 5:
		s.tell("payers pay late, and scan then")
		s.later = append(s.later, delayed{order.ID, s.clock.now().Add(time.Duration(s.throw(25)) * time.Minute)})
	case 6:
		s.tell("payers pay what we have closed")
		if err := s.sound.Close(s.Context(), order.ID); err != nil {
			s.Error(err)
		}
		s.pay(order.ID)
	default:
		s.pay(order.ID)
	}
}

// take makes an order as a client does: again with the same key until there is an answer.
func (s *soak) take(i int) (order counter.Order, ok bool) {
	s.Helper()
	account := string(s.account(i))
	body := fmt.Sprintf(`{"amount":"%d.%02d"}`, s.throw(2000), 1+s.throw(99))
	if s.throw(3) == 0 {
		body = body[:len(body)-1] + `,"way":"page","return_url":"https://console.example.com/done"}`
	}
	for range 60 {
		answer, err := s.ask(apitest.Call{
			Route: takeRoute, Params: map[string]string{"account": account}, Caller: api.Caller{Subject: "pat", Role: api.Owner, Account: s.account(i)},
			Key: fmt.Sprint("order-", i), Body: body,
		})
		if err != nil || answer.StatusCode >= 500 || answer.StatusCode == http.StatusConflict {
			continue
		}
		if answer.StatusCode > 201 {
			s.Fatalf("order %d: %d %s", i, answer.StatusCode, answer.Body)
		}
		if err := json.Unmarshal([]byte(answer.Body), &order); err != nil {
			s.Fatal(err)
		}
		s.goThere(order.PageURL)
		return order, true
	}
	s.Fatalf("order %d: no answer", i)
	return order, false
}

// goThere is what the shop's page does: it sends the payer to Alipay's.
func (s *soak) goThere(page string) {
	s.Helper()
	if page == "" {
		return
	}
	answer, err := http.Get(page)
	if err != nil {
		s.Fatal(err)
	}
	_ = answer.Body.Close()
}

func (s *soak) query(order, trade string) apitest.Call {
	account := s.orders[order]
	body := "{}"
	if trade != "" {
		body = `{"trade":"` + trade + `"}`
	}
	return apitest.Call{
		Route: queryRoute, Params: map[string]string{"account": string(account), "recharge": order},
		Caller: api.Caller{Subject: "pat", Role: api.Owner, Account: account}, Body: body,
	}
}

func (s *soak) pay(order string) {
	s.Helper()
	if _, err := s.gateway.Pay(order); err != nil && !errors.Is(err, standin.ErrDead) && !errors.Is(err, standin.ErrClosed) {
		s.Errorf("order %s: %v", order, err)
	}
}

// delayed is a payment that somebody puts off.
type delayed struct {
	order string
	at    time.Time
}

func (s *soak) payLater() {
	s.later = slices.DeleteFunc(s.later, func(d delayed) bool {
		if s.clock.now().Before(d.at) {
			return false
		}
		s.pay(d.order)
		return true
	})
}

// refundSome has an operator refund a fen of some order; of an unpaid one it is refused.
func (s *soak) refundSome() {
	answer, err := s.ask(apitest.Call{
		Route: refundRoute, Params: map[string]string{"recharge": s.ids[s.throw(len(s.ids))]}, Caller: api.Caller{Subject: "operator-1", Role: api.Operator},
		Key: "r", Body: `{"amount":"0.01","reason":"soak"}`,
	})
	if err == nil && answer.StatusCode == http.StatusCreated {
		s.tell("refunds by operators")
	}
}

// complain has those who paid one order twice ask for the payment by Alipay's number, where its notice never came: a query
// by the order tells one trade only. (The daily proof finds them too: they are in Alipay's bill, and nowhere here.)
func (s *soak) complain() {
	s.Helper()
	for _, trade := range s.gateway.Trades() {
		order, err := s.sound.Find(s.Context(), s.orders[trade.OutTradeNo], trade.OutTradeNo)
		if err != nil {
			s.Fatal(err)
		}
		if trade.PaidAt.IsZero() || order.State == recharge.Credited && order.Trade == trade.TradeNo || len(trade.Refunds) > 0 {
			continue
		}
		s.tell("payers complain")
		s.clock.move(time.Minute)
		if answer, err := s.ask(s.query(trade.OutTradeNo, trade.TradeNo)); err != nil || answer.StatusCode != http.StatusOK {
			s.Errorf("asking for trade %s: %d %s, %v", trade.TradeNo, answer.StatusCode, answer.Body, err)
		}
	}
}

// keyChange is both sides getting new keys, in the order that shared/payment/alipay/README.md asks for.
type keyChange struct {
	s           *soak
	next        standin.Credentials
	while, then alipay.Secret
}

func (s *soak) newKeys() *keyChange {
	before := s.gateway.Credentials()
	next := fresh()
	next.AppID, next.SellerID, next.Certificates = before.AppID, before.SellerID, before.Certificates
	c := &keyChange{s: s, next: must(next.Issued())}
	var err error
	if c.while, err = before.Secret(); err != nil {
		s.Fatal(err)
	}
	if c.then, err = c.next.Secret(); err != nil {
		s.Fatal(err)
	}
	c.while.NextPrivateKey, c.while.NextKey = c.then.PrivateKey, c.then.PublicKey
	c.while.NextAppCert, c.while.NextAlipayCert = c.then.AppCert, c.then.AlipayCert
	return c
}

func (c *keyChange) done(err error) {
	c.s.Helper()
	if err != nil {
		c.s.Fatal(err)
	}
}

func (c *keyChange) announce() { c.done(c.s.channel.Renew(c.while)) }
func (c *keyChange) use()      { c.done(c.s.gateway.Change(c.next, true)) }
func (c *keyChange) giveUp()   { c.done(c.s.gateway.Change(c.next, false)) }
func (c *keyChange) end()      { c.done(c.s.channel.Renew(c.then)) }
