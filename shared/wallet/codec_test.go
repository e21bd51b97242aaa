package wallet

import (
	"bytes"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"billingcentre/shared/money"
)

// canonical reads bytes and writes them again.
type canonical func(stored []byte) (written []byte, err error)

func entryAgain(stored []byte) ([]byte, error) {
	e, err := DecodeEntry(stored)
	return reencoded(&e, err)
}

func headAgain(stored []byte) ([]byte, error) {
	h, err := DecodeHead(stored)
	return reencoded(&h, err)
}

func reencoded(v interface{ Canonical() []byte }, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	return v.Canonical(), nil
}

// loose tells whether a decoder accepts bytes that are written otherwise: two forms of one entry would have two hashes.
func loose(again canonical, stored []byte) bool {
	if written, err := again(stored); err == nil {
		return !bytes.Equal(written, stored)
	}
	return false
}

func FuzzDecodeEntry(f *testing.F) {
	seedGolden(f)
	f.Fuzz(func(t *testing.T, stored []byte) {
		if loose(entryAgain, stored) {
			t.Fatalf("%x was accepted, and is written otherwise", stored)
		}
	})
}

func FuzzDecodeHead(f *testing.F) {
	seedGolden(f)
	f.Fuzz(func(t *testing.T, stored []byte) {
		h, err := DecodeHead(stored)
		if err != nil {
			return
		}
		if !bytes.Equal(h.Canonical(), stored) {
			t.Fatalf("%x was accepted, and is written otherwise", stored)
		}
		h.check() // what is loaded may be decided on
	})
}

func seedGolden(f *testing.F) {
	files, err := filepath.Glob("testdata/golden/*.hex")
	if err != nil || len(files) == 0 {
		f.Fatal("no golden files", err)
	}
	for _, file := range files {
		stored, err := readHex(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(stored)
	}
}

// damages are done to stored bytes, one at each place.
var damages = map[string]func(b []byte, at int) []byte{
	"cut short":       func(b []byte, at int) []byte { return b[:at] },
	"a byte more":     func(b []byte, at int) []byte { return slices.Insert(b, at, 0) },
	"a byte less":     func(b []byte, at int) []byte { return slices.Delete(b, at, at+1) },
	"a bit flipped":   func(b []byte, at int) []byte { b[at] ^= 1; return b },
	"a high bit":      func(b []byte, at int) []byte { b[at] ^= 0x80; return b },
	"a long varint":   func(b []byte, at int) []byte { b[at] |= 0x80; return slices.Insert(b, at+1, 0) },
	"a huge number":   func(b []byte, at int) []byte { return slices.Insert(b, at, bytes.Repeat([]byte{0xff}, 9)...) },
	"trailing bytes":  func(b []byte, at int) []byte { return append(b, b[:at]...) },
	"all ones behind": func(b []byte, at int) []byte { copy(b[at:], bytes.Repeat([]byte{0xff}, len(b))); return b },
}

// TestDamagedBytesAreNeverTakenForOthers: at every byte, every damage is refused or told apart by its own bytes, and
// never panics; the chain's hashes then find those that are well formed.
func TestDamagedBytesAreNeverTakenForOthers(t *testing.T) {
	a := goldenJournal(t)
	for _, e := range a.journal {
		damage(t, e.Canonical(), entryAgain)
	}
	damage(t, a.at(8).Canonical(), headAgain)
}

func damage(t *testing.T, stored []byte, again canonical) {
	t.Helper()
	for says, do := range damages {
		for at := range stored {
			if b := do(slices.Clone(stored), at); loose(again, b) {
				t.Fatalf("%s at %d: %x was accepted, and is written otherwise", says, at, b)
			}
		}
	}
}

// Planted bugs prove the damages, and the property that the fuzz targets check: each looser decoder is found.
func TestPlantedBugsOfDecodingAreFound(t *testing.T) {
	entry := goldenJournal(t).journal[7]
	stored := entry.Canonical()
	for name, decode := range map[string]canonical{
		"ignores what follows": func(b []byte) ([]byte, error) {
			if len(b) > len(stored) {
				b = b[:len(stored)]
			}
			return entryAgain(b)
		},
		"mends a wrong schema": func(b []byte) ([]byte, error) {
			b = slices.Clone(b)
			if len(b) > 0 {
				b[0] = schema
			}
			return entryAgain(b)
		},
		"takes numbers of any length": func(b []byte) ([]byte, error) {
			return entryAgain(bytes.Replace(b, []byte{0x80, 0x00}, []byte{0x00}, 1))
		},
		"takes what it can't read for nothing": func(b []byte) ([]byte, error) {
			d, err := DecodeEntry(b)
			if err != nil {
				d = entry
			}
			return d.Canonical(), nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			for _, do := range damages {
				for at := range stored {
					if loose(decode, do(slices.Clone(stored), at)) {
						return
					}
				}
			}
			t.Error("not found")
		})
	}
}

