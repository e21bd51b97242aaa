package wallet

import (
	"slices"
	"testing"

	"billingcentre/shared/money"
	"billingcentre/shared/refusal"
)

func (a *account) reserve(refund, amount string) Reserve {
	return Reserve{Refund: refund, Amount: cny(amount), Reason: "paid by mistake", Actor: "operator-1"}
}

func TestRule4_ARefundHoldsTheCashBeforeAnythingIsSentBack(t *testing.T) {
	rule(t, map[string]func(a *account){
		"the hold takes the cash out at once": func(a *account) {
			a.cash("100.00")
			e := a.must(a.reserve("f", "30.00"))
			a.has("70.00", "0", "0", "0", "0")
			if got := postings(e); !slices.Equal(got, []string{"cash -> refund 30.00"}) {
				a.Error(got)
			}
		},
		"more than there is in cash is refused": func(a *account) {
			a.cash("100.00")
			a.refused(refusal.Insufficient, a.reserve("f", "100.01"))
		},
		"nothing, or another currency, is refused": func(a *account) {
			a.cash("100.00")
			a.refused(refusal.Invalid, a.reserve("f", "0.00"))
			c := a.reserve("f", "1.00")
			c.Amount = money.Of(money.USD, 100)
			a.refused(refusal.NotApplicable, c)
		},
		"sent back: what was held goes to the payer": func(a *account) {
			a.cash("100.00")
			held := a.must(a.reserve("f", "30.00"))
			e := a.must(Post{Refund: "f", Reserved: held, Trade: "T"})
			a.has("70.00", "0", "0", "0", "0")
			if got := postings(e); !slices.Equal(got, []string{"refund -> payer 30.00"}) {
				a.Error(got)
			}
		},
		"refused by the provider: it becomes cash again": func(a *account) {
			a.cash("100.00")
			held := a.must(a.reserve("f", "30.00"))
			a.must(Release{Refund: "f", Reserved: held, Reason: "no"})
			a.has("100.00", "0", "0", "0", "0")
		},
		"what is released repays the arrears of a bill that came in between": func(a *account) {
			a.cash("100.00")
			held := a.must(a.reserve("f", "100.00"))
			a.settle("logs", "40.00")
			a.has("0", "40.00", "0", "0", "0")
			e := a.must(Release{Refund: "f", Reserved: held, Reason: "no"})
			a.has("60.00", "0", "0", "0", "0")
			if got := postings(e); !slices.Equal(got, []string{"refund -> arrears 40.00", "refund -> cash 60.00"}) {
				a.Error(got)
			}
		},
		"both ends have one key, and say which they are": func(a *account) {
			post, release := Post{Refund: "f"}, Release{Refund: "f"}
			if post.Key() != release.Key() || post.Fingerprint() == release.Fingerprint() {
				a.Error("a hold could end twice, or either end answer for the other")
			}
		},
		"without its own hold nothing ends": func(a *account) {
			top := a.must(a.topUp("100.00"))
			held := a.must(a.reserve("f", "30.00"))
			a.refused(refusal.NotFound, Post{Refund: "g", Reserved: held})
			a.refused(refusal.NotFound, Release{Refund: "f", Reserved: top})
			held.Account = "other"
			a.refused(refusal.NotFound, Post{Refund: "f", Reserved: held})
		},
	})
}
