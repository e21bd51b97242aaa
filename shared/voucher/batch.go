package voucher

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strconv"
	"time"

	"billingcentre/shared/ledger"
	"billingcentre/shared/money"
	"billingcentre/shared/refusal"
	"billingcentre/shared/wallet"
)

const (
	batchKind = "voucher-batch"
	codeKind  = "code"
	batchList = "voucher-batches"
	chunk     = ledger.MaxActions - 1 // codes in one transaction: any store takes as many documents
	tries     = 5                     // of one write whose outcome isn't known, or that was throttled
)

// Terms are what every voucher of a batch is worth.
type Terms struct {
	Kind       wallet.LotKind // Regular or Discount
	Face       money.Amount
	MinBill    money.Amount // Discount only; zero for none (README rule 7)
	ValidDays  int          // from activation; 0: the policy's months (README rule 6)
	ValidUntil time.Time    // until when a code may be activated; zero: for ever
	Note       string
}

// Batch is a number of codes that were issued together.
type Batch struct {
	ID       string
	Terms    Terms
	Count    int
	IssuedAt time.Time
	IssuedBy string
}

// batchBody is the document of a batch. It is written after all its codes: before that, none can be activated.
type batchBody struct {
	Kind        string    `json:"kind"`
	Currency    string    `json:"currency"`
	Face        int64     `json:"face"` // minor units
	MinBill     int64     `json:"min_bill,omitzero"`
	ValidDays   int       `json:"valid_days,omitzero"`
	ValidUntil  time.Time `json:"valid_until,omitzero"`
	Note        string    `json:"note,omitempty"`
	Count       int       `json:"count"`
	IssuedAt    time.Time `json:"issued_at"`
	IssuedBy    string    `json:"issued_by"`
	Attempt     string    `json:"attempt"`     // whose codes these are: an issue that broke off left some behind
	Fingerprint string    `json:"fingerprint"` // of what was asked
}

// codeBody is the document of a code, under the seal of the code.
type codeBody struct {
	Batch   string           `json:"batch"`
	Serial  int              `json:"serial"` // its public number in the batch
	Attempt string           `json:"attempt"`
	Account wallet.AccountID `json:"account,omitempty"` // who used it
	Entry   wallet.Key       `json:"entry,omitempty"`   // the entry that answers
	UsedAt  time.Time        `json:"used_at,omitzero"`
}

func batchKey(id string) ledger.DocumentKey { return ledger.DocumentKey{Kind: batchKind, ID: id} }

// Order is the wish to issue a batch.
type Order struct {
	Terms Terms
	Count int
	Once  string // the client's idempotency key
	Actor string
}

// id is derived from the client's key, so that a retry finds what the first try made.
func (o Order) id() string { return "vb-" + digest("voucher-batch", o.Once)[:20] }

// fingerprint covers all that was asked.
func (o Order) fingerprint() string {
	t := o.Terms
	return digest(t.Kind.String(), string(t.Face.Currency()), t.Face.String(), t.MinBill.String(), strconv.Itoa(t.ValidDays),
		strconv.FormatInt(t.ValidUntil.UnixMilli(), 10), t.Note, strconv.Itoa(o.Count))
}

