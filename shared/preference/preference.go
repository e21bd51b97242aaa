// Package preference is what the people of an account want to be told, and where: their email addresses, their language, which
// notices they do without, and the limits from which a balance is low and a day's consumption high.
//
//	preference.go  Preferences: one document an account
//	address.go     Address: what counts as an email address
//
// A change is made on the version that was read, and refused when somebody else was faster: a form that was open for an
// hour must not undo what a colleague did. Whoever was never asked has no addresses, and gets nothing.
package preference

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"billingcentre/shared/api"
	"billingcentre/shared/ledger"
	"billingcentre/shared/mail"
	"billingcentre/shared/money"
	"billingcentre/shared/refusal"
	"billingcentre/shared/wallet"
)

const (
	documentKind = "preference"
	watchedList  = "preferences#watched" // of accounts with limits, by their ids
	mostAddress  = 5                     // addresses of an account (chosen)
	mostProducts = 50                    // products with a limit (chosen)
	mostProduct  = 128
)

// Preferences are an account's. Amounts are decimals of the account's currency; empty is no limit.
type Preferences struct {
	Account    wallet.AccountID `json:"account_id"`
	Version    int64            `json:"-"` // as loaded; 0: nobody has set any
	Addresses  []string         `json:"addresses"`
	Language   mail.Language    `json:"language"`
	Unwanted   []mail.Kind      `json:"unwanted"`               // never a vital one
	LowBalance string           `json:"low_balance,omitempty"`  // told when the balance falls below it
	DayTotal   string           `json:"day_total,omitempty"`    // told when a day's consumption reaches it
	DayProduct []ProductLimit   `json:"day_products,omitempty"` // told when a product's on a day does
	ChangedAt  time.Time        `json:"changed_at,omitzero"`
	ChangedBy  string           `json:"changed_by,omitempty"`
}

// ProductLimit is a limit for what a product costs on a day.
type ProductLimit struct {
	Product string `json:"product"`
	Amount  string `json:"amount"`
}

// Wants tells whether letters of a kind are wanted. Vital ones always are.
func (p Preferences) Wants(kind mail.Kind) bool {
	return slices.Contains(mail.Vital, kind) || !slices.Contains(p.Unwanted, kind)
}

// Watches tells whether entries of the account must be looked at for limits.
func (p Preferences) Watches() bool { return p.LowBalance != "" || p.WatchesDays() }

// WatchesDays tells whether days have limits.
func (p Preferences) WatchesDays() bool { return p.DayTotal != "" || len(p.DayProduct) > 0 }

// Load loads an account's preferences. Where nobody has set any, they are those of who wants all and has no address.
func Load(ctx context.Context, store ledger.Store, account wallet.AccountID) (Preferences, error) {
	p, _, err := load(ctx, store, account)
	return p, err
}

func load(ctx context.Context, store ledger.Store, account wallet.AccountID) (Preferences, ledger.Document, error) {
	p, document, err := ledger.Read[Preferences](ctx, store, ledger.DocumentKey{Kind: documentKind, ID: string(account)})
	if refusal.Is(err, refusal.NotFound) {
		return Preferences{Account: account, Language: mail.English}, document, nil
	}
	p.Version = document.Version
	return p, document, err
}

// Check notes what is wrong with preferences that somebody asks for, and writes them the one way in which they are kept.
// Pointers are those of the API's request.
func (p *Preferences) Check(check *api.Check, currency money.Currency) {
	check.That(p.Version >= 0, "/version", "must be the version that was read: 0 when there was none")
	check.That(p.Language.Known(), "/language", `must be "en" or "zh"`)
	p.checkAddresses(check)
	p.checkUnwanted(check)
	limit := func(pointer string, text *string) {
		if *text != "" {
			amount := check.Amount(pointer, *text, currency)
			check.That(!amount.IsZero() || amount.Currency() == "", pointer, "must be above 0")
			*text = amount.String()
		}
	}
	limit("/low_balance", &p.LowBalance)
	limit("/high_consumption/total", &p.DayTotal)
	check.That(len(p.DayProduct) <= mostProducts, "/high_consumption/products", "must be at most "+strconv.Itoa(mostProducts))
	if len(p.DayProduct) > mostProducts {
		return
	}
	for i := range p.DayProduct {
		at, product := "/high_consumption/products/"+strconv.Itoa(i), &p.DayProduct[i]
		product.Product = norm.NFC.String(product.Product)
		check.That(visible(product.Product), at+"/product", "must be a product's name, as bills have it")
		check.That(product.Amount != "", at+"/amount", "is required")
		limit(at+"/amount", &product.Amount)
		twice := slices.ContainsFunc(p.DayProduct[:i], func(other ProductLimit) bool { return other.Product == product.Product })
		check.That(!twice, at+"/product", "must be named once")
	}
}

