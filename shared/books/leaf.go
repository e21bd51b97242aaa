package books

import (
	"context"
	"slices"
	"strings"
	"time"

	"billingcentre/shared/ledger"
	"billingcentre/shared/money"
	"billingcentre/shared/wallet"
)

// leaf is the documents that one step of the keeper writes.
type leaf struct {
	account   wallet.AccountID
	zone      *time.Location
	documents map[ledger.DocumentKey]*sheet
}

// sheet is one of them, read: one of its three is set.
type sheet struct {
	document ledger.Document
	month    string // of the usage
	usage    *usageMonth
	journal  *journalMonth
	contents *contents
}

// keys are the documents that a change belongs to.
func (l *leaf) keys(c Change, settled map[wallet.BillID]wallet.Entry) []ledger.DocumentKey {
	keys := []ledger.DocumentKey{
		monthKey(journalKind, l.account, monthOf(l.day(c))), contentsKey(l.account, contentsOf(volumeOf(c.Entry.Number))),
	}
	if day := usageDayOf(c.Entry, settled); day != "" {
		keys = append(keys, monthKey(usageKind, l.account, monthOf(day)))
	}
	return keys
}

// day is the day of the journal that a change was made on.
func (l *leaf) day(c Change) string { return c.Entry.Time.In(l.zone).Format(time.DateOnly) }

// usageDayOf is the day whose usage an entry is about; "" for one that is about none.
func usageDayOf(e wallet.Entry, settled map[wallet.BillID]wallet.Entry) string {
	s := e.Settlement
	if e.Reversal != nil {
		s = settled[e.Reversal.Bill].Settlement
	}
	if s == nil || len(s.Lines) == 0 {
		return ""
	}
	return s.Day
}

// room takes a change's documents in, unless there would be too many of them.
func (l *leaf) room(c Change, settled map[wallet.BillID]wallet.Entry) bool {
	keys := l.keys(c, settled)
	fresh := 0
	for _, key := range keys {
		if l.documents[key] == nil {
			fresh++
		}
	}
	if len(l.documents)+fresh > mostMonths {
		return false
	}
	for _, key := range keys {
		if l.documents[key] == nil {
			l.documents[key] = &sheet{document: ledger.Document{Key: key}}
		}
	}
	return true
}

// keysOf are the keys of a kind, in order.
func (l *leaf) keysOf(kind string) (keys []ledger.DocumentKey) {
	for key := range l.documents {
		if key.Kind == kind {
			keys = append(keys, key)
		}
	}
	slices.SortFunc(keys, func(a, b ledger.DocumentKey) int { return strings.Compare(a.ID, b.ID) })
	return keys
}

// load reads the documents, those that exist.
func (l *leaf) load(ctx context.Context, store ledger.Store, currency money.Currency) error {
	keys := make([]ledger.DocumentKey, 0, len(l.documents))
	for key := range l.documents {
		keys = append(keys, key)
	}
	found, err := store.Documents(ctx, keys...)
	if err != nil {
		return err
	}
	for key, s := range l.documents {
		if document, exists := found[key]; exists {
			s.document = document
		}
		switch key.Kind {
		case usageKind:
			s.usage, err = readUsage(s.document.Body, currency)
			_, s.month, _ = strings.Cut(key.ID, "#")
		case journalKind:
			s.journal, err = readJournal(s.document.Body)
		default:
			s.contents, err = readContents(s.document.Body)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// fold counts a change, the first of those that follow it in its volume, in the documents it belongs to.
func (l *leaf) fold(cover *Cover, c Change, following []Change, settled map[wallet.BillID]wallet.Entry) {
	for _, key := range l.keys(c, settled) {
		switch s := l.documents[key]; {
		case s.usage != nil:
			var origin *wallet.Entry
			if c.Entry.Reversal != nil {
				e := settled[c.Entry.Reversal.Bill]
				origin = &e
			}
			rows := RowsOf(c.Entry, origin)
			s.usage.add(rows)
			cover.Months[monthOf(rows[0].Day)] = c.Entry.Number
		case s.journal != nil:
			s.journal.add(l.day(c), c)
		default:
			l.contents(cover, s.contents, c, following)
		}
	}
}

// contents tells of the volume that a change begins.
func (l *leaf) contents(cover *Cover, to *contents, c Change, following []Change) {
	if c.Entry.Number != firstOf(volumeOf(c.Entry.Number)) {
		return
	}
	mask := uint32(0)
	for _, one := range following[:stride] {
		mask |= one.mask()
	}
	if len(to.starts) == 0 {
		cover.Starts, cover.Masks = append(cover.Starts, c.Entry.Time.UnixMilli()), append(cover.Masks, 0)
	}
	cover.Masks[len(cover.Masks)-1] |= mask
	to.add(c.Entry.Time.UnixMilli(), mask)
}

// written are the documents as they shall be, in the order of their keys.
func (l *leaf) written() []ledger.Document {
	documents := make([]ledger.Document, 0, len(l.documents))
	for _, s := range l.documents {
		switch {
		case s.usage != nil:
			s.document.Body = s.usage.body()
		case s.journal != nil:
			s.document.Body = packed(s.journal)
		default:
			s.document.Body = packed(s.contents)
		}
		documents = append(documents, s.document)
	}
	slices.SortFunc(documents, func(a, b ledger.Document) int {
		return strings.Compare(a.Key.Kind+a.Key.ID, b.Key.Kind+b.Key.ID)
	})
	return documents
}
