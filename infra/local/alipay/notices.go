package alipay

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Notice is one message about a trade, and how its sends went.
type Notice struct {
	ID     string    `json:"id"`
	Status string    `json:"status"` // of the trade when it was written
	Sends  []Send    `json:"sends,omitempty"`
	NextAt time.Time `json:"next_at"` // when it is sent (again); zero when it is done with

	RefundNo  string    `json:"refund_no,omitempty"`  // out_request_no of the refund that it tells of
	RefundFee string    `json:"refund_fee,omitempty"` // all that was sent back by then
	RefundAt  time.Time `json:"refund_at,omitzero"`

	flying bool // being sent right now
}

// Send is one attempt and what it got.
type Send struct {
	At     time.Time `json:"at"`
	Status int       `json:"status,omitempty"` // of HTTP; 0 when there was no answer
	Answer string    `json:"answer"`           // the beginning of the body, or the network's error
}

// Accepted tells whether the last send got what Alipay wants to hear.
func (n Notice) Accepted() bool {
	return len(n.Sends) > 0 && n.Sends[len(n.Sends)-1].accepted()
}

func (s Send) accepted() bool { return s.Status == http.StatusOK && s.Answer == "success" }

const (
	atOnce     = 4   // notices in flight at one time
	mostAnswer = 256 // bytes of an answer that are kept
)

// nudge tells Run that something is due.
func (g *Gateway) nudge() {
	select {
	case g.wake <- struct{}{}:
	default:
	}
}

// untilNext is how long Run may sleep.
func (g *Gateway) untilNext() time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	now, wait := g.options.Now(), time.Minute
	for _, t := range g.trades {
		for _, n := range t.Notices {
			if !n.NextAt.IsZero() && !n.flying {
				wait = min(wait, n.NextAt.Sub(now))
			}
		}
	}
	return max(wait, 10*time.Millisecond)
}

// task is a notice that is to be sent now.
type task struct {
	trade   *Trade
	at      int // the notice's index
	url     string
	content map[string]string
	form    string // sent as it is, instead of content; its answer doesn't count
}

// Deliver sends every notice that is due now, a few at a time, and returns how many it sent. It waits for their answers.
func (g *Gateway) Deliver(ctx context.Context) int {
	tasks := g.due()
	slots := make(chan struct{}, atOnce)
	var all sync.WaitGroup
	for _, t := range tasks {
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			g.settle(t, g.post(ctx, t))
		})
	}
	all.Wait()
	return len(tasks)
}

// due takes what is due and marks it, so that nobody else sends it at the same time.
func (g *Gateway) due() []task {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.options.Now()
	var tasks []task
	for _, t := range g.trades {
		for i := range t.Notices {
			n := &t.Notices[i]
			if n.NextAt.IsZero() || n.flying || now.Before(n.NextAt) {
				continue
			}
			fate := Fine
			if len(n.Sends) == 0 {
				fate = g.spoil("notice", t.OutTradeNo)
			}
			switch fate {
			case Lost:
				n.NextAt = time.Time{} // for ever
				continue
			case Late:
				n.NextAt = now.Add(late)
				n.Sends = append(n.Sends, Send{At: now, Answer: "held back"})
				continue
			}
			n.flying = true
			for _, wrong := range g.wrong(fate, *t, *n, now) {
				tasks = append(tasks, task{url: t.NotifyURL, form: wrong})
			}
			tasks = append(tasks, task{trade: t, at: i, url: t.NotifyURL, content: g.credentials.NoticeFields(*t, *n, now)})
		}
	}
	return tasks
}

// settle writes down how a send went and when the next one is.
func (g *Gateway) settle(t task, s Send) {
	if t.trade == nil {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	n := &t.trade.Notices[t.at]
	n.flying = false
	n.Sends = append(n.Sends, s)
	if repeat := len(n.Sends) - 1; s.accepted() || repeat >= len(schedule) {
		n.NextAt = time.Time{}
	} else {
		n.NextAt = s.At.Add(schedule[repeat] / time.Duration(g.options.Speed))
	}
	g.options.Log.Info("alipay stand-in sent a notice", "order", t.trade.OutTradeNo, "send", len(n.Sends),
		"status", s.Status, "answer", s.Answer, "accepted", s.accepted())
	if err := g.journal.Write(t.trade); err != nil {
		g.options.Log.Error("alipay stand-in can't keep a trade", "order", t.trade.OutTradeNo, "error", err)
	}
}

// post sends one notice. Only a plain 200 with exactly "success" ends the repeats.
func (g *Gateway) post(ctx context.Context, t task) Send {
	s := Send{At: g.options.Now()}
	form := t.form
	if form == "" {
		var err error
		if form, err = g.Credentials().SignNotice(t.content); err != nil {
			s.Answer = err.Error()
			return s
		}
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, t.url, strings.NewReader(form))
	if err != nil {
		s.Answer = err.Error()
		return s
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	r.Header.Set("User-Agent", "Mozilla/4.0")
	answer, err := g.options.Client.Do(r)
	if err != nil {
		s.Answer = err.Error()
		return s
	}
	defer drain(answer.Body)
	body, err := io.ReadAll(io.LimitReader(answer.Body, mostAnswer))
	if err != nil {
		s.Answer = err.Error()
		return s
	}
	s.Status, s.Answer = answer.StatusCode, string(body)
	return s
}

// NoticeFields are the fields of a notice about a trade, as Alipay sends them; SignNotice makes the form of them.
func (c Credentials) NoticeFields(t Trade, n Notice, now time.Time) map[string]string {
	total := yuan(t.TotalAmount)
	fields := map[string]string{
		"notify_type":      "trade_status_sync",
		"notify_id":        n.ID,
		"notify_time":      now.In(gmt8).Format(timeForm),
		"version":          "1.0",
		"charset":          "utf-8",
		"app_id":           c.AppID,
		"auth_app_id":      c.AppID,
		"seller_id":        c.SellerID,
		"trade_no":         t.TradeNo,
		"out_trade_no":     t.OutTradeNo,
		"trade_status":     n.Status,
		"subject":          t.Subject,
		"total_amount":     total,
		"receipt_amount":   total,
		"buyer_pay_amount": total,
		"invoice_amount":   total,
		"point_amount":     "0.00",
		"fund_bill_list":   fmt.Sprintf(`[{"amount":"%s","fundChannel":"ALIPAYACCOUNT"}]`, total),
		"buyer_id":         t.BuyerID,
		"buyer_logon_id":   "pay***@example.com",
		"gmt_create":       t.CreatedAt.In(gmt8).Format(timeForm),
	}
	for field, at := range map[string]time.Time{"gmt_payment": t.PaidAt, "gmt_refund": n.RefundAt, "gmt_close": t.ClosedAt} {
		if !at.IsZero() {
			fields[field] = at.In(gmt8).Format(timeForm)
		}
	}
	if n.RefundNo != "" {
		fields["out_biz_no"], fields["refund_fee"] = n.RefundNo, n.RefundFee
	}
	return fields
}
