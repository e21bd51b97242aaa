// Package desk is the story of an export, from somebody's wish to a file that can be fetched.
//
// An export is a document: written first, then named in a message on a queue, then made by whoever gets the message.
// The document says how far the file is: each part that is on the shelf, the row after which the next one begins, the
// state of the file's hash. So whoever runs out of time hands over to the next message, and what is done twice, because
// a queue delivers twice or a worker died, is only done again from the last part on:
//
//	pending ── the last part is on the shelf ──> ready ── its days are over ──> expired
//	   └────── it can't be made ──> failed
//
// A worker holds the export by a lease that ends when its own time does; every write of the document is conditional, so
// a second worker finds out before it can do harm. What the rows are is fixed at the first stride: the account's last
// entry then. Entries that come later are not in the file, whenever it is done.
//
//	desk.go    Export, Desk: asking, finding, listing
//	wish.go    what can be asked for, and with which filters
//	tables.go  where its rows come from
//	maker.go   Maker: rows to parts to a file
package desk

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"billingcentre/shared/export"
	"billingcentre/shared/ledger"
	"billingcentre/shared/refusal"
	"billingcentre/shared/shelf"
	"billingcentre/shared/wallet"
)

// State is where an export stands.
type State string

// The states.
const (
	Pending State = "pending" // asked for; somebody makes it, or will
	Ready   State = "ready"   // its file can be fetched
	Failed  State = "failed"  // it can't be made; Failure tells why
	Expired State = "expired" // its file is gone
)

// Export is an export, as its document keeps it.
type Export struct {
	ID        string           `json:"export_id"`
	Account   wallet.AccountID `json:"account_id"`
	Wish      Wish             `json:"wish"`
	Asker     string           `json:"asker"`
	State     State            `json:"state"`
	CreatedAt time.Time        `json:"created_at"`
	EndedAt   time.Time        `json:"ended_at,omitzero"` // ready or failed
	Failure   string           `json:"failure,omitempty"` // for people

	Rows   int64  `json:"rows"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256,omitempty"` // of the file, in hexadecimal

	Work Work `json:"work,omitzero"`
}

// Work is how far an export is that isn't ready.
type Work struct {
	Through int64        `json:"through,omitempty"` // the last entry that the file tells; 0: not begun
	Upload  string       `json:"upload,omitempty"`
	Parts   []shelf.Part `json:"parts,omitempty"`
	Place   string       `json:"place,omitempty"`  // the last row that is in a part, or in Rest
	Rest    []byte       `json:"rest,omitempty"`   // what was written between the last part and Place: little, or Place is the part's
	Digest  []byte       `json:"digest,omitempty"` // state of the SHA-256 over the parts
	Lease   time.Time    `json:"lease,omitzero"`   // until then somebody is at it
	Idle    int          `json:"idle,omitempty"`   // strides in a row that got nowhere
	Again   int          `json:"again,omitempty"`  // how often it was begun again
}

// ExpiresAt is when a ready export's file goes.
func (e Export) ExpiresAt(days int) time.Time { return e.EndedAt.AddDate(0, 0, days) }

// key is the place of an export's file on the shelf.
func (e Export) key() string { return "exports/" + string(e.Account) + "/" + e.ID + ".csv" }

// FileName is what the file is called where somebody fetches it.
func (e Export) FileName() string {
	parts := []string{string(e.Wish.What), string(e.Account)}
	for _, part := range []string{e.Wish.From, e.Wish.To, e.Wish.Month} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	if e.Wish.Format == Focus {
		parts = append(parts, "focus-1.2")
	}
	return strings.Join(parts, "_") + ".csv"
}

const mediaType = "text/csv; charset=utf-8"

// Links makes signed URLs: a shelf.Shelf does.
type Links interface {
	URL(ctx context.Context, key, name string, valid time.Duration) (string, error)
}

// Desk takes wishes, and hands out what became of them.
type Desk struct {
	Store ledger.Store
	Links Links
	Send  func(ctx context.Context, body string) error // to the queue of the worker
	Now   func() time.Time
	Days  int // that a file is kept: the bucket's lifecycle rule has them too
}

const (
	// Validity is how long a signed URL is good for.
	Validity = 5 * time.Minute
	// mostPending exports of an account may be under way at a time.
	mostPending = 5
	documents   = "export"
)

func keyOf(id string) ledger.DocumentKey { return ledger.DocumentKey{Kind: documents, ID: id} }

// ListOf is the list of an account's exports, by the time of their creation.
func ListOf(account wallet.AccountID) string { return "exports#" + string(account) }

func (e Export) document(d ledger.Document) ledger.Document {
	return d.With(e).In(ListOf(e.Account), e.CreatedAt.UTC().Format("20060102T150405.000Z")+e.ID)
}

