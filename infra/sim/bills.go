package sim

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"billingcentre/shared/bill"
	"billingcentre/shared/cloudlink"
	"billingcentre/shared/directory"
	"billingcentre/shared/expiry"
	"billingcentre/shared/ledger"
	"billingcentre/shared/money"
	"billingcentre/shared/payment"
	"billingcentre/shared/quarantine"
	"billingcentre/shared/voucher"
	"billingcentre/shared/wallet"
)

// world is what is true outside of the centre.
type world struct {
	accounts   []wallet.AccountID
	workspaces []workspace
	codes      []voucher.Code
	asks       []*ask
	bills      []*sent
	sent       int // messages of bills
	known      map[string]bool
	payable    []payment.Order
	paid       []payment.Order
	refusals   []refused
}

type workspace struct {
	id      wallet.WorkspaceID
	account wallet.AccountID
	method  wallet.Method
}

// sent is a bill as its producer knows it.
type sent struct {
	bill    wallet.Bill
	account wallet.AccountID
	settle  wallet.Settle
	body    string
}

// cloudOf is the cloud account of an account.
func cloudOf(account wallet.AccountID) wallet.CloudAccount {
	return wallet.CloudAccount{Provider: "aws", Customer: "c-" + string(account)}
}

// found opens accounts with some funds, binds workspaces and issues codes, in fair weather.
func (s *Simulation) found() {
	s.world.known = map[string]bool{}
	clock := func() time.Time { return s.now }
	l := &ledger.Ledger{Store: s.truth, Policy: policy(), Now: clock}
	d := &directory.Directory{Store: s.truth, Now: clock}
	for i := range s.weather.accounts {
		account := wallet.AccountID([]string{"acme", "bolt", "cora"}[i])
		s.world.accounts = append(s.world.accounts, account)
		opening := directory.Opening(directory.Account{ID: account, Name: string(account), Currency: money.CNY, Zone: "Asia/Shanghai"}, "ops")
		must(l.Do(plain(), account, opening))
		for _, command := range s.funds(account) {
			must(l.Do(plain(), account, ledger.Intent{Command: command}))
		}
		for _, w := range []workspace{{wallet.WorkspaceID("ws-" + account), account, wallet.BillingCenter}, {wallet.WorkspaceID("cloud-" + account), account, wallet.Cloud}} {
			wish := directory.Wish{Workspace: w.id, Account: account, Method: w.method, From: dawn.AddDate(-1, 0, 0), Operator: true}
			if w.method == wallet.Cloud {
				wish.Cloud = cloudOf(account)
				links := &cloudlink.Desk{Store: s.truth, Policy: l.Policy, Now: clock}
				if _, _, err := links.Link(plain(), account, wish.Cloud, "ops"); err != nil {
					panic(err)
				}
			}
			if _, _, err := d.Bind(plain(), wish); err != nil {
				panic(err)
			}
			s.world.workspaces = append(s.world.workspaces, w)
		}
		s.auditors[account] = newAuditor(account)
	}
	desk := s.centre(&worker{sim: s}).vouchers
	desk.Ledger, desk.Now = l, clock
	_, codes, err := desk.Issue(plain(), voucher.Order{
		Count: 3, Once: "batch", Actor: "ops",
		Terms: voucher.Terms{Kind: wallet.Discount, Face: money.Of(money.CNY, 550), MinBill: money.Of(money.CNY, 100), ValidDays: 3},
	})
	if err != nil {
		panic(err)
	}
	s.world.codes = append(codes, voucher.Code("0000000000000000000"+"0"))
	s.audit("")
}

func must(_ ledger.Receipt, err error) {
	if err != nil {
		panic(err)
	}
}