func TestWhatIsStoredKeepsItsEdges(t *testing.T) {
	a := open(t)
	a.cash("1.00")
	for says, e := range map[string]Entry{
		"the longest text":   {Reason: strings.Repeat("长", 10_000)},
		"text that isn't":    {Reason: "\xff\x00\n"},
		"no text":            {},
		"the earliest time":  {Time: time.Date(1700, 1, 1, 0, 0, 0, 0, time.UTC)},
		"the latest expiry":  {Time: endOfTime},
		"the largest number": {Number: math.MaxInt64},
	} {
		e.Kind = Adjusted
		zero, none := money.Zero(money.CNY), money.ZeroExact(money.CNY)
		e.Balances = Balances{money.Of(money.CNY, math.MaxInt64), money.Of(money.CNY, math.MinInt64), zero, zero, zero, [2]money.Exact{none, cost("-0.000000000000000001")}}
		if e.Time.IsZero() {
			e.Time = morning
		}
		got, err := DecodeEntry(e.Canonical())
		if err != nil || got.Reason != e.Reason || !got.Time.Equal(e.Time) || got.Number != e.Number || got.Balances.Cash != e.Balances.Cash {
			t.Errorf("%s: %v, %v", says, got, err)
		}
	}
	for says, stored := range map[string][]byte{"nothing": nil, "one byte": {schema}, "another schema": {schema + 1, 1, 0}, "no kind": {schema, 0}} {
		if _, err := DecodeEntry(stored); err == nil {
			t.Errorf("%s is an entry", says)
		}
		if _, err := DecodeHead(stored); err == nil {
			t.Errorf("%s is a head", says)
		}
	}
}

// TestABrokenJournalIsNoticed: replay is what an auditor runs.
func TestABrokenJournalIsNoticed(t *testing.T) {
	a := goldenJournal(t)
	for says, spoil := range map[string]func(journal []Entry){
		"an entry is missing":            func(j []Entry) { copy(j[4:], j[5:]) },
		"two entries have changed place": func(j []Entry) { j[4], j[5] = j[5], j[4] },
		"a number is wrong":              func(j []Entry) { j[4].Number++ },
		"an amount is a fen more":        func(j []Entry) { j[1].Postings = []Posting{{in(AtPayer), in(InCash), cny("20000.01")}} },
		"a balance is a fen more":        func(j []Entry) { j[1].Balances.Cash = cny("20000.01") },
		"what is carried is changed":     func(j []Entry) { j[7].Balances.Carried[General] = cost("0.001") },
		"a reason is changed":            func(j []Entry) { j[2].Reason = "bonus" },
		"an entry is of an earlier time": func(j []Entry) { j[2].Time = j[2].Time.Add(-time.Hour) },
		"a posting names an unknown lot": func(j []Entry) { j[6].Postings = []Posting{{inLot(LotID{}), in(AtPackage), cny("150.00")}} },
		"a posting is of nothing": func(j []Entry) {
			j[1].Postings = append([]Posting{{in(AtPayer), in(InCash), cny("0")}}, j[1].Postings...)
		},
		"a posting is negative": func(j []Entry) { j[1].Postings = []Posting{{in(InCash), in(AtPayer), money.Of(money.CNY, -2_000_000)}} },
		"a posting goes nowhere": func(j []Entry) {
			j[1].Postings = append(slices.Clone(j[1].Postings), Posting{in(InCash), in(InCash), cny("1")})
		},
		"the first doesn't open": func(j []Entry) { j[0].Opening = nil },
	} {
		t.Run(says, func(t *testing.T) {
			journal := slices.Clone(a.journal)
			spoil(journal)
			var head Head
			var err error
			for _, e := range journal {
				if err != nil {
					break
				}
				err = caughtErr(func() error { head, err = Replay(head, e); return err })
			}
			if err == nil {
				t.Error("replay doesn't notice")
			}
		})
	}
}

