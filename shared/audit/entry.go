package audit

import (
	"fmt"
	"strings"

	"billingcentre/shared/money"
	"billingcentre/shared/wallet"
)

// Follow checks an entry against the head that must be before it, and gives the head after it. Nil is no finding.
func Follow(head wallet.Head, e wallet.Entry) (wallet.Head, *Finding) {
	found := func(kind Kind, format string, args ...any) (wallet.Head, *Finding) {
		return wallet.Head{}, &Finding{Kind: kind, Number: head.Version + 1, Key: e.Key, Detail: fmt.Sprintf(format, args...)}
	}
	switch {
	case e.Account != head.Account:
		return found(Misplaced, "the entry is of account %s", e.Account)
	case e.Number != head.Version+1:
		return found(Misplaced, "the entry tells number %d", e.Number)
	case e.Previous != head.Last:
		return found(ChainBroken, "the entry continues %x, but the one before it has the hash %x", e.Previous, head.Last)
	}
	if wrong := wrongCause(e); wrong != "" {
		return found(WrongCause, "%s", wrong)
	}
	if wrong := wrongExplanation(e); wrong != "" {
		return found(Unbalanced, "%s", wrong)
	}
	next, err := wallet.Replay(head, e)
	if err != nil {
		return found(Unbalanced, "%v", err)
	}
	if _, err := wallet.DecodeHead(next.Canonical()); err != nil { // it must keep the head's invariants
		return found(Unbalanced, "%v", err)
	}
	return next, nil
}

// wrongCause tells when an entry's key isn't the one of what it did. The key is the entry's place in the table, so there
// is one entry for each: with it, one for each cause.
func wrongCause(e wallet.Entry) string {
	var want wallet.Key
	exact := true
	switch e.Kind { // of kinds that aren't here, the store alone sees to it
	case wallet.Opened:
		want = wallet.OpenKey(e.Account)
	case wallet.Settled:
		want = wallet.BillKey(e.Settlement.Bill)
	case wallet.Reversed:
		want = wallet.ReverseKey(e.Reversal.Bill)
	case wallet.Lapsed:
		if len(e.Postings) != 1 || e.Postings[0].From.Kind != wallet.InLot {
			return "the entry clears a fund, and so must have one posting, from it"
		}
		want = wallet.ExpireKey(e.Postings[0].From.Lot)
	case wallet.ToppedUp:
		if want, exact = wallet.TopUpKey(""), false; strings.HasPrefix(string(e.Key), bankTransfer) {
			want = bankTransfer
		}
	case wallet.Adjusted, wallet.Activated, wallet.Allocated, wallet.Purchased, wallet.Ordered:
		want, exact = wallet.Key(verbs[e.Kind]+":"+string(e.Account)+":"), false
	}
	if exact && want != "" && e.Key != want || !exact && !strings.HasPrefix(string(e.Key), string(want)) {
		return fmt.Sprintf("the entry is about %s, but has the key %s", want, e.Key)
	}
	return ""
}

// bankTransfer begins the keys of top-ups that a bank's statement tells; all others are orders'.
const bankTransfer = "transfer:"

// verbs begin the keys of what clients ask for, which are theirs within their account.
var verbs = map[wallet.EntryKind]string{
	wallet.Adjusted: "adjust", wallet.Activated: "activate", wallet.Allocated: "allocate", wallet.Purchased: "purchase", wallet.Ordered: "order",
}

// wrongExplanation tells when a settlement says something else than its postings (README rule 22).
func wrongExplanation(e wallet.Entry) string {
	if e.Settlement == nil {
		return ""
	}
	currency := e.Balances.Cash.Currency()
	told, posted := map[wallet.Place]money.Amount{}, map[wallet.Place]money.Amount{}
	add := func(to map[wallet.Place]money.Amount, place wallet.Place, amount money.Amount) {
		sum, ok := to[place]
		if !ok {
			sum = money.Zero(currency)
		}
		to[place] = sum.Add(amount)
	}
	for _, class := range e.Settlement.Classes {
		paid := money.Zero(currency)
		for _, draw := range class.Draws {
			paid = paid.Add(draw.Paid)
			if !draw.Paid.IsZero() {
				add(told, draw.From, draw.Paid)
			}
		}
		if paid != class.Payable {
			return fmt.Sprintf("of %s payable as %s, %s is explained", class.Payable, class.Class, paid)
		}
	}
	for _, p := range e.Postings {
		add(posted, p.From, p.Amount)
	}
	for place := range told {
		if told[place] != posted[place] {
			return fmt.Sprintf("%s paid %s as explained, and %s as posted", place, told[place], posted[place])
		}
	}
	if len(told) != len(posted) {
		return "there are postings that nothing explains"
	}
	return ""
}

// difference tells people where two heads of the same version differ.
func difference(want, got wallet.Head) string {
	var said []string
	differ := func(what string, want, got any) {
		if a, b := fmt.Sprint(want), fmt.Sprint(got); a != b {
			said = append(said, fmt.Sprintf("%s is %s, by the journal %s", what, b, a))
		}
	}
	differ("cash", want.Cash, got.Cash)
	differ("arrears", want.Arrears, got.Arrears)
	for _, class := range wallet.Classes {
		differ("carried "+class.String(), want.Carried[class], got.Carried[class])
	}
	for _, lot := range want.Lots {
		kept, _ := got.Lot(lot.ID)
		differ("lot "+lot.ID.String(), lot, kept)
	}
	for _, lot := range got.Lots {
		if _, known := want.Lot(lot.ID); !known {
			said = append(said, fmt.Sprintf("lot %s of %s isn't in the journal", lot.ID, lot.Remaining))
		}
	}
	differ("the last entry's hash", fmt.Sprintf("%x", want.Last), fmt.Sprintf("%x", got.Last))
	differ("the time", want.Time, got.Time)
	differ("currency and zone", string(want.Currency)+want.Zone, string(got.Currency)+got.Zone)
	if len(said) == 0 {
		return "the heads differ in their bytes"
	}
	return strings.Join(said, "; ")
}
