package audit

import (
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"billingcentre/shared/wallet"
)

// proof is all of acme's journal from an entry on, as it is handed out: through JSON.
func (w *world) proof(from int) Proof {
	w.t.Helper()
	journal, err := w.store.Journal(w.t.Context(), "acme", 0, 100)
	if err != nil {
		w.t.Fatal(err)
	}
	slices.Reverse(journal)
	p := Proof{Account: "acme", Head: HeadOf(w.head())}
	for _, e := range journal[from-1:] {
		p.Entries = append(p.Entries, LinkOf(e))
	}
	text, err := json.Marshal(p)
	if err != nil {
		w.t.Fatal(err)
	}
	var read Proof
	if err := json.Unmarshal(text, &read); err != nil {
		w.t.Fatal(err)
	}
	return read
}

func TestAProofHolds(t *testing.T) {
	w := newWorld(t).story()
	noted := w.proof(5).Head
	w.more(3)
	whole, part := w.proof(1), w.proof(7)
	for _, p := range []Proof{whole, part} {
		entries, err := p.Check(noted, p.Head)
		if err != nil || len(entries) != len(p.Entries) || entries[0].Number != p.Entries[0].Number {
			t.Errorf("%d entries, %v", len(entries), err)
		}
	}
	first, rest := part, part
	first.Entries, rest.Entries = part.Entries[:4:4], part.Entries[4:]
	first.Join(rest)
	if _, err := first.Check(noted); err != nil {
		t.Errorf("joined: %v", err)
	}
}

func TestAProofThatWasTamperedWithFails(t *testing.T) {
	w := newWorld(t).story()
	noted := w.proof(1).Head
	forged := func(p *Proof, i int, change func(*wallet.Entry)) { // and everything behind it hashed anew
		var last wallet.Hash
		for ; i < len(p.Entries); i++ {
			e, err := wallet.DecodeEntry(p.Entries[i].Canonical)
			if err != nil {
				t.Fatal(err)
			}
			if change(&e); last != (wallet.Hash{}) {
				e.Previous = last
			}
			last, change = e.Hash(), func(*wallet.Entry) {}
			p.Entries[i] = LinkOf(e)
		}
		p.Head = p.Entries[len(p.Entries)-1].Anchor
	}
	for what, tamper := range map[string]func(p *Proof){
		"nothing":                       func(p *Proof) { p.Entries = nil },
		"a byte":                        func(p *Proof) { p.Entries[4].Canonical[100] ^= 1 },
		"a hash":                        func(p *Proof) { p.Entries[4].Hash = p.Entries[3].Hash },
		"a number":                      func(p *Proof) { p.Entries[4].Number++ },
		"an entry left out":             func(p *Proof) { p.Entries = slices.Delete(p.Entries, 4, 5) },
		"entries swapped":               func(p *Proof) { p.Entries[4], p.Entries[5] = p.Entries[5], p.Entries[4] },
		"an entry twice":                func(p *Proof) { p.Entries = slices.Insert(p.Entries, 4, p.Entries[4]) },
		"the end cut off":               func(p *Proof) { p.Entries = p.Entries[:11] },
		"the end and the head cut off":  func(p *Proof) { p.Entries = p.Entries[:11]; p.Head = p.Entries[10].Anchor },
		"an entry altered":              func(p *Proof) { forged(p, 4, func(e *wallet.Entry) { e.Reason = "gift" }); p.Entries = p.Entries[:5:5] },
		"an entry and all hashes of it": func(p *Proof) { forged(p, 4, func(e *wallet.Entry) { e.Reason = "gift" }) },
		"another account":               func(p *Proof) { p.Account = "zen" },
		"another head":                  func(p *Proof) { p.Head.Hash = p.Entries[3].Hash },
	} {
		p := w.proof(1)
		tamper(&p)
		if _, err := p.Check(noted); err == nil {
			t.Errorf("%s: the proof holds", what)
		}
	}
}

func TestAnchorsAreReadStrictly(t *testing.T) {
	hash := strings.Repeat("aB", 32)
	if a, err := ParseAnchor("12:" + hash); err != nil || a.Number != 12 || a.Hash != strings.ToLower(hash) {
		t.Errorf("%+v, %v", a, err)
	}
	for _, text := range []string{"", "12", ":" + hash, "0:" + hash, "12:" + hash[1:], "12:" + hash + "ab", "x:" + hash, "12:" + strings.Repeat("x", 64)} {
		if a, err := ParseAnchor(text); err == nil {
			t.Errorf("%q is %+v", text, a)
		}
	}
}