// visible tells whether a bill could name the product so.
func visible(product string) bool {
	return product != "" && utf8.ValidString(product) && utf8.RuneCountInString(product) <= mostProduct &&
		!strings.ContainsFunc(product, func(r rune) bool { return !unicode.IsPrint(r) })
}

func (p *Preferences) checkUnwanted(check *api.Check) {
	most := len(mail.Kinds) - len(mail.Vital)
	check.That(len(p.Unwanted) <= most, "/unwanted", "must be at most "+strconv.Itoa(most))
	if len(p.Unwanted) > most {
		return
	}
	for i, kind := range p.Unwanted {
		pointer := "/unwanted/" + strconv.Itoa(i)
		check.That(slices.Contains(mail.Kinds, kind), pointer, "must be a kind of notices")
		check.That(!slices.Contains(mail.Vital, kind), pointer, "can't be switched off")
		check.That(!slices.Contains(p.Unwanted[:i], kind), pointer, "must be named once")
	}
}

func (p *Preferences) checkAddresses(check *api.Check) {
	check.That(len(p.Addresses) <= mostAddress, "/addresses", "must be at most "+strconv.Itoa(mostAddress))
	if len(p.Addresses) > mostAddress {
		return
	}
	for i, text := range p.Addresses {
		pointer := "/addresses/" + strconv.Itoa(i)
		address, ok := Address(text)
		check.That(ok, pointer, `must be an email address such as "finance@example.com", in ASCII`)
		same := func(other string) bool { return strings.EqualFold(other, address) }
		check.That(!slices.ContainsFunc(p.Addresses[:i], same), pointer, "must be named once")
		p.Addresses[i] = address
	}
}

// Save keeps checked preferences, if the stored ones are still of their Version. Saving the same again is fine: the answer
// may have been lost. What comes back is what is kept.
func Save(ctx context.Context, store ledger.Store, p Preferences, actor string, now time.Time) (Preferences, error) {
	kept, document, err := load(ctx, store, p.Account)
	if err != nil {
		return Preferences{}, err
	}
	p.ChangedAt, p.ChangedBy = now.UTC().Truncate(time.Millisecond), actor
	if kept.Version == p.Version+1 && kept.same(p) {
		return kept, nil
	}
	if kept.Version != p.Version {
		return Preferences{}, moved(kept.Version)
	}
	list, rank := "", ""
	if p.Watches() {
		list, rank = watchedList, string(p.Account)
	}
	if err = store.Put(ctx, document.With(p).In(list, rank)); err == nil {
		p.Version++
		return p, nil
	}
	found, _, failed := load(ctx, store, p.Account)
	switch {
	case failed == nil && found.Version == p.Version+1 && found.same(p): // a twin of this request was faster, or it was us
		return found, nil
	case errors.Is(err, ledger.ErrStale):
		return Preferences{}, moved(max(found.Version, kept.Version+1))
	}
	return Preferences{}, err
}

// Watched lists accounts that have limits, from the one before an account ("": from the first). The list may lag.
func Watched(ctx context.Context, store ledger.Store, before wallet.AccountID, limit int) ([]wallet.AccountID, error) {
	listed, err := store.List(ctx, watchedList, string(before), limit)
	if err != nil {
		return nil, err
	}
	accounts := make([]wallet.AccountID, len(listed))
	for i, document := range listed {
		accounts[i] = wallet.AccountID(document.Key.ID)
	}
	return accounts, nil
}

func moved(version int64) error {
	return refusal.Of(refusal.Conflict, "Somebody has changed the preferences since they were read: they are of version %d now. Read them, and decide again.", version)
}

// same tells whether two preferences ask for the same.
func (p Preferences) same(other Preferences) bool {
	return p.Language == other.Language && slices.Equal(p.Addresses, other.Addresses) && slices.Equal(p.Unwanted, other.Unwanted) &&
		p.LowBalance == other.LowBalance && p.DayTotal == other.DayTotal && slices.Equal(p.DayProduct, other.DayProduct)
}