// The last entry has no hash after it, so its balances must be told by themselves.
func TestReplayComparesEveryBalance(t *testing.T) {
	a := goldenJournal(t)
	last := a.journal[len(a.journal)-1]
	before := a.at(len(a.journal) - 1)
	fen := money.Of(money.CNY, 1)
	for says, spoil := range map[string]func(b *Balances){
		"cash":               func(b *Balances) { b.Cash = b.Cash.Add(fen) },
		"arrears":            func(b *Balances) { b.Arrears = b.Arrears.Add(fen) },
		"regular vouchers":   func(b *Balances) { b.Regular = b.Regular.Add(fen) },
		"discount vouchers":  func(b *Balances) { b.Discount = b.Discount.Add(fen) },
		"cards":              func(b *Balances) { b.Card = b.Card.Add(fen) },
		"general carried":    func(b *Balances) { b.Carried[General] = b.Carried[General].Add(fen.Exact()) },
		"restricted carried": func(b *Balances) { b.Carried[Restricted] = b.Carried[Restricted].Add(fen.Exact()) },
	} {
		e := last
		spoil(&e.Balances)
		if _, err := Replay(*before, e); err == nil {
			t.Errorf("a fen more of %s isn't noticed", says)
		}
	}
	if _, err := Replay(*before, last); err != nil {
		t.Error(err)
	}
}

// TestNumbersWithoutAMeaningAreRefused: a code beyond the last one would panic where it is shown.
func TestNumbersWithoutAMeaningAreRefused(t *testing.T) {
	a := goldenJournal(t)
	settled := a.journal[7]
	fresh := func(s Settlement) *Settlement {
		s.Lines, s.Classes = slices.Clone(s.Lines), slices.Clone(s.Classes)
		s.Classes[0].Draws = slices.Clone(s.Classes[0].Draws)
		return &s
	}
	for says, spoil := range map[string]func(e *Entry){
		"a kind of entry": func(e *Entry) { e.Kind = EntryKind(len(entryKinds)) },
		"a kind of lot":   func(e *Entry) { e.Lots = []Lot{{Kind: Card + 1}} },
		"a source":        func(e *Entry) { e.Lots = []Lot{{Source: FromGift + 1}} },
		"a place":         func(e *Entry) { e.Postings = []Posting{{From: in(PlaceKind(len(placeKinds)))}} },
		"a line's class":  func(e *Entry) { e.Settlement.Lines[0].Class = Restricted + 1 },
		"a class":         func(e *Entry) { e.Settlement.Classes[0].Class = Restricted + 1 },
		"a draw's kind":   func(e *Entry) { e.Settlement.Classes[0].Draws[0].Kind = Card + 1 },
		"a skip":          func(e *Entry) { e.Settlement.Classes[0].Draws[0].Skip = Skip(len(skips)) },
	} {
		e := settled
		e.Settlement = fresh(*settled.Settlement)
		spoil(&e)
		if _, err := DecodeEntry(e.Canonical()); err == nil {
			t.Errorf("%s without a meaning is read", says)
		}
	}
}

// caughtErr is do's error, a panic among them.
func caughtErr(do func() error) (err error) {
	panicked := caught(func() { err = do() })
	if err == nil && panicked.Error() != "didn't panic" {
		err = panicked
	}
	return err
}
