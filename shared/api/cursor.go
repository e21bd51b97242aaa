package api

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"

	"billingcentre/shared/refusal"
)

// Cursors signs positions in lists. A cursor is bound to its list and account: edited, or brought elsewhere, it is
// refused.
type Cursors struct {
	Key []byte
}

const tagSize = 12

// Encode makes a cursor of a position in a list. The position "" is the end of the list, and gives no cursor.
func (c Cursors) Encode(list, position string) string {
	if position == "" {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(append(c.tag(list, position), position...))
}

// Decode gives back the position. No cursor is the position "".
func (c Cursors) Decode(list, cursor string) (string, error) {
	if cursor == "" {
		return "", nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(cursor)
	if err == nil && len(raw) > tagSize {
		position := string(raw[tagSize:])
		if hmac.Equal([]byte(cursor), []byte(c.Encode(list, position))) { // as text: base64 has several spellings of one value
			return position, nil
		}
	}
	return "", refusal.At("/cursor", "must be the next_cursor of the page before, of the same list")
}

func (c Cursors) tag(list, position string) []byte {
	mac := hmac.New(sha256.New, c.Key)
	mac.Write([]byte(list))
	mac.Write([]byte{0})
	mac.Write([]byte(position))
	return mac.Sum(nil)[:tagSize]
}

// Page is one page of a list.
type Page[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next_cursor,omitempty"` // empty at the end of the list
}

// PageOf is a page of what was found, as it is told. next is its cursor; "" at the end of the list.
func PageOf[F, T any](found []F, told func(F) T, next string) Page[T] {
	page := Page[T]{Items: make([]T, 0, len(found)), Next: next}
	for _, f := range found {
		page.Items = append(page.Items, told(f))
	}
	return page
}

// Place reads cursor and limit of a request for a page of a list.
func (r *Request) Place(cursors Cursors, list string) (position string, limit int, err error) {
	if limit, err = r.Limit(); err != nil {
		return "", 0, err
	}
	cursor, err := r.Query("cursor")
	if err != nil {
		return "", 0, err
	}
	position, err = cursors.Decode(list, cursor)
	return position, limit, err
}
