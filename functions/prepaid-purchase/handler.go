package main

import (
	"context"
	"strconv"

	"billingcentre/shared/api"
	"billingcentre/shared/ledger"
	"billingcentre/shared/money"
	"billingcentre/shared/receipt"
	"billingcentre/shared/wallet"
)

const maxCards = 100 // of one order

type handler struct {
	ledger *ledger.Ledger
}

func (h handler) routes() []api.Route {
	return []api.Route{
		{Key: "POST /v1/accounts/{account}/card-purchases", Handle: h.purchase},
		{Key: "POST /v1/accounts/{account}/prepaid-orders", Handle: h.order},
	}
}

// wish is what both requests have in common.
type wish struct {
	account  wallet.AccountID
	once     string
	currency money.Currency
}

// wish reads the request as far as it is the same for both, and its body.
func (h handler) wish(ctx context.Context, r *api.Request, body any) (wish, error) {
	account := wallet.AccountID(r.Path("account"))
	if err := r.Caller.MayWrite(account); err != nil {
		return wish{}, err
	}
	once, err := r.IdempotencyKey()
	if err != nil {
		return wish{}, err
	}
	if err := r.Decode(body); err != nil {
		return wish{}, err
	}
	head, err := h.ledger.Open(ctx, account)
	return wish{account, once, head.Currency}, err
}

// purchase buys a card; the receipt's lots tell the card, and the gift when there is one.
func (h handler) purchase(ctx context.Context, r *api.Request) (api.Response, error) {
	var body struct {
		Face string `json:"face_value"`
	}
	w, err := h.wish(ctx, r, &body)
	if err != nil {
		return api.Response{}, err
	}
	face, err := money.Parse("/face_value", body.Face, w.currency)
	if err != nil {
		return api.Response{}, err
	}
	return h.do(ctx, w, wallet.Purchase{Account: w.account, Once: w.once, Face: face, Actor: r.Caller.Subject})
}

// order pays a package with the cards that the customer picked, and cash.
func (h handler) order(ctx context.Context, r *api.Request) (api.Response, error) {
	var body struct {
		Amount string   `json:"amount"`
		Cards  []string `json:"cards"`
		Item   string   `json:"item"`
	}
	w, err := h.wish(ctx, r, &body)
	if err != nil {
		return api.Response{}, err
	}
	var check api.Check
	command := wallet.Order{
		Account: w.account, Once: w.once, Amount: check.Amount("/amount", body.Amount, w.currency), Cards: cards(&check, body.Cards),
		Item: check.Text("/item", body.Item), Actor: r.Caller.Subject,
	}
	if err := check.Err(); err != nil {
		return api.Response{}, err
	}
	return h.do(ctx, w, command)
}

func cards(check *api.Check, numbers []string) []wallet.LotID {
	if check.That(len(numbers) <= maxCards, "/cards", "must name at most "+strconv.Itoa(maxCards)+" cards"); len(numbers) > maxCards {
		return nil
	}
	ids := make([]wallet.LotID, len(numbers))
	for i, number := range numbers {
		var ok bool
		ids[i], ok = wallet.ParseLotID(number)
		check.That(ok, "/cards/"+strconv.Itoa(i), `must be a card's number, such as "0123-4567-89AB-CDEF"`)
	}
	return ids
}

func (h handler) do(ctx context.Context, w wish, command wallet.Command) (api.Response, error) {
	done, err := h.ledger.Do(ctx, w.account, ledger.Intent{Command: command})
	if err != nil {
		return api.Response{}, err
	}
	return api.Done(receipt.Of(done.Entry), done.Repeated)
}
