package mailing_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"billingcentre/shared/event"
	"billingcentre/shared/mail"
	"billingcentre/shared/mailing"
	"billingcentre/shared/money"
	"billingcentre/shared/notice"
	"billingcentre/shared/preference"
	"billingcentre/shared/refusal"
	"billingcentre/shared/wallet"
)

// happenings are events of every kind of letter, made by who makes them, and the subject and a row of each letter.
func happenings(w *world) map[mail.Kind]struct {
	event        event.Event
	subject, row string
} {
	expires := noon.Add(24 * time.Hour)
	told := func(n notice.Notice) event.Event { n.At = w.now; return event.OfNotice(n) }
	arrears := notice.Arrears{Case: 1, Owed: "3.50", Currency: "CNY", Month: "2026-10", EndsAt: expires, Workspaces: []wallet.WorkspaceID{"shop", "test"}, More: true}
	link := func(stage string) event.Event {
		return told(notice.CloudUnlinked("acme", notice.CloudLink{Provider: "aws", Customer: "c-1", Stage: stage, UnlinkedAt: noon, EndsAt: expires, Workspaces: []wallet.WorkspaceID{"shop"}, Time: 1}))
	}
	topUp := w.do(wallet.TopUp{Order: "r1", Amount: money.Units(money.CNY, 10_000), Channel: "alipay", Trade: "T-1"})
	card := w.do(wallet.Purchase{Account: "acme", Once: "c1", Face: money.Units(money.CNY, 10_000), Actor: "pat"})
	voucher := w.do(wallet.Activate{Account: "acme", Once: "v1", Kind: wallet.Regular, Face: money.Units(money.CNY, 20), MinBill: money.Zero(money.CNY), ExpiresAt: expires})
	lot, _ := wallet.ParseLotID(voucher.Entry.Lots[0].ID)
	head, err := w.Store.Head(w.t.Context(), "acme")
	if err != nil {
		w.t.Fatal(err)
	}
	held, _ := head.Lot(lot)
	expiring := notice.Expiring("acme", held)
	if _, err := expiring.Put(w.t.Context(), w.Store, noon); err != nil {
		w.t.Fatal(err)
	}
	w.pass(49 * time.Hour)
	lapsed := w.do(wallet.Expire{Lot: lot})
	return map[mail.Kind]struct {
		event        event.Event
		subject, row string
	}{
		mail.ToppedUp:         {topUp, "Top-up received: CNY 10,000.00", "Payment reference: T-1"},
		mail.CardBought:       {card, "Prepaid card of CNY 10,000.00 bought", "With it you receive a discount voucher of CNY 1,000.00."},
		mail.VoucherActivated: {voucher, "Regular voucher of CNY 20.00 activated", "Valid until: 11 November 2026, 20:00"},
		mail.LotExpiring:      {told(expiring), "Regular voucher about to expire: CNY 20.00", "Expires: 11 November 2026, 20:00"},
		mail.LotLapsed:        {lapsed, "Regular voucher expired: CNY 20.00", "Booked: 12 November 2026, 21:00"},
		mail.MonthlyBill: {
			told(notice.MonthlyBillReady("acme", notice.MonthlyBill{Month: "2026-10", Currency: "CNY", Total: "18.40", Adjustments: "0.00", Cash: "9.40", Cloud: "0.00", Vouchers: "7.00", Cards: "2.00", Overdue: "0.00", Owed: "0.00"})),
			"Monthly bill of October 2026: CNY 18.40", "Paid by vouchers: CNY 7.00",
		},
		mail.LowBalance: {
			told(notice.BalanceLow("acme", notice.LowBalance{Balance: "-9.50", Limit: "10.00", Currency: "CNY", Entry: 7, EntryAt: noon})),
			"Low balance: CNY -9.50", "Your limit: CNY 10.00",
		},
		mail.HighConsumption: {
			told(notice.ConsumptionHigh("acme", notice.HighConsumption{Day: "2026-11-09", Product: "日志 <b>", Spent: "52.5099999999", Limit: "50.00", Currency: "CNY"})),
			"High consumption on 9 November 2026: CNY 52.50", "Product: 日志 <b>",
		},
		mail.ArrearsCountdown: {told(notice.ArrearsCountdown("acme", arrears)), "Please repay CNY 3.50 before 11 November 2026, 20:00", "Monthly bill: October 2026"},
		mail.ArrearsReminder:  {told(notice.ArrearsReminder("acme", arrears)), "Reminder: workspaces will be locked on 11 November 2026, 20:00", "Arrears: CNY 3.50"},
		mail.Locked:           {told(notice.Locked("acme", arrears)), "Workspaces locked because of arrears of CNY 3.50", "Workspaces: shop, test and others"},
		mail.Unlocked:         {told(notice.Unlocked("acme", arrears)), "Workspaces unlocked", "Workspaces: shop, test and others"},
		mail.CloudUnlinked:    {link(notice.CloudUnlinkedNow), "Your cloud account at AWS was unlinked", "Cloud account: c-1"},
		mail.CloudReminder:    {link(notice.CloudReminder), "Reminder: workspaces will be locked on 11 November 2026, 20:00", "Workspaces: shop"},
		mail.CloudLocked:      {link(notice.CloudLocked), "Workspaces locked: their cloud account is unlinked", "Locked from: 11 November 2026, 20:00"},
	}
}

