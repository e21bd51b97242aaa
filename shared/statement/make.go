package statement

import (
	"context"
	"errors"
	"time"

	"billingcentre/shared/arrears"
	"billingcentre/shared/books"
	"billingcentre/shared/directory"
	"billingcentre/shared/ledger"
	"billingcentre/shared/notice"
	"billingcentre/shared/refusal"
	"billingcentre/shared/wallet"
)

// Maker makes monthly bills.
type Maker struct {
	Store  ledger.Store
	Policy wallet.Policy
	Now    func() time.Time
}

// Made is what became of a wish to make a bill.
type Made string

// What may become of it.
const (
	New     Made = "made"
	Already Made = "already_made"
	None    Made = "none" // the account was opened after the month
)

const tries = 8 // of one bill that others got in the way of

// Make makes the bill of a month, once: with it, in one write, come its notice and the countdown of an account in arrears
// (README rules 25 and 26). Before the bill may be cut the refusal is TooEarly; while the books haven't caught up with the
// journal at the cut it is Unavailable. Either way the same wish can be repeated.
func (m *Maker) Make(ctx context.Context, account wallet.AccountID, month Month) (Made, error) {
	for range tries {
		made, err := m.attempt(ctx, account, month)
		if !errors.Is(err, ledger.ErrStale) && !errors.Is(err, ledger.ErrUnknown) {
			return made, err
		}
	}
	return "", ledger.ErrContended
}

func (m *Maker) attempt(ctx context.Context, account wallet.AccountID, month Month) (Made, error) {
	keys := []ledger.DocumentKey{billKey(account, month), billKey(account, month.Last())}
	found, err := m.Store.Documents(ctx, keys...)
	if err != nil {
		return "", err
	}
	if _, there := found[keys[0]]; there {
		return Already, nil
	}
	view, err := (&books.Books{Store: m.Store}).Open(ctx, account)
	if err != nil {
		return "", err
	}
	now := m.Now().UTC()
	after, through, err := m.entries(ctx, view, month, now)
	if err != nil || through == 0 {
		return None, err
	}
	if last, there := found[keys[1]]; there { // what the bill before told isn't told again, and nothing is left out
		kept, err := ledger.Body[Kept](last)
		if err != nil {
			return "", err
		}
		after = kept.Bill.Through
	}
	bill, err := build(ctx, m.Store, view, month, after, through)
	if err != nil {
		return "", err
	}
	return New, m.put(ctx, view.Head, bill, now)
}

// entries are the range of a month's bill: those after one and through another. Through is 0 for an account that was
// opened later.
func (m *Maker) entries(ctx context.Context, view *books.View, month Month, now time.Time) (after, through int64, err error) {
	zone, err := directory.Zone(view.Head.Zone)
	if err != nil {
		return 0, 0, err
	}
	instants := make([]time.Time, 4) // the month's begin, the cut before it, its end, its cut
	for i, of := range []func(*time.Location) (time.Time, error){month.Start, month.Last().Cut, month.Next().Start, month.Cut} {
		if instants[i], err = of(zone); err != nil {
			return 0, 0, err
		}
	}
	cut := instants[3]
	if early := cut.Add(settled).Sub(now); early > 0 {
		refused := refusal.Of(refusal.TooEarly, "The bill of %s is cut at %s.", month, cut.UTC().Format(time.RFC3339))
		refused.RetryAfter = int(early/time.Second) + 1
		return 0, 0, refused
	}
	if err := caughtUp(ctx, view, cut); err != nil {
		return 0, 0, err
	}
	numbers := make([]int64, len(instants))
	for i, instant := range instants {
		if numbers[i], err = view.NumberAt(ctx, instant); err != nil {
			return 0, 0, err
		}
	}
	switch {
	case numbers[2] == 0:
		return 0, 0, nil
	case numbers[0] == 0: // its first bill: whatever was settled of older months is told here
		return 0, numbers[3], nil
	}
	return numbers[1], numbers[3], nil
}

// caughtUp waits for a follower of the books that is behind: the view must tell all entries before the cut.
func caughtUp(ctx context.Context, view *books.View, cut time.Time) error {
	if view.Behind() == 0 {
		return nil
	}
	last, err := view.After(ctx, view.Through)
	unlisted := refusal.Is(err, refusal.NotFound) // what the follower has read already, and the list doesn't tell yet
	if err != nil && !unlisted {
		return err
	}
	if unlisted || last.Version == 0 || last.Time.Before(cut) {
		return &refusal.Refusal{Kind: refusal.Unavailable, Detail: "The books are being brought up to date.", RetryAfter: 60}
	}
	return nil
}

// put keeps a bill. Its parts come first: nobody knows of them until the bill tells.
func (m *Maker) put(ctx context.Context, head wallet.Head, bill Bill, now time.Time) error {
	kept, parts, err := bill.seal()
	if err != nil {
		return err
	}
	if err := (Bills{m.Store}).putParts(ctx, parts); err != nil {
		return err
	}
	countdown, err := arrears.Begin(ctx, m.Store, m.Policy, head, string(bill.Month), now)
	if err != nil {
		return err
	}
	told := notice.MonthlyBillReady(bill.Account, notice.MonthlyBill{
		Month: string(bill.Month), Currency: string(bill.Currency), Total: bill.Total, Adjustments: bill.Adjustments.Payable, Cash: bill.Cash,
		Cloud: bill.Cloud, Vouchers: bill.Vouchers, Cards: bill.Cards, Overdue: bill.Overdue, Owed: head.Arrears.String(),
	})
	return m.Store.Put(ctx, append([]ledger.Document{kept.document(), told.Document(now)}, countdown...)...)
}
