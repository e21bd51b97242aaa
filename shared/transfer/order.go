package transfer

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"io"
	"time"

	"billingcentre/shared/crockford"
	"billingcentre/shared/ledger"
	"billingcentre/shared/money"
	"billingcentre/shared/refusal"
	"billingcentre/shared/wallet"
)

const (
	orderKind = "transfer"
	codeKind  = "remittance-code"
	codeSize  = 8  // characters of a remittance code, its check character included
	maxOpen   = 20 // open orders of one account at a time
	tries     = 8  // of one write that others got in the way of
)

// State is where an order stands.
type State string

// The states of an order.
const (
	Open     State = "open"     // waiting for the money
	Credited State = "credited" // the money came, and an operator confirmed it
	Expired  State = "expired"  // it didn't come in time; it is credited all the same when it does
)

// Order is what a customer is going to send.
type Order struct {
	ID         string           `json:"transfer_id"`
	Account    wallet.AccountID `json:"account_id"`
	Currency   money.Currency   `json:"currency"`
	Minor      int64            `json:"minor"` // what the customer said
	Payer      string           `json:"payer"` // the name on the bank account that it will come from
	Code       string           `json:"code"`  // what the customer writes into the remittance's memo
	State      State            `json:"state"`
	CreatedAt  time.Time        `json:"created_at"`
	ExpiresAt  time.Time        `json:"expires_at"`
	Credited   int64            `json:"credited,omitzero"` // what came, in minor units
	CreditedAt time.Time        `json:"credited_at,omitzero"`
	Row        string           `json:"row,omitempty"` // the bank's row that was credited first
}

// Amount is what the customer said that it will send.
func (o Order) Amount() money.Amount { return money.Of(o.Currency, o.Minor) }

// At is the order as it stands at an instant: expiry needs nobody who books it.
func (o Order) At(now time.Time) Order {
	if o.State == Open && !now.Before(o.ExpiresAt) {
		o.State = Expired
	}
	return o
}

// coded is the document of a code. It stays for ever, so that no code ever means two orders, and money that comes
// late or twice still finds its order. While the order is uncredited it is in the list by which amounts are looked up.
type coded struct {
	Order string `json:"transfer_id"`
}

var idAlphabet = base32.NewEncoding(crockford.Alphabet).WithPadding(base32.NoPadding)

// idOf derives an id from what it shall be one of.
func idOf(prefix string, fields ...string) string {
	h := sha256.New()
	for _, f := range fields {
		fmt.Fprintf(h, "%d:%s", len(f), f)
	}
	return prefix + idAlphabet.EncodeToString(h.Sum(nil)[:20])
}

func orderKey(id string) ledger.DocumentKey  { return ledger.DocumentKey{Kind: orderKind, ID: id} }
func codeKey(code string) ledger.DocumentKey { return ledger.DocumentKey{Kind: codeKind, ID: code} }

func listOf(account wallet.AccountID) string { return "transfers#" + string(account) }

func unpaidList(currency money.Currency) string { return "transfers-unpaid#" + string(currency) }

func (o Order) document(d ledger.Document) ledger.Document {
	return d.With(o).In(listOf(o.Account), o.CreatedAt.UTC().Format(rankForm)+o.ID)
}

// coded is the document of the order's code, listed by amount while the order is uncredited.
func (o Order) coded(d ledger.Document) ledger.Document {
	d = d.With(coded{o.ID})
	if o.State == Credited {
		return d.In("", "")
	}
	return d.In(unpaidList(o.Currency), amountRank(o.Minor)+o.ID)
}

const rankForm = "20060102T150405.000Z"

// amountRank sorts as amounts do.
func amountRank(minor int64) string { return fmt.Sprintf("%013d ", minor) }

// Desk takes orders, imports statements, and books what operators decide. It is safe for concurrent use.
type Desk struct {
	Ledger *ledger.Ledger
	Config Config
	Chance io.Reader // of codes: crypto/rand when nil
}

// Wish is what a customer asks for.
type Wish struct {
	Account wallet.AccountID
	Once    string // the client's idempotency key
	Amount  string // a decimal, in the account's currency
	Payer   string // the name on the bank account that it will come from
}

