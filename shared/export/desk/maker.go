package desk

import (
	"context"
	"crypto/sha256"
	"encoding"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"log/slog"
	"slices"
	"time"

	"billingcentre/shared/api"
	"billingcentre/shared/export"
	"billingcentre/shared/ledger"
	"billingcentre/shared/refusal"
	"billingcentre/shared/shelf"
)

// Shelf is where files are put: a shelf.Shelf is one.
type Shelf interface {
	Put(ctx context.Context, key, media string, content []byte) error
	Begin(ctx context.Context, key, media string) (upload string, err error)
	Add(ctx context.Context, key, upload string, number int32, content []byte) (shelf.Part, error)
	End(ctx context.Context, key, upload string, parts []shelf.Part) error
	Drop(ctx context.Context, key, upload string) error
}

// Maker makes the files of exports, in strides.
type Maker struct {
	Store    ledger.Store
	Shelf    Shelf
	Send     func(ctx context.Context, body string) error // to the queue that the maker's messages come from
	Now      func() time.Time
	Log      *slog.Logger
	Provider string // who sells, as FOCUS names it
	Part     int    // bytes of a part; 0: eight MiB. Not below five, but in tests
	MostRows int64  // of a file; 0: five million

	rows func(ctx context.Context, e *Export) (export.Table, error) // tests have tables of their own; nil: those of the books
}

const (
	normalPart = 8 << 20
	normalRows = 5_000_000
	// mostIdle strides that got nowhere mean that none will: a part takes seconds. So often, too, an export begins again.
	mostIdle = 5
	// mostRest is the most that is kept in the document until it is part of a part: an item has at most 400 KB.
	mostRest = 100 << 10
	// lease is how long a stride may take where nobody says when its time is over.
	lease = 2 * time.Minute
)

// ReadMessage reads what the queue brings. The refusal is Invalid.
func ReadMessage(body string) (id string, err error) {
	var m message
	if err := api.Strict([]byte(body), &m); err != nil {
		return "", err
	}
	var check api.Check
	check.That(m.Version == 1, "/version", "must be 1")
	check.ID("/export_id", m.Export)
	return m.Export, check.Err()
}

// Make goes on with an export, as far as there is room, and hands over to the next message if it isn't done then. An
// export that is done is left alone. An error means that the message should come again.
func (m *Maker) Make(ctx context.Context, id string, room func() bool) error {
	e, document, err := ledger.Read[Export](ctx, m.Store, keyOf(id))
	if err != nil || e.State != Pending {
		return err
	}
	if err := m.free(e); err != nil {
		return err
	}
	s := &stride{Maker: m, e: e, document: document, room: room}
	if err := s.hold(ctx); err != nil {
		return err
	}
	err = s.run(ctx)
	switch r := refusal.As(err); {
	case errors.Is(err, errNoRoom):
		return s.handOver(ctx)
	case errors.Is(err, shelf.ErrGone): // ended already, and it wasn't noted; or forgotten
		m.Log.WarnContext(ctx, "an export begins again", "export", id, "error", err.Error())
		s.e.Work, s.e.Rows, s.e.Bytes = Work{Idle: s.e.Work.Idle, Again: s.e.Work.Again + 1}, 0, 0
		return s.handOver(ctx)
	case r != nil && (r.Kind == refusal.NotApplicable || r.Kind == refusal.TooLarge || r.Kind == refusal.Invalid || r.Kind == refusal.NotFound):
		return s.fail(ctx, r.Detail)
	case err != nil:
		return errors.Join(err, s.letGo(ctx))
	}
	return nil
}

// free refuses an export that somebody is making.
func (m *Maker) free(e Export) error {
	if m.Now().Before(e.Work.Lease) {
		return &refusal.Refusal{Kind: refusal.Contended, Detail: "Somebody is making the export.", RetryAfter: 10}
	}
	return nil
}

// Fail ends an export that nobody could make for a fault of ours. One that somebody is making just now is left to him.
func (m *Maker) Fail(ctx context.Context, id string) error {
	e, document, err := ledger.Read[Export](ctx, m.Store, keyOf(id))
	if err != nil || e.State != Pending {
		return err
	}
	if err := m.free(e); err != nil {
		return err
	}
	s := &stride{Maker: m, e: e, document: document}
	return s.fail(ctx, "It met a fault of ours; ask for it again.")
}

