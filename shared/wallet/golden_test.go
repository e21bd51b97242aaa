package wallet

import (
	"bytes"
	"encoding/hex"
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"billingcentre/shared/money"
)

var writeGolden = flag.Bool("golden", false, "write the golden files that are missing; those that exist never change")

// goldenJournal is one entry of each kind, in a wallet that does one thing after the other.
func goldenJournal(t testing.TB) *account {
	a := &account{TB: t, policy: DefaultPolicy(), now: time.Date(2026, time.November, 2, 3, 4, 5, 678_000_000, time.UTC)}
	a.must(Open{Account: "acme-production", Currency: money.CNY, Zone: "Asia/Shanghai", Name: "Acme", Actor: "operator-1"})
	a.must(TopUp{Order: "r-1", Amount: cny("20000.00"), Channel: "alipay", Trade: "2026110222001"})
	a.must(Adjust{Account: "acme-production", Once: "a-1", Amount: cny("1.00"), Debit: true, Reason: "转账更正", Actor: "operator-1"})
	a.must(Activate{
		Account: "acme-production", Once: "v-1", Kind: Discount, Source: FromCode, Face: cny("30.00"), MinBill: cny("10.00"), ValidDays: 30,
		Reference: "batch-1/7", Actor: "owner-1",
	})
	a.must(Allocate{Account: "acme-production", Once: "c-1", Source: FromPartner, Face: cny("200.00"), Reason: "campaign", Actor: "partner-1"})
	a.must(Purchase{Account: "acme-production", Once: "p-1", Face: cny("10000.00"), Actor: "owner-1"})
	a.must(Order{Account: "acme-production", Once: "o-1", Amount: cny("150.00"), Cards: []LotID{a.journal[4].Lots[0].ID}, Item: "package-1", Actor: "owner-1"})
	bill := a.bill(BillingCenter, "logs", "13.40271828182", "traces", "10.5", "sms", "60", "tasks", "-0.00000080000")
	bill.Bill.ID, bill.Bill.Workspace, bill.Bill.Lines[0].UnitPrice = "acme:ws-1:2026-11-01", "ws-1", "0.0000015"
	settled := a.must(bill)
	a.now = a.now.Add(20 * day)
	cloud := a.bill(Cloud, "sms", "99999.99")
	cloud.Bill.ID = "acme:ws-2:2026-11-01"
	a.must(cloud)
	a.now = a.now.Add(11 * day)
	a.must(Expire{a.journal[3].Lots[0].ID})
	a.now = a.now.Add(day)
	reverse := a.reversal(settled)
	reverse.Once, reverse.Reason, reverse.Actor = "x-1", "billed twice", "operator-1"
	a.must(reverse)
	return a
}

// goldenRefunds is a journal of the kinds that came after goldenJournal, whose last head is pinned: it can't go on.
func goldenRefunds(t testing.TB) *account {
	a := &account{TB: t, policy: DefaultPolicy(), now: time.Date(2026, time.November, 22, 8, 4, 5, 678_000_000, time.UTC)}
	a.must(Open{Account: "acme-production", Currency: money.CNY, Zone: "Asia/Shanghai", Name: "Acme", Actor: "operator-1"})
	a.must(TopUp{Order: "r-1", Amount: cny("100.00"), Channel: "alipay", Trade: "2026112222001"})
	paid := a.must(Reserve{Refund: "f-1", Amount: cny("30.00"), Reason: "误充", Actor: "operator-1"})
	a.must(Post{Refund: "f-1", Reserved: paid, Trade: "2026112222001"})
	refused := a.must(Reserve{Refund: "f-2", Amount: cny("70.00"), Reason: "again", Actor: "operator-1"})
	a.must(Release{Refund: "f-2", Reserved: refused, Reason: "40004 ACQ.SELLER_BALANCE_NOT_ENOUGH"})
	return a
}

// TestTheStoredFormatNeverChanges pins the canonical bytes of every kind of entry, and of a head. They are stored and hashed: a
// change of the format needs a new schema number, new files beside these, and code that still reads these.
func TestTheStoredFormatNeverChanges(t *testing.T) {
	a := goldenJournal(t)
	kinds := map[EntryKind]bool{}
	for _, e := range a.journal {
		name := e.Kind.String()
		if kinds[e.Kind] {
			name += "-cloud"
		}
		kinds[e.Kind] = true
		pinned(t, name, e.Canonical())
	}
	refunds := goldenRefunds(t)
	for _, e := range refunds.journal[2:] {
		name := e.Kind.String()
		if kinds[e.Kind] {
			name += "-2"
		}
		kinds[e.Kind] = true
		pinned(t, name, e.Canonical())
	}
	if len(kinds) != len(entryKinds)-1 {
		t.Errorf("%d kinds of entries are pinned, there are %d", len(kinds), len(entryKinds)-1)
	}
	pinned(t, "head", a.head.Canonical())
	pinned(t, "head-with-lots", a.at(8).Canonical())
}

// at is the head after so many entries.
func (a *account) at(entries int) *Head {
	var head Head
	for _, e := range a.journal[:entries] {
		var err error
		if head, err = Replay(head, e); err != nil {
			a.Fatal(err)
		}
	}
	return &head
}

func pinned(t *testing.T, name string, canonical []byte) {
	t.Helper()
	file := filepath.Join("testdata", "golden", name+".v1.hex")
	want, err := readHex(file)
	if errors.Is(err, fs.ErrNotExist) && *writeGolden {
		want, err = canonical, writeHex(file, canonical)
	}
	if err != nil {
		t.Fatalf("%v (go test ./shared/wallet -golden writes missing ones)", err)
	}
	if !bytes.Equal(want, canonical) {
		t.Errorf("%s is written as\n%x, stored are\n%x", name, canonical, want)
	}
}

// TestOldBytesDecodeForEver reads every golden file, those of former schemas too.
func TestOldBytesDecodeForEver(t *testing.T) {
	files, err := filepath.Glob("testdata/golden/*.hex")
	if err != nil || len(files) < len(entryKinds)+1 {
		t.Fatalf("%d golden files, %v", len(files), err)
	}
	for _, file := range files {
		stored, err := readHex(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(filepath.Base(file), "head") {
			_, err = DecodeHead(stored)
		} else {
			_, err = DecodeEntry(stored)
		}
		if err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}

// TestTheRealisticDayIsSmall: the realistic day, on an account with ten lots. The store compresses on top of this.
func TestTheRealisticDayIsSmall(t *testing.T) {
	x := readExample(t, "testdata/examples/day.json")
	a := x.account(t)
	for range 7 {
		a.card("100.00", 90*day)
	}
	e := a.must(x.bill(a))
	if entry, head := len(e.Canonical()), len(a.head.Canonical()); entry > 1600 || head > 1024 {
		t.Errorf("the entry has %d bytes before compression, the head %d", entry, head)
	}
}

func readHex(file string) ([]byte, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return hex.DecodeString(strings.Join(strings.Fields(string(text)), ""))
}

func writeHex(file string, b []byte) error {
	var text strings.Builder
	for chunk := range slices.Chunk(b, 32) {
		text.WriteString(hex.EncodeToString(chunk) + "\n")
	}
	return os.WriteFile(file, []byte(text.String()), 0o644)
}
