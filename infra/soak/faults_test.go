package soak

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	standin "billingcentre/infra/local/alipay"
	"billingcentre/shared/counter"
	"billingcentre/shared/proof"
	"billingcentre/shared/quarantine"
)

const (
	precreate   = "alipay.trade.precreate"
	query       = "alipay.trade.query"
	refund      = "alipay.trade.refund"
	refundQuery = "alipay.trade.fastpay.refund.query"
	billURL     = "alipay.data.dataservice.bill.downloadurl.query"
	notice      = "notice"
)

// Every fault of the switchboard alone, and everything odd that payers do: each ends with the right balance, no more cases than it must,
// and a day that is proved.
func TestEveryFaultAlone(t *testing.T) {
	once := func(what string, fate standin.Fate) []forced { return []forced{{what, fate, 1}} }
	for name, row := range map[string]struct {
		faults []forced
		payer  func(s *soak, order counter.Order) // pays at once, when nil
		cases  string
	}{
		"nothing":                                 {},
		"precreate lost":                          {faults: once(precreate, standin.Lost)},
		"precreate done, its answer lost":         {faults: once(precreate, standin.AnswerLost)},
		"precreate answered 20000":                {faults: once(precreate, standin.Busy)},
		"query lost, the notice too":              {faults: []forced{{notice, standin.Lost, 1}, {query, standin.Lost, 3}}},
		"query's answer lost, the notice too":     {faults: []forced{{notice, standin.Lost, 1}, {query, standin.AnswerLost, 3}}},
		"query answered 20000, the notice lost":   {faults: []forced{{notice, standin.Lost, 1}, {query, standin.Busy, 3}}},
		"refund lost":                             {faults: once(refund, standin.Lost)},
		"refund done, its answer lost":            {faults: once(refund, standin.AnswerLost)},
		"refund answered 20000 after success":     {faults: once(refund, standin.Busy)},
		"refund's answer and its query's lost":    {faults: []forced{{refund, standin.AnswerLost, 1}, {refundQuery, standin.Lost, 2}}},
		"the bill's address lost":                 {faults: once(billURL, standin.AnswerLost)},
		"the notice lost for ever":                {faults: once(notice, standin.Lost)},
		"the notice late":                         {faults: once(notice, standin.Late)},
		"the notice twice":                        {faults: once(notice, standin.Twice)},
		"beside one with another amount":          {faults: once(notice, standin.WrongAmount), cases: "amount"},
		"beside a forged one":                     {faults: once(notice, standin.WrongSignature)},
		"out of order, beside WAIT and FINISHED":  {faults: once(notice, standin.Shuffled)},
		"success after close, as Alipay tells it": {faults: once(notice, standin.ClosedFirst)},
		"the trade doesn't exist before the scan": {payer: func(s *soak, o counter.Order) { s.minutes(7); s.pay(o.ID) }},
		"scanned, and paid minutes later":         {payer: func(s *soak, o counter.Order) { _, _ = s.gateway.Scan(o.ID); s.minutes(7); s.pay(o.ID) }},
		"success after close, as we have it":      {payer: func(s *soak, o counter.Order) { _ = s.sound.Close(s.Context(), o.ID); s.pay(o.ID) }},
		"paid twice":                              {payer: func(s *soak, o counter.Order) { s.pay(o.ID); s.payAgain(o.ID) }},
		"paid twice, and the second notice is lost": {payer: func(s *soak, o counter.Order) {
			s.pay(o.ID)
			s.minutes(1)
			s.payAgain(o.ID)
			s.faults = append(s.faults, forced{notice, standin.Lost, 1})
		}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSoak(t, 2, 1)
			s.calm.Store(true)
			s.faults = row.faults
			order, _ := s.take(0)
			s.orders[order.ID], s.ids = order.Account, append(s.ids, order.ID)
			if row.payer != nil {
				row.payer(s, order)
			} else {
				s.pay(order.ID)
			}
			s.minutes(8)
			s.refundSome()
			s.settle()
			s.complain()
			s.settle()
			s.balance()
			if slices.ContainsFunc(s.faults, func(f forced) bool { return f.what == billURL }) {
				s.noonFails(t)
			}
			s.proves()
			if diff := cmp.Diff(row.cases, s.kept()); diff != "" {
				t.Errorf("cases (-want +got):\n%s", diff)
			}
			for _, f := range s.faults {
				if f.times > 0 {
					t.Errorf("%s, %s: %d times too few", f.what, f.fate, f.times)
				}
			}
		})
	}
}

// forced is a fault that happens to the next calls or notices of a kind.
type forced struct {
	what  string
	fate  standin.Fate
	times int
}

func (s *soak) forcedFate(what string) standin.Fate {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.faults {
		if f := &s.faults[i]; f.what == what && f.times > 0 {
			f.times--
			return f.fate
		}
	}
	return standin.Fine
}

func (s *soak) minutes(n int) {
	for range n {
		s.minute()
	}
}

func (s *soak) payAgain(order string) {
	if _, err := s.gateway.PayTwice(order); err != nil {
		s.Error(err)
	}
}

// noonFails wants a morning whose bill can't be had to fail, so that an alarm rings and the next run makes up for it.
func (s *soak) noonFails(t *testing.T) {
	t.Helper()
	at := s.clock.now().In(gmt8)
	s.clock.move(time.Date(at.Year(), at.Month(), at.Day()+1, 9, 30, 0, 0, gmt8).Sub(at))
	if _, err := s.invoke(s.functions.proof, proof.Duty{Duty: "proof"}); err == nil {
		t.Error("a day without its bill is proved")
	}
}

// kept are the kinds of all that waits for an operator.
func (s *soak) kept() string {
	s.Helper()
	messages, _, err := (&quarantine.Quarantine{Store: s.store, Now: s.clock.now}).List(s.Context(), "", 100)
	if err != nil {
		s.Fatal(err)
	}
	var kinds []string
	for _, m := range messages {
		kinds = append(kinds, fmt.Sprint(m.Kind))
	}
	return strings.Join(kinds, " ")
}