// funds are what an account begins with: little, so that its brinks are met.
func (s *Simulation) funds(account wallet.AccountID) []wallet.Command {
	if s.dunning.on {
		return nil // so that much is owed
	}
	commands := []wallet.Command{wallet.Adjust{Account: account, Once: "start", Amount: s.amount(6_000), Reason: "start"}}
	for i := range s.dice.IntN(4) {
		expires := s.now.Add(time.Duration(1+s.dice.IntN(96)) * time.Hour)
		kind := []wallet.LotKind{wallet.Regular, wallet.Discount}[s.dice.IntN(2)]
		commands = append(commands, wallet.Activate{
			Account: account, Once: fmt.Sprint("v", i), Kind: kind, Source: wallet.FromOperator, Face: s.amount(900), MinBill: money.Zero(money.CNY), ExpiresAt: expires,
		})
	}
	for i := range s.dice.IntN(3) {
		commands = append(commands, wallet.Allocate{
			Account: account, Once: fmt.Sprint("c", i), Source: wallet.FromOperator, Face: money.Units(money.CNY, int64(1+s.dice.IntN(8))),
			ExpiresAt: s.now.Add(time.Duration(1+s.dice.IntN(96)) * time.Hour),
		})
	}
	return commands
}

// produce sends a message: a new bill mostly, or one that was sent before, in the same words or in others, or nonsense.
func (s *Simulation) produce() {
	s.world.sent++
	id := fmt.Sprintf("m%d", s.world.sent)
	if n := len(s.world.bills); n > 0 {
		earlier := s.world.bills[s.dice.IntN(n)]
		switch s.dice.IntN(10) {
		case 0, 1: // again, by another message
			s.tell("send %s: %s again", id, earlier.bill.ID)
			s.queue.send(id, earlier.body, false, s.now)
			return
		case 2: // the same id, with other content
			other := s.bill(string(earlier.bill.ID), earlier.bill.Workspace, earlier.account, earlier.settle.Method)
			s.tell("send %s: %s with other content", id, earlier.bill.ID)
			s.queue.send(id, other.body, false, s.now)
			s.world.bills = append(s.world.bills, other)
			return
		}
	}
	if s.dice.IntN(12) == 0 {
		bodies := []string{"{", `{"version":2}`, "", `{"version":1,"bill_id":"p","workspace_id":"nowhere","day":"2026-10-01","currency":"CNY","lines":[]}`}
		s.tell("send %s: poison", id)
		s.queue.send(id, bodies[s.dice.IntN(len(bodies))], false, s.now)
		return
	}
	w := s.world.workspaces[s.dice.IntN(len(s.world.workspaces))]
	b := s.bill(fmt.Sprintf("b%d", s.world.sent), w.id, w.account, w.method)
	s.world.bills = append(s.world.bills, b)
	s.tell("send %s: %s", id, b.body)
	s.queue.send(id, b.body, s.dice.IntN(15) == 0, s.now)
}

var shanghai = time.FixedZone("Asia/Shanghai", 8*60*60)

// bill is a workspace's bill of one of the last days, today included.
func (s *Simulation) bill(id string, ws wallet.WorkspaceID, account wallet.AccountID, method wallet.Method) *sent {
	day := s.now.In(shanghai).AddDate(0, 0, -s.dice.IntN(5))
	b := wallet.Bill{ID: wallet.BillID(id), Workspace: ws, Day: day.Format(time.DateOnly), Currency: money.CNY}
	for range s.dice.IntN(4) {
		b.Lines = append(b.Lines, wallet.Line{
			Product: []string{"logs", "metrics", "sms", "dial_testing"}[s.dice.IntN(4)], Usage: "1", Unit: "unit", Amount: cost(s.dice),
		})
	}
	y, m, d := day.Date()
	settle := wallet.Settle{Bill: b, DayEnd: time.Date(y, m, d+1, 0, 0, 0, 0, shanghai).UTC(), Method: method}
	if method == wallet.Cloud {
		settle.Cloud = cloudOf(account)
	}
	return &sent{bill: b, account: account, settle: settle, body: string(bill.Encode(b))}
}

// cost is an exact cost: of cents or of less, sometimes a credit.
func cost(dice *rand.Rand) money.Exact {
	texts := []string{
		fmt.Sprintf("%d.%02d", dice.IntN(15), dice.IntN(100)), fmt.Sprintf("0.%04d", dice.IntN(200)), fmt.Sprintf("%d.%018d", dice.IntN(3), dice.Int64N(1e18)),
		fmt.Sprintf("-%d.%03d", dice.IntN(3), dice.IntN(1000)), "0.005", "0", "-150",
	}
	weights := []int{0, 0, 0, 0, 1, 1, 2, 2, 3, 4, 4, 5}
	text := texts[weights[dice.IntN(len(weights))]]
	if dice.IntN(60) == 0 {
		text = texts[6]
	}
	exact, err := money.ParseExact("", text, money.CNY)
	if err != nil {
		panic(err)
	}
	return exact
}