// digest hashes fields unambiguously.
func digest(fields ...string) string {
	h := sha256.New()
	for _, f := range fields {
		h.Write([]byte(strconv.Itoa(len(f)) + ":" + f))
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Issue makes a batch and its codes. The codes are given once, to whoever made them: a repetition gets the batch
// and no codes. The codes are written first, in as many transactions as they need, and the batch last; since a code
// works only with the batch of its own attempt, an issue that breaks off leaves nothing that could be activated.
func (d *Desk) Issue(ctx context.Context, o Order) (batch Batch, codes []Code, err error) {
	if batch, err = d.issued(ctx, o, ""); err == nil || !refusal.Is(err, refusal.NotFound) {
		return batch, nil, err
	}
	body := o.body(string(newCode(d.Chance)), d.Now().UTC().Truncate(time.Millisecond))
	if body.over(body.IssuedAt) { // not of a repetition: the batch was issued in time
		return Batch{}, nil, refusal.At("/code_valid_until", "must be in the future")
	}
	if codes, err = d.writeCodes(ctx, o.id(), body.Attempt, o.Count); err != nil {
		return Batch{}, nil, err
	}
	document := ledger.Document{Key: batchKey(o.id())}.With(body).In(batchList, rank(o.id(), body.IssuedAt))
	existed, err := d.putOnce(ctx, document)
	if err != nil {
		return Batch{}, nil, err
	}
	if existed { // somebody with the same key was faster; or we were, and the answer got lost
		if batch, err = d.issued(ctx, o, body.Attempt); !errors.Is(err, errOurs) {
			return batch, nil, err
		}
	}
	return body.batch(o.id()), codes, nil
}

func (o Order) body(attempt string, now time.Time) batchBody {
	t := o.Terms
	return batchBody{
		Kind: t.Kind.String(), Currency: string(t.Face.Currency()), Face: t.Face.Minor(), MinBill: t.MinBill.Minor(), ValidDays: t.ValidDays,
		ValidUntil: t.ValidUntil, Note: t.Note, Count: o.Count, IssuedAt: now, IssuedBy: o.Actor,
		Attempt: attempt, Fingerprint: o.fingerprint(),
	}
}

// errOurs says that the batch that exists is the one that this very attempt wrote.
var errOurs = errors.New("voucher: the batch is of this attempt")

// issued is the batch that an earlier order of the same key made. attempt is the caller's own, if it made one.
func (d *Desk) issued(ctx context.Context, o Order, attempt string) (Batch, error) {
	body, _, err := ledger.Read[batchBody](ctx, d.Ledger.Store, batchKey(o.id()))
	switch {
	case err != nil:
		return Batch{}, err
	case body.Attempt == attempt:
		return Batch{}, errOurs
	case body.Fingerprint != o.fingerprint():
		return Batch{}, refusal.Of(refusal.KeyReused, "The key came before with other content; the first stands.")
	}
	return body.batch(o.id()), nil
}

// writeCodes makes count codes and writes them, as many at once as one transaction takes.
func (d *Desk) writeCodes(ctx context.Context, batch, attempt string, count int) ([]Code, error) {
	codes := make([]Code, count)
	var documents []ledger.Document
	for i := range codes {
		codes[i] = newCode(d.Chance)
		document := ledger.Document{Key: d.codeKey(codes[i])}.With(codeBody{Batch: batch, Serial: i + 1, Attempt: attempt})
		if documents = append(documents, document); len(documents) < chunk && i < count-1 {
			continue
		}
		// Codes that exist can only be our own, of a try whose answer got lost: two never meet by chance.
		if _, err := d.putOnce(ctx, documents...); err != nil {
			return nil, err
		}
		documents = nil
	}
	return codes, nil
}

// putOnce writes new documents, until it is known that they are there. existed tells that they were, before the
// last try.
func (d *Desk) putOnce(ctx context.Context, documents ...ledger.Document) (existed bool, err error) {
	for attempt := 1; ; attempt++ {
		err = d.Ledger.Store.Put(ctx, documents...)
		if errors.Is(err, ledger.ErrStale) {
			return true, nil
		}
		if refusal.As(err) == nil || attempt == tries {
			return false, err
		}
		if d.Ledger.Wait.Pause(ctx, attempt) != nil {
			return false, err
		}
	}
}

func (d *Desk) codeKey(code Code) ledger.DocumentKey {
	return ledger.DocumentKey{Kind: codeKind, ID: code.seal(d.Key)}
}

// rank puts the latest batch first.
func rank(id string, issuedAt time.Time) string {
	return issuedAt.UTC().Format("20060102T150405.000Z") + id
}

func (b batchBody) batch(id string) Batch {
	currency := money.Currency(b.Currency)
	kind := wallet.Regular
	if b.Kind == wallet.Discount.String() {
		kind = wallet.Discount
	}
	return Batch{
		ID: id, Count: b.Count, IssuedAt: b.IssuedAt, IssuedBy: b.IssuedBy,
		Terms: Terms{
			Kind: kind, Face: money.Of(currency, b.Face), MinBill: money.Of(currency, b.MinBill), ValidDays: b.ValidDays,
			ValidUntil: b.ValidUntil, Note: b.Note,
		},
	}
}

// Batch is a batch by its id.
func (d *Desk) Batch(ctx context.Context, id string) (Batch, error) {
	body, _, err := ledger.Read[batchBody](ctx, d.Ledger.Store, batchKey(id))
	if err != nil {
		return Batch{}, err
	}
	return body.batch(id), nil
}

// List is a page of batches, the latest first, from the place before which the page before ended. next is empty at
// the end.
func (d *Desk) List(ctx context.Context, before string, limit int) (batches []Batch, next string, err error) {
	documents, err := d.Ledger.Store.List(ctx, batchList, before, limit)
	if err != nil {
		return nil, "", err
	}
	for _, document := range documents {
		body, err := ledger.Body[batchBody](document)
		if err != nil {
			return nil, "", err
		}
		batches = append(batches, body.batch(document.Key.ID))
	}
	if len(documents) == limit {
		next = documents[limit-1].Rank
	}
	return batches, next, nil
}
