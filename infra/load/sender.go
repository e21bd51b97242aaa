package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"billingcentre/shared/bill"
	"billingcentre/shared/money"
	"billingcentre/shared/wallet"
)

const (
	beat      = 100 * time.Millisecond // of the producer
	oneBatch  = 10                     // messages that SQS takes at once
	sendingAt = 4                      // batches on their way at once
)

// message is one on its way to the queue: a bill, or what is none.
type message struct {
	body    string
	bill    wallet.BillID // "" of poison
	account wallet.AccountID
	again   bool
}

// produce sends bills at the plan's rate until the time is over. What it can't send in time it sends late: the rate is
// that of a producer who doesn't care how the centre does.
func (s *site) produce(ctx context.Context, p plan, t *tally) {
	ticker := time.NewTicker(beat)
	defer ticker.Stop()
	began, made := time.Now(), 0
	var later []message
	slots := make(chan struct{}, sendingAt)
	for {
		select {
		case <-ctx.Done():
			s.send(context.WithoutCancel(ctx), later, t)
			for range sendingAt {
				slots <- struct{}{} // until all are back
			}
			return
		case <-ticker.C:
		}
		var due []message
		for ; float64(made) < p.Rate*time.Since(began).Seconds(); made++ {
			m := s.message(made)
			due = append(due, m)
			switch chance := rand.Float64(); {
			case chance < p.Duplicates/2:
				due = append(due, repeated(m))
			case chance < p.Duplicates:
				later = append(later, repeated(m))
			}
			if rand.Float64() < p.Poison {
				due = append(due, message{body: poisons[rand.IntN(len(poisons))]})
			}
		}
		if n := len(later) / 50; n > 0 { // the late ones come some seconds later, in no order
			rand.Shuffle(len(later), func(i, j int) { later[i], later[j] = later[j], later[i] })
			due, later = append(due, later[:n]...), later[n:]
		}
		slots <- struct{}{}
		go func() {
			defer func() { <-slots }()
			s.send(context.WithoutCancel(ctx), due, t)
		}()
	}
}

func repeated(m message) message {
	m.again = true
	return m
}

// message is a new bill of yesterday, of some account.
func (s *site) message(n int) message {
	account := s.accounts[rand.IntN(len(s.accounts))]
	b := wallet.Bill{
		ID: wallet.BillID(fmt.Sprintf("%s.%d", s.name, n)), Workspace: wallet.WorkspaceID(account),
		Day: time.Now().UTC().AddDate(0, 0, -1).Format(time.DateOnly), Currency: money.CNY,
	}
	for i := range 1 + rand.IntN(3) {
		amount, err := money.ParseExact("", fmt.Sprintf("0.%06d", rand.IntN(999_999)+1), money.CNY)
		if err != nil {
			panic(err) // six digits always parse
		}
		b.Lines = append(b.Lines, wallet.Line{Product: []string{"logs", "metrics", "sms"}[i], Usage: "1", Unit: "GB", Amount: amount})
	}
	return message{body: string(bill.Encode(b)), bill: b.ID, account: account}
}

var poisons = []string{
	`{`, `null`, `"a bill"`, `{"version":1}`, `{"version":2,"bill_id":"x"}`,
	`{"version":1,"bill_id":"p","workspace_id":"w","day":"2026-02-30","currency":"CNY","lines":[]}`,
}

func (s *site) send(ctx context.Context, messages []message, t *tally) {
	for len(messages) > 0 {
		batch := messages[:min(oneBatch, len(messages))]
		messages = messages[len(batch):]
		bodies := make([]string, len(batch))
		for i, m := range batch {
			bodies[i] = m.body
		}
		at := time.Now()
		ids, err := s.centre.SendBodies(ctx, bodies...)
		t.lock(func() {
			if err != nil {
				t.sendErrors++
				t.lastError = err.Error()
				return
			}
			for i, m := range batch {
				switch {
				case m.bill == "":
					t.poison = append(t.poison, ids[i])
				case m.again:
					t.duplicates++
				default:
					t.sent[m.bill], t.owner[m.bill] = at, m.account
				}
			}
		})
	}
}
