package wallet

import (
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"time"

	"billingcentre/shared/money"
)

// pack writes the canonical bytes: the same value always gives the same bytes, so they can be hashed.
type pack struct{ b []byte }

func (p *pack) byte(b byte)           { p.b = append(p.b, b) }
func (p *pack) raw(b []byte)          { p.b = append(p.b, b...) }
func (p *pack) count(n int)           { p.b = binary.AppendUvarint(p.b, uint64(n)) }
func (p *pack) int(n int64)           { p.b = binary.AppendVarint(p.b, n) }
func (p *pack) text(s string)         { p.count(len(s)); p.b = append(p.b, s...) }
func (p *pack) time(t time.Time)      { p.int(t.UnixMilli()) }
func (p *pack) amount(a money.Amount) { p.int(a.Minor()) }

// exact writes a cost as text, without making a string of it.
func (p *pack) exact(e money.Exact) {
	var text [64]byte
	b := e.Append(text[:0])
	p.count(len(b))
	p.raw(b)
}

// errBytes is the one answer to bytes that pack didn't write.
var errBytes = errors.New("wallet: these are not the canonical bytes of a head or an entry")

// unpack reads what pack wrote. The first fault sticks, and every read after it gives zero.
type unpack struct {
	b        []byte
	currency money.Currency
	bad      bool
}

func (u *unpack) take(n int) []byte {
	if u.bad || n < 0 || n > len(u.b) {
		u.bad = true
		return make([]byte, min(max(n, 0), 64))
	}
	taken := u.b[:n]
	u.b = u.b[n:]
	return taken
}

func (u *unpack) byte() byte { return u.take(1)[0] }

// code reads a byte that names one of n things.
func (u *unpack) code(n int) byte {
	c := u.byte()
	if int(c) >= n {
		u.bad = true
		return 0
	}
	return c
}

// count reads a length; anything longer than the bytes behind it can't be one.
func (u *unpack) count() int {
	n, size := binary.Uvarint(u.b)
	if size <= 0 || n > uint64(len(u.b)-size) {
		u.bad = true
		return 0
	}
	u.b = u.b[size:]
	return int(n)
}

func (u *unpack) int() int64 {
	n, size := binary.Varint(u.b)
	if size <= 0 {
		u.bad = true
		return 0
	}
	u.b = u.b[size:]
	return n
}

func (u *unpack) text() string { return string(u.take(u.count())) }

func (u *unpack) time() time.Time {
	ms := u.int()
	if ms > math.MaxInt64/int64(time.Millisecond) || ms < math.MinInt64/int64(time.Millisecond) {
		u.bad = true
	}
	return time.UnixMilli(ms).UTC()
}

func (u *unpack) amount() money.Amount { return money.Of(u.currency, u.int()) }

func (u *unpack) exact() money.Exact {
	e, err := money.ReadExact(u.text(), u.currency)
	if err != nil {
		u.bad = true
		return money.ZeroExact(u.currency)
	}
	return e
}

// packed writes a list; unpacked reads it.
func packed[T any](p *pack, list []T, one func(*pack, T)) {
	p.count(len(list))
	for _, item := range list {
		one(p, item)
	}
}

func unpacked[T any](u *unpack, one func(*unpack) T) []T {
	var list []T
	for n := u.count(); n > 0 && !u.bad; n-- {
		list = append(list, one(u))
	}
	return slices.Clip(list)
}