const (
	settlementLimit = time.Minute // of the functions
	expiryLimit     = time.Minute
)

// deliver gives a batch to a new settlement process.
func (s *Simulation) deliver() {
	waiting := s.queue.waiting(s.now)
	s.dice.Shuffle(len(waiting), func(i, j int) { waiting[i], waiting[j] = waiting[j], waiting[i] })
	s.deliverThese(waiting[:1+s.dice.IntN(len(waiting))])
}

func (s *Simulation) deliverThese(batch []*message) {
	given := slices.Clone(batch)
	if s.dice.Float64() < s.weather.twice {
		given = append(given, batch[s.dice.IntN(len(batch))])
	}
	event := s.queue.receive(given, s.now)
	s.tell("deliver %d", len(given))
	for _, m := range given {
		s.tell("  %s", m.id)
	}
	if s.plant.AckFirst {
		s.ack(batch, events.SQSEventResponse{}, false)
	}
	operations := s.settling(batch)
	s.start("settle", settlementLimit, func(ctx context.Context, w *worker) func() {
		response, err := s.centre(w).settlement.Handle(ctx, event)
		return func() {
			if s.plant.AckAll {
				response = events.SQSEventResponse{}
			}
			answered := !w.dead && err == nil
			var acked []*message
			if answered {
				acked = s.ack(batch, response, s.dice.Float64() < s.weather.ackLost)
			}
			s.recordSettling(w, operations, acked)
		}
	})
}

// ack takes a batch's answer. What it acknowledges must be durable, whether or not the queue hears of it (I11).
func (s *Simulation) ack(batch []*message, response events.SQSEventResponse, lost bool) []*message {
	acked := s.queue.ack(batch, response)
	for _, m := range acked {
		s.tell("  ack %s lost=%t", m.id, lost)
		if why := s.missing(m); why != "" {
			s.violated("acknowledged: %s", why)
		}
		m.deleted = m.deleted || !lost
	}
	return acked
}

// missing tells what a message lacks that was acknowledged: an entry of its very content, or a place in quarantine.
func (s *Simulation) missing(m *message) string {
	kept, err := (&quarantine.Quarantine{Store: s.truth, Now: func() time.Time { return s.now }}).Get(plain(), m.id)
	b, bad := bill.Decode([]byte(m.body))
	if bad != nil {
		if err != nil {
			return fmt.Sprintf("%s, which is no bill, isn't in quarantine: %v", m.id, err)
		}
		return ""
	}
	same := false
	for _, a := range s.auditors {
		entry, settled := a.settled[b.ID]
		same = same || settled && entry.Fingerprint == wallet.Settle{Bill: b}.Fingerprint()
	}
	switch {
	case same && err == nil && (kept.Kind == "conflict" || kept.Kind == "key_reused"):
		return fmt.Sprintf("%s of %s is settled, and kept as a %s", m.id, b.ID, kept.Kind)
	case same || err == nil:
		return ""
	}
	return fmt.Sprintf("%s of %s is neither settled nor in quarantine", m.id, b.ID)
}

// haunt brings a message back that was deleted long ago.
func (s *Simulation) haunt() {
	var gone []*message
	for _, m := range s.queue.messages {
		if m.deleted {
			gone = append(gone, m)
		}
	}
	if len(gone) > 0 {
		m := gone[s.dice.IntN(len(gone))]
		s.tell("haunt %s", m.id)
		m.deleted, m.visible, m.receives = false, s.now, 0
	}
}

// expire runs the schedule's function; a second one may run at the same time.
func (s *Simulation) expire() {
	began := int64(s.steps)
	s.start("expire", expiryLimit, func(ctx context.Context, w *worker) func() {
		_, err := s.centre(w).expiry.Handle(ctx, expiry.Duty{Duty: "expiry"})
		return func() {
			s.tell("  expiry: %v", err)
			s.recordExpiry(w, began)
		}
	})
}