var idAlphabet = base32.NewEncoding("0123456789ABCDEFGHJKMNPQRSTVWXYZ").WithPadding(base32.NoPadding)

// idOf derives an export's id from the client's key, so that a retry finds the export of the first time.
func idOf(account wallet.AccountID, once string) string {
	sum := sha256.Sum256([]byte("export\x00" + string(account) + "\x00" + once))
	return "X" + idAlphabet.EncodeToString(sum[:20])
}

// Ask takes a wish. The same key gives the same export again; with another wish it is refused. repeated tells that the
// export was there before.
func (d *Desk) Ask(ctx context.Context, account wallet.AccountID, once, asker string, wish Wish) (e Export, repeated bool, err error) {
	head, err := d.Store.Head(ctx, account)
	if err != nil {
		return Export{}, false, err
	}
	if head.Version == 0 {
		return Export{}, false, refusal.Of(refusal.NotFound, "There is no such account.")
	}
	e, document, err := ledger.Read[Export](ctx, d.Store, keyOf(idOf(account, once)))
	repeated = err == nil
	if refusal.Is(err, refusal.NotFound) {
		e, err = d.write(ctx, Export{
			ID: document.Key.ID, Account: account, Wish: wish, Asker: asker, State: Pending, CreatedAt: d.Now().UTC().Truncate(time.Millisecond),
		}, document)
	}
	switch {
	case err != nil:
		return Export{}, false, err
	case e.Wish != wish:
		return Export{}, false, refusal.Of(refusal.KeyReused, "The key was used for another export before; that one stands.")
	case e.State == Pending: // on a repetition too: the message may have been what was lost
		if err := d.Send(ctx, Message(e.ID)); err != nil {
			return Export{}, false, errors.Join(&refusal.Refusal{Kind: refusal.Unavailable, RetryAfter: 2, Detail: "The export is noted, but not begun; ask again with the same key."}, err)
		}
	}
	return d.now(e), repeated, nil
}

// write makes the document, unless too many exports are under way.
func (d *Desk) write(ctx context.Context, e Export, document ledger.Document) (Export, error) {
	recent, _, err := d.List(ctx, e.Account, "", 4*mostPending)
	if err != nil {
		return Export{}, err
	}
	pending := 0
	for _, other := range recent {
		if other.State == Pending {
			pending++
		}
	}
	if pending >= mostPending {
		return Export{}, &refusal.Refusal{Kind: refusal.TooMany, RetryAfter: 30, Detail: "The account has 5 exports under way; wait until one is ready."}
	}
	err = d.Store.Put(ctx, e.document(document))
	if errors.Is(err, ledger.ErrStale) || errors.Is(err, ledger.ErrUnknown) {
		found, _, failed := ledger.Read[Export](ctx, d.Store, document.Key) // a twin of this request was faster, or it was us
		if refusal.Is(failed, refusal.NotFound) {
			return Export{}, err // it isn't written, or not yet
		}
		return found, failed
	}
	return e, err
}

// now is an export as it stands: a file that has gone is gone.
func (d *Desk) now(e Export) Export {
	if e.State == Ready && !d.Now().Before(e.ExpiresAt(d.Days)) {
		e.State = Expired
	}
	return e
}

// Find is an account's export; somebody else's is not found.
func (d *Desk) Find(ctx context.Context, account wallet.AccountID, id string) (Export, error) {
	e, _, err := ledger.Read[Export](ctx, d.Store, keyOf(id))
	if err == nil && e.Account != account || refusal.Is(err, refusal.NotFound) {
		return Export{}, refusal.Of(refusal.NotFound, "The account has no such export.")
	}
	return d.now(e), err
}

// List is a page of an account's exports, latest first; next is "" at the end.
func (d *Desk) List(ctx context.Context, account wallet.AccountID, before string, limit int) (exports []Export, next string, err error) {
	exports, next, err = ledger.PageOf[Export](ctx, d.Store, ListOf(account), before, limit)
	for i, e := range exports {
		exports[i] = d.now(e)
	}
	return exports, next, err
}

// URL is where the file of a ready export can be fetched, for five minutes or until it goes.
func (d *Desk) URL(ctx context.Context, e Export) (url string, until time.Time, err error) {
	left := min(Validity, e.ExpiresAt(d.Days).Sub(d.Now())).Truncate(time.Second)
	url, err = d.Links.URL(ctx, e.key(), e.FileName(), max(left, time.Second))
	return url, d.Now().Add(left), err
}

// message is what the queue carries.
type message struct {
	Version int    `json:"version"`
	Export  string `json:"export_id"`
}

// Message is the message that has an export made.
func Message(id string) string {
	text, err := json.Marshal(message{1, id})
	if err != nil {
		panic(err) // two plain members always marshal
	}
	return string(text)
}

// language is the wish's, for tables.
func (w Wish) language() export.Language { return cmp.Or(w.Language, export.English) }
