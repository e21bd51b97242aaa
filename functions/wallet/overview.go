package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"billingcentre/shared/api"
	"billingcentre/shared/money"
	"billingcentre/shared/receipt"
	"billingcentre/shared/wallet"
)

// overview is a wallet at a glance. What it calls usable and spendable is told by the predicate that settles bills
// and checks out orders: money that has expired isn't in it, though its breakage may not be booked yet.
type overview struct {
	Account   wallet.AccountID `json:"account_id"`
	Currency  string           `json:"currency"`
	Zone      string           `json:"time_zone"`
	Cash      string           `json:"cash"`
	Vouchers  vouchers         `json:"vouchers"`
	Cards     string           `json:"cards"`           // usable now
	Arrears   string           `json:"arrears"`         // owed
	Owing     *owing           `json:"owing,omitempty"` // while something is: what becomes of it (README rule 26)
	Prepaid   string           `json:"prepaid_balance"` // cards less arrears: below zero when more is owed (README rule 17)
	Carried   receipt.Carried  `json:"carried"`
	Spendable spendable        `json:"spendable"`
	Hints     []hint           `json:"hints"`
	Version   int64            `json:"version"` // the number of the last entry
	ChangedAt string           `json:"changed_at"`
}

type vouchers struct {
	Regular  string `json:"regular"`
	Discount string `json:"discount"`
}

// spendable is what bills of a class of products could draw before anything is owed. A discount voucher with a
// least bill counts: it pays for those bills that reach it.
type spendable struct {
	General    string `json:"general"`
	Restricted string `json:"restricted"`
}

// hint tells a customer what looks odd and isn't.
type hint struct {
	Code string `json:"code"`
	Text string `json:"text"`
}

// besideArrears is README rule 17.
func besideArrears(restricted []string) hint {
	return hint{
		Code: "vouchers_beside_arrears",
		Text: fmt.Sprintf("Vouchers pay for general products of coming bills. They never pay for restricted products (%s), and never repay what is owed: a top-up does.", strings.Join(restricted, ", ")),
	}
}

func (h handler) overview(ctx context.Context, r *api.Request) (api.Response, error) {
	account := wallet.AccountID(r.Path("account"))
	if err := errors.Join(r.Caller.MayRead(account), r.OnlyQuery()); err != nil {
		return api.Response{}, err
	}
	head, err := h.ledger.Open(ctx, account)
	if err != nil {
		return api.Response{}, err
	}
	o := overviewOf(head, h.ledger.Policy, wallet.Effective(head, h.ledger.Now()))
	if o.Owing, err = h.owing(ctx, head); err != nil {
		return api.Response{}, err
	}
	return api.OK(o)
}

func overviewOf(head wallet.Head, policy wallet.Policy, now time.Time) overview {
	regular, discount, cards := head.Usable(wallet.Regular, now), head.Usable(wallet.Discount, now), head.Usable(wallet.Card, now)
	restricted := cards.Add(head.Cash)
	o := overview{
		Account: head.Account, Currency: string(head.Currency), Zone: head.Zone, Cash: head.Cash.String(),
		Vouchers: vouchers{regular.String(), discount.String()}, Cards: cards.String(), Arrears: head.Arrears.String(),
		Prepaid: cards.Sub(head.Arrears).String(), Carried: receipt.CarriedOf(head.Carried),
		Spendable: spendable{General: sum(regular, discount, restricted).String(), Restricted: restricted.String()},
		Hints:     []hint{}, Version: head.Version, ChangedAt: api.Instant(head.Time),
	}
	if head.Arrears.IsPositive() && sum(regular, discount).IsPositive() {
		o.Hints = append(o.Hints, besideArrears(policy.Restricted))
	}
	return o
}

func sum(first money.Amount, others ...money.Amount) money.Amount {
	for _, other := range others {
		first = first.Add(other)
	}
	return first
}