func TestEveryKindOfEventBecomesItsLetter(t *testing.T) {
	w := newWorld(t, "a@example.com")
	all := happenings(w)
	for _, kind := range mail.Kinds {
		happening, made := all[kind]
		if !made {
			t.Errorf("nothing happens that %s is about", kind)
			continue
		}
		if got, is := mailing.KindOf(happening.event); got != kind || !is {
			t.Errorf("%s became %q", kind, got)
		}
		detail, err := happening.event.JSON() // as it comes from the bus
		if err != nil {
			t.Fatal(err)
		}
		e, err := event.Decode(happening.event.Name, detail)
		if err != nil {
			t.Fatal(err)
		}
		before := len(w.taken)
		if err := w.Deliver(t.Context(), e); err != nil {
			t.Errorf("%s: %v", kind, err)
			continue
		}
		letter := w.taken[before].Letter
		if letter.Subject != happening.subject || !strings.Contains(letter.Plain, happening.row+"\n") {
			t.Errorf("%s: %s\n%s", kind, letter.Subject, letter.Plain)
		}
	}
}

func TestWhatNobodyIsMailedOf(t *testing.T) {
	w := newWorld(t, "a@example.com")
	cost, err := money.ParseExact("", "1", money.CNY)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range []event.Event{
		w.do(wallet.Adjust{Account: "acme", Once: "a", Amount: money.Units(money.CNY, 1), Reason: "test"}),
		w.do(wallet.Settle{Bill: wallet.Bill{ID: "b", Workspace: "w", Day: "2026-11-09", Currency: money.CNY, Lines: []wallet.Line{{Product: "logs", Usage: "1", Amount: cost}}}, DayEnd: noon.Add(-20 * time.Hour), Method: wallet.BillingCenter}),
		event.OfNotice(notice.WorkspacesLocked("acme", notice.Arrears{Case: 1, Owed: "1.00", Change: 1})),
		event.OfNotice(notice.ChargedInVain("acme", notice.ChargeCase{Record: "r"})),
	} {
		if kind, is := mailing.KindOf(e); is {
			got = append(got, e.Name+" became "+string(kind))
		}
		if err := w.Deliver(t.Context(), e); err != nil {
			t.Error(err)
		}
	}
	if len(got) > 0 || len(w.mailings()) > 0 {
		t.Errorf("%v, %+v", got, w.mailings())
	}
}

func TestATopUpTellsWhatItRepaid(t *testing.T) {
	w := newWorld(t, "a@example.com")
	w.want(preference.Preferences{Addresses: []string{"a@example.com"}, Language: mail.Chinese})
	cost, err := money.ParseExact("", "30", money.CNY)
	if err != nil {
		t.Fatal(err)
	}
	w.do(wallet.Settle{Bill: wallet.Bill{ID: "b", Workspace: "w", Day: "2026-11-09", Currency: money.CNY, Lines: []wallet.Line{{Product: "logs", Usage: "1", Amount: cost}}}, DayEnd: noon.Add(-20 * time.Hour), Method: wallet.BillingCenter})
	if err := w.Deliver(t.Context(), w.topUp("r1")); err != nil {
		t.Fatal(err)
	}
	want := []string{"充值金额：100.00 元", "到账时间：2026年11月10日 20:00", "其中偿还欠费：30.00 元", "现金余额：70.00 元", "支付流水号：T-r1"}
	got := slices.DeleteFunc(strings.Split(w.taken[0].Letter.Plain, "\n"), func(line string) bool { return !slices.Contains(want, line) })
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s\n%s", diff, w.taken[0].Letter.Plain)
	}
}

// An event whose notice lacks what its letter is about can never be told: it goes into quarantine.
func TestANoticeThatSaysNothingIsRefused(t *testing.T) {
	w := newWorld(t, "a@example.com")
	e := event.OfNotice(notice.Notice{Kind: "locked", Cause: "x", Account: "acme", At: noon})
	if err := w.Deliver(t.Context(), e); !refusal.Is(err, refusal.Invalid) || len(w.taken) > 0 {
		t.Errorf("%v", err)
	}
}
