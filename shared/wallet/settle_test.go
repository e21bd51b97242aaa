package wallet

import (
	"bytes"
	"compress/flate"
	"testing"
	"time"

	"billingcentre/shared/money"
)

func TestSketch(t *testing.T) {
	now := time.Date(2026, 11, 2, 3, 0, 0, 0, time.UTC)
	h := Head{}
	do := func(c Command) Entry {
		t.Helper()
		ch, err := Decide(h, c, DefaultPolicy(), now)
		if err != nil {
			t.Fatal(err)
		}
		r, err := Replay(h, ch.Entry)
		if err != nil || !bytes.Equal(r.Canonical(), ch.Head.Canonical()) {
			t.Fatal("replay", err)
		}
		h = ch.Head
		if _, err := DecodeEntry(ch.Entry.Canonical()); err != nil {
			t.Fatal(err)
		}
		return ch.Entry
	}
	do(Open{Account: "acme-production", Currency: "CNY", Zone: "Asia/Shanghai"})
	do(Adjust{Account: "acme-production", Once: "1", Amount: money.Of("CNY", 100000), Reason: "x"})
	for i := range 5 {
		do(Activate{Account: "acme-production", Once: "v" + string(rune('0'+i)), Kind: Regular, Face: money.Of("CNY", 400), MinBill: money.Zero("CNY")})
		do(Allocate{Account: "acme-production", Once: "c" + string(rune('0'+i)), Face: money.Of("CNY", 10000)})
	}
	var lines []Line
	for _, l := range [][5]string{{"time_series", "60000", "series", "0.0007", "42"}, {"logs", "35000000", "log", "0.0000015", "52.5"}, {"traces", "4000000", "trace", "0.000006", "24"}, {"profiles", "20000", "profile", "0.00003", "0.6"}, {"page_views", "120000", "view", "0.0002", "24"}, {"session_replay", "5000", "session", "0.0025", "12.5"}, {"network_hosts", "12", "host", "2", "24"}, {"forwarding_out", "40", "GB", "0.35", "14"}, {"forwarding_in", "2000", "GB", "0.007", "14"}, {"scan", "15", "GB", "0.1", "1.5"}, {"reports", "3", "report", "1", "3"}, {"pipeline", "30", "GB", "0.1", "3"}, {"tasks", "250000", "task", "0.0001", "25"}, {"dial_testing", "90000", "test", "0.0001", "9"}, {"sms", "45", "message", "0.1", "4.5"}} {
		a, _ := money.ParseExact("", l[4], "CNY")
		lines = append(lines, Line{Product: l[0], Usage: l[1], Unit: l[2], UnitPrice: l[3], Amount: a})
	}
	e := do(Settle{Bill: Bill{ID: "acme:ws-shanghai-01:2026-11-01", Workspace: "ws-shanghai-01", Day: "2026-11-01", Currency: "CNY", Lines: lines}, DayEnd: time.Date(2026, 11, 1, 16, 0, 0, 0, time.UTC), Method: BillingCenter})
	c := e.Canonical()
	var b bytes.Buffer
	w, _ := flate.NewWriter(&b, 9)
	w.Write(c)
	w.Close()
	t.Log(len(c), b.Len(), len(h.Canonical()), h.Balances())
	t.Log(e.Settlement.Shares("CNY"))
	do(Reverse{Settled: e, Once: "r"})
	t.Log(h.Balances())
}