// Take writes an order with a remittance code of its own. repeated tells that it was there before.
func (d *Desk) Take(ctx context.Context, wish Wish) (order Order, repeated bool, err error) {
	head, err := d.Ledger.Open(ctx, wish.Account)
	if err != nil {
		return Order{}, false, err
	}
	amount, err := d.admit(head, wish.Amount)
	if err != nil {
		return Order{}, false, err
	}
	key := orderKey(idOf("T", "transfer", string(wish.Account), wish.Once))
	for range tries {
		order, _, err = ledger.Read[Order](ctx, d.Ledger.Store, key)
		switch {
		case err == nil && (order.Amount() != amount || order.Payer != wish.Payer):
			return Order{}, false, refusal.Of(refusal.KeyReused, "The key was used for another transfer of %s before; that one stands.", order.Amount())
		case err == nil:
			return order, true, nil
		case !refusal.Is(err, refusal.NotFound):
			return Order{}, false, err
		}
		if order, err = d.write(ctx, wish, amount, key); err == nil {
			return order, false, nil
		}
		// A code of somebody else's, a twin of this request, or an answer that was lost: look again.
		if !errors.Is(err, ledger.ErrStale) && !errors.Is(err, ledger.ErrUnknown) {
			return Order{}, false, err
		}
	}
	return Order{}, false, ledger.ErrContended
}

// admit checks a wish against the account and the receiving account.
func (d *Desk) admit(head wallet.Head, text string) (money.Amount, error) {
	if err := d.Config.ready(); err != nil {
		return money.Amount{}, err
	}
	if head.Currency != d.Config.Currency {
		return money.Amount{}, refusal.Of(refusal.NotApplicable, "The receiving account doesn't take %s.", head.Currency)
	}
	amount, err := money.Parse("/amount", text, head.Currency)
	if err == nil {
		err = d.Ledger.Policy.CheckInflow(amount)
	}
	return amount, err
}

func (d *Desk) write(ctx context.Context, wish Wish, amount money.Amount, key ledger.DocumentKey) (Order, error) {
	if err := d.mayOpen(ctx, wish.Account); err != nil {
		return Order{}, err
	}
	now, body := d.now(), crockford.Random(d.Chance, codeSize-1)
	order := Order{
		ID: key.ID, Account: wish.Account, Currency: amount.Currency(), Minor: amount.Minor(), Payer: wish.Payer,
		Code: body + crockford.Check(body), State: Open, CreatedAt: now, ExpiresAt: now.AddDate(0, 0, d.Config.OrderDays),
	}
	return order, d.Ledger.Store.Put(ctx, order.document(ledger.Document{Key: key}), order.coded(ledger.Document{Key: codeKey(order.Code)}))
}

// mayOpen bounds the open orders of an account. The list lags a little, and so may the bound.
func (d *Desk) mayOpen(ctx context.Context, account wallet.AccountID) error {
	orders, _, err := d.Orders(ctx, account, "", 2*maxOpen)
	open := 0
	for _, order := range orders {
		if order.At(d.now()).State == Open {
			open++
		}
	}
	if err == nil && open >= maxOpen {
		return &refusal.Refusal{
			Kind: refusal.TooMany, RetryAfter: int((24 * time.Hour).Seconds()),
			Detail: "Too many transfers of this account wait for their money: send one, or let one expire.",
		}
	}
	return err
}

// Find is an account's order; somebody else's is not found.
func (d *Desk) Find(ctx context.Context, account wallet.AccountID, id string) (Order, error) {
	order, _, err := ledger.Read[Order](ctx, d.Ledger.Store, orderKey(id))
	if err == nil && order.Account != account {
		err = refusal.Of(refusal.NotFound, "There is no such transfer.")
	}
	return order.At(d.now()), err
}

// Orders is a page of an account's orders, latest first; next is "" at the end.
func (d *Desk) Orders(ctx context.Context, account wallet.AccountID, before string, limit int) ([]Order, string, error) {
	orders, next, err := ledger.PageOf[Order](ctx, d.Ledger.Store, listOf(account), before, limit)
	for i := range orders {
		orders[i] = orders[i].At(d.now())
	}
	return orders, next, err
}

func (d *Desk) now() time.Time { return d.Ledger.Now().UTC().Truncate(time.Millisecond) }
