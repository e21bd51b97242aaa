package books

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"billingcentre/shared/ledger"
	"billingcentre/shared/wallet"
)

// A volume is a hundred entries of an account, in their canonical bytes, with the head before them: volume k holds the
// entries 100(k-1)+1 to 100k, so nobody need look up where an entry is. It costs a tenth of its entries to read, and can
// be replayed by itself. It is a copy of what never changes: written once, before anything points to it, and whoever
// writes it again writes the same. A volume that is too large for one document has parts.
//
// A reversal's row says what the bill's said. So the entry that settled a bill stands in the volume once more, right
// before the one that reverses it, unless it is in the same volume anyway.

const (
	volumeKind = "books-volume"
	stride     = 100 // entries of a volume
)

// partSize is how many bytes a part has before compression; it may be exceeded by one entry. Tests make it small.
var partSize = 320 << 10

// volumeOf is the volume that an entry is in, from 1.
func volumeOf(number int64) int64 { return (number + stride - 1) / stride }

// firstOf and lastOf are the numbers of a volume's first and last entries.
func firstOf(volume int64) int64 { return (volume-1)*stride + 1 }
func lastOf(volume int64) int64  { return volume * stride }

func volumeKey(account wallet.AccountID, volume int64, part int) ledger.DocumentKey {
	id := fmt.Sprintf("%s#%d", account, volume)
	if part > 0 {
		id += fmt.Sprintf(".%d", part)
	}
	return ledger.DocumentKey{Kind: volumeKind, ID: id}
}

// volume is a volume as it is read.
type volume struct {
	before  wallet.Head
	entries []wallet.Entry
	settled map[wallet.BillID]wallet.Entry // what its reversals reverse

	rows    [][]Row  // by entry, once somebody asked
	changes []Change // the same
}

// The records of a volume: the number of parts, the head, entries, and entries that settled what the next one reverses.
const (
	ofParts = iota + 1
	ofHead
	ofEntry
	ofSettled
)

func record(to []byte, kind byte, content []byte) []byte {
	return append(binary.AppendUvarint(append(to, kind), uint64(len(content))), content...)
}

// write encodes a volume's parts.
func (v *volume) write() [][]byte {
	parts := [][]byte{nil}
	if v.before.Version > 0 { // before the first volume there is none
		parts[0] = record(nil, ofHead, v.before.Canonical())
	}
	own := map[wallet.BillID]bool{}
	for _, e := range v.entries {
		var records []byte
		if e.Settlement != nil {
			own[e.Settlement.Bill] = true
		}
		if e.Reversal != nil && !own[e.Reversal.Bill] {
			origin := v.settled[e.Reversal.Bill]
			records = record(records, ofSettled, origin.Canonical())
		}
		records = record(records, ofEntry, e.Canonical())
		last := len(parts) - 1
		if len(parts[last])+len(records) > partSize && len(parts[last]) > 0 {
			parts, last = append(parts, nil), last+1
		}
		parts[last] = append(parts[last], records...)
	}
	parts[0] = append(record(nil, ofParts, binary.AppendUvarint(nil, uint64(len(parts)))), parts[0]...)
	for i := range parts {
		parts[i] = squeeze(parts[i])
	}
	return parts
}

// read decodes one part into the volume, and tells how many there are.
func (v *volume) read(body []byte) (parts int, err error) {
	plain, err := unsqueeze(body)
	if err != nil {
		return 0, err
	}
	for len(plain) > 0 && err == nil {
		kind := plain[0]
		size, n := binary.Uvarint(plain[1:])
		if n <= 0 || size > uint64(len(plain)-1-n) {
			return 0, errors.New("books: a damaged volume")
		}
		content := plain[1+n : 1+n+int(size)]
		plain = plain[1+n+int(size):]
		switch kind {
		case ofParts:
			many, _ := binary.Uvarint(content)
			parts = int(many)
		case ofHead:
			v.before, err = wallet.DecodeHead(content)
		case ofEntry:
			var e wallet.Entry
			e, err = wallet.DecodeEntry(content)
			v.entries = append(v.entries, e)
		case ofSettled:
			var e wallet.Entry
			if e, err = wallet.DecodeEntry(content); err == nil {
				v.settled[e.Settlement.Bill] = e
			}
		default:
			err = errors.New("books: a volume of an unknown format")
		}
	}
	return parts, err
}

// complete checks a volume that was read.
func (v *volume) complete(account wallet.AccountID, number int64) error {
	for i, e := range v.entries {
		if e.Account != account || e.Number != firstOf(number)+int64(i) {
			return fmt.Errorf("books: volume %d of %s holds entry %d of %s", number, account, e.Number, e.Account)
		}
		if e.Settlement != nil {
			v.settled[e.Settlement.Bill] = e
		}
	}
	if len(v.entries) != stride || v.before.Version != firstOf(number)-1 {
		return fmt.Errorf("books: volume %d of %s isn't whole", number, account)
	}
	return nil
}

// volumes reads volumes that exist, a hundred with one call; further parts of large ones need another.
func (b *Books) volumes(ctx context.Context, account wallet.AccountID, numbers []int64) (map[int64]*volume, error) {
	found := make(map[int64]*volume, len(numbers))
	keys := make([]ledger.DocumentKey, len(numbers))
	for i, number := range numbers {
		keys[i] = volumeKey(account, number, 0)
	}
	documents, err := b.Store.Documents(ctx, keys...)
	if err != nil {
		return nil, err
	}
	for i, number := range numbers {
		v := &volume{before: wallet.Head{Account: account}, settled: map[wallet.BillID]wallet.Entry{}}
		document, exists := documents[keys[i]]
		if !exists {
			return nil, fmt.Errorf("books: volume %d of %s is missing", number, account)
		}
		parts, err := v.read(document.Body)
		if err == nil && parts > 1 {
			err = b.parts(ctx, account, number, parts, v)
		}
		if err == nil {
			err = v.complete(account, number)
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ledger.ErrDamaged, err)
		}
		found[number] = v
	}
	return found, nil
}

// parts reads a large volume's further parts.
func (b *Books) parts(ctx context.Context, account wallet.AccountID, number int64, parts int, v *volume) error {
	keys := make([]ledger.DocumentKey, 0, parts-1)
	for part := 1; part < parts; part++ {
		keys = append(keys, volumeKey(account, number, part))
	}
	documents, err := b.Store.Documents(ctx, keys...)
	if err != nil {
		return err
	}
	for _, key := range keys {
		if _, err := v.read(documents[key].Body); err != nil {
			return err
		}
	}
	return nil
}

// keep writes a volume, its first part last: who finds that finds all.
func (b *Books) keep(ctx context.Context, account wallet.AccountID, number int64, v *volume) error {
	for part, body := range slices.Backward(v.write()) {
		err := b.Store.Put(ctx, ledger.Document{Key: volumeKey(account, number, part), Body: body})
		if err != nil && !errors.Is(err, ledger.ErrStale) { // stale: it is there
			return err
		}
	}
	return nil
}

// after is the head after an entry of the volume.
func (v *volume) after(number int64) (wallet.Head, error) {
	return replay(v.before, v.entries, number)
}

// replay applies entries up to a number.
func replay(head wallet.Head, entries []wallet.Entry, number int64) (wallet.Head, error) {
	for _, e := range entries {
		if e.Number > number {
			break
		}
		if e.Number <= head.Version {
			continue
		}
		next, err := wallet.Replay(head, e)
		if err != nil {
			return head, fmt.Errorf("%w: %w", ledger.ErrDamaged, err)
		}
		head = next
	}
	return head, nil
}