// stride is what one message does for an export.
type stride struct {
	*Maker
	e        Export
	document ledger.Document
	room     func() bool
	digest   hash.Hash
	begun    time.Time
}

var errNoRoom = errors.New("desk: there is no time left")

// save writes down how far the export is. That somebody else has means that the lease is his.
func (s *stride) save(ctx context.Context) error {
	document := s.e.document(s.document)
	err := s.Store.Put(ctx, document)
	if errors.Is(err, ledger.ErrStale) {
		return &refusal.Refusal{Kind: refusal.Contended, Detail: "Somebody else is making the export.", RetryAfter: 10}
	}
	if err == nil {
		s.document.Version++
	}
	return err
}

// hold takes the lease: until this worker's own time is over.
func (s *stride) hold(ctx context.Context) error {
	s.begun = s.Now()
	s.e.Work.Lease = s.begun.Add(lease)
	if deadline, limited := ctx.Deadline(); limited {
		s.e.Work.Lease = s.begun.Add(time.Until(deadline) + 10*time.Second)
	}
	s.e.Work.Idle++
	return s.save(ctx)
}

func (s *stride) letGo(ctx context.Context) error {
	s.e.Work.Lease = time.Time{}
	if err := s.save(ctx); err != nil {
		s.Log.WarnContext(ctx, "a lease stays until its end", "export", s.e.ID, "error", err.Error())
	}
	return nil // the lease ends by itself
}

// handOver lets the next message go on.
func (s *stride) handOver(ctx context.Context) error {
	if s.e.Work.Idle >= mostIdle || s.e.Work.Again >= mostIdle {
		return s.fail(ctx, "It took too long; ask for a shorter range.")
	}
	s.e.Work.Lease = time.Time{}
	if err := s.save(ctx); err != nil {
		return err
	}
	s.Log.InfoContext(ctx, "an export is handed over", "export", s.e.ID, "rows", s.e.Rows, "parts", len(s.e.Work.Parts))
	return s.Send(ctx, Message(s.e.ID))
}

func (s *stride) fail(ctx context.Context, why string) error {
	if s.e.Work.Upload != "" {
		if err := s.Shelf.Drop(ctx, s.e.key(), s.e.Work.Upload); err != nil {
			s.Log.WarnContext(ctx, "an upload stays until the bucket forgets it", "export", s.e.ID, "error", err.Error())
		}
	}
	s.e.State, s.e.Failure, s.e.EndedAt = Failed, why, s.Now().UTC().Truncate(time.Millisecond)
	s.e.Work, s.e.Rows, s.e.Bytes = Work{}, 0, 0
	s.Log.ErrorContext(ctx, "an export failed", "export", s.e.ID, "account", s.e.Account, "reason", why)
	return s.save(ctx)
}

// run writes rows until there are no more, or no room.
func (s *stride) run(ctx context.Context) error {
	open := s.open
	if s.rows != nil {
		open = s.rows
	}
	table, err := open(ctx, &s.e)
	if err != nil {
		return err
	}
	if s.digest, err = digestOf(s.e.Work.Digest); err != nil {
		return err
	}
	w := export.NewWriter(table, s.e.Wish.language())
	p := &page{size: s.partSize(), rows: s.e.Rows, safe: mark{len(s.e.Work.Rest), s.e.Rows, s.e.Work.Place}}
	p.bytes = append(make([]byte, 0, p.size+64<<10), s.e.Work.Rest...)
	if s.e.Work.Place == "" {
		p.bytes = w.Head(p.bytes)
	}
	for row, err := range table.Rows(ctx, s.e.Work.Place) {
		if err != nil {
			return err
		}
		if row.Cells != nil {
			p.bytes = w.Row(p.bytes, row)
			p.rows++
		}
		if p.rows > s.mostRows() {
			return refusal.Of(refusal.TooLarge, "It would have more than %d rows; ask for a shorter range.", s.mostRows())
		}
		if row.Place != "" {
			p.safe = mark{len(p.bytes), p.rows, row.Place}
		}
		if p.safe.length >= p.size {
			if err := s.add(ctx, p); err != nil {
				return err
			}
		}
		if !s.room() {
			s.pause(p)
			return errNoRoom
		}
	}
	return s.finish(ctx, p)
}

// pause notes how far the export is beyond its last part, if that is little: where few rows are wanted among many, it may
// take many strides to a part.
func (s *stride) pause(p *page) {
	if p.safe.length > mostRest || p.safe.place == s.e.Work.Place {
		return
	}
	s.e.Rows, s.e.Work.Place, s.e.Work.Rest, s.e.Work.Idle = p.safe.rows, p.safe.place, p.bytes[:p.safe.length], 0
}

func (s *stride) partSize() int {
	if s.Part > 0 {
		return s.Part
	}
	return normalPart
}

func (s *stride) mostRows() int64 {
	if s.MostRows > 0 {
		return s.MostRows
	}
	return normalRows
}

// page is what isn't on the shelf yet.
type page struct {
	size  int
	bytes []byte
	rows  int64 // of the file, with those in bytes
	safe  mark  // up to where a part may go
}

// mark is a row after which one can go on.
type mark struct {
	length int // of the page, behind the row
	rows   int64
	place  string
}

// add puts a page on the shelf as a part, and writes that down.
func (s *stride) add(ctx context.Context, p *page) error {
	if err := s.put(ctx, p.bytes[:p.safe.length]); err != nil {
		return err
	}
	state, err := s.digest.(encoding.BinaryMarshaler).MarshalBinary()
	if err != nil {
		return fmt.Errorf("desk: the digest's state: %w", err)
	}
	s.e.Rows, s.e.Work.Place, s.e.Work.Rest, s.e.Work.Digest, s.e.Work.Idle = p.safe.rows, p.safe.place, nil, state, 0
	p.bytes = append(p.bytes[:0], p.bytes[p.safe.length:]...)
	p.safe.length = 0
	return s.save(ctx)
}

// put adds the next part, to an upload that is begun with the first one.
func (s *stride) put(ctx context.Context, content []byte) error {
	work := &s.e.Work
	if work.Upload == "" {
		upload, err := s.Shelf.Begin(ctx, s.e.key(), mediaType)
		if err != nil {
			return err
		}
		work.Upload = upload
	}
	part, err := s.Shelf.Add(ctx, s.e.key(), work.Upload, int32(len(work.Parts)+1), content)
	if err != nil {
		return err
	}
	work.Parts = append(slices.Clip(work.Parts), part)
	s.digest.Write(content)
	s.e.Bytes += int64(len(content))
	return nil
}

// finish puts the rest on the shelf, and tells that the file is ready. A small file is put whole.
func (s *stride) finish(ctx context.Context, p *page) error {
	key := s.e.key()
	switch {
	case s.e.Work.Upload == "":
		if err := s.Shelf.Put(ctx, key, mediaType, p.bytes); err != nil {
			return err
		}
		s.digest.Write(p.bytes)
		s.e.Bytes = int64(len(p.bytes))
	default:
		if len(p.bytes) > 0 {
			if err := s.put(ctx, p.bytes); err != nil {
				return err
			}
		}
		if err := s.Shelf.End(ctx, key, s.e.Work.Upload, s.e.Work.Parts); err != nil {
			return err
		}
	}
	s.e.State, s.e.Rows, s.e.EndedAt = Ready, p.rows, s.Now().UTC().Truncate(time.Millisecond)
	s.e.SHA256, s.e.Work = hex.EncodeToString(s.digest.Sum(nil)), Work{}
	if err := s.save(ctx); err != nil {
		return err
	}
	s.Log.InfoContext(ctx, "an export is ready", "export", s.e.ID, "rows", s.e.Rows, "bytes", s.e.Bytes, "took", s.Now().Sub(s.begun))
	return nil
}

// digestOf is a SHA-256 that goes on from a state.
func digestOf(state []byte) (hash.Hash, error) {
	digest := sha256.New()
	if len(state) == 0 {
		return digest, nil
	}
	if err := digest.(encoding.BinaryUnmarshaler).UnmarshalBinary(state); err != nil {
		return nil, fmt.Errorf("desk: the digest's state: %w", err)
	}
	return digest, nil
}
