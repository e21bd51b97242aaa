package focus

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"billingcentre/shared/wallet"
)

const (
	longestID = 128 // characters of an id
	hashed    = 32  // hexadecimal digits at the end of one that would be longer
)

// workspaceOf is the workspace that a sub-account is known as: itself, where an id can have its characters.
func workspaceOf(subAccount string) wallet.WorkspaceID {
	id := escape(subAccount, ".:")
	if id[0] == '~' { // ids begin with a letter or digit; "x~" alone is no escape, so nothing else becomes this
		id = "x~" + id
	}
	return wallet.WorkspaceID(fit(id))
}

// billOf names the n-th bill of a group.
func billOf(g group, file string, n int) wallet.BillID {
	id := strings.Join([]string{"focus", escape(g.account, "."), escape(g.subAccount, "."), g.day, file}, ":")
	if n > 0 {
		id += ":" + strconv.Itoa(n+1)
	}
	return wallet.BillID(fit(id))
}

// escape writes what an id can't have as ~ and two hexadecimal digits a byte, so that different texts stay different.
// Letters, digits, _ and - stand for themselves, and the marks given, but for one at the beginning.
func escape(text, marks string) string {
	var b strings.Builder
	for i := range len(text) {
		c := text[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9',
			i > 0 && (c == '_' || c == '-' || strings.IndexByte(marks, c) >= 0):
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "~%02X", c)
		}
	}
	return b.String()
}

// fit shortens an id that is too long. Its end then is a hash of the whole, behind ~~, which escaping never writes.
func fit(id string) string {
	if len(id) <= longestID {
		return id
	}
	sum := sha256.Sum256([]byte(id))
	return id[:longestID-hashed-2] + "~~" + hex.EncodeToString(sum[:])[:hashed]
}

// mark tells a file by the content of its billed rows: the sum of their hashes, which no order of rows and of columns
// changes, and to which a row that is there twice counts twice.
type mark struct {
	names []string
	order []int // of the columns, by name
	sum   [4]uint64
	rows  uint64
	text  []byte
}

func newMark(names []string) *mark {
	m := &mark{names: names, order: make([]int, len(names))}
	for i := range names {
		m.order[i] = i
	}
	slices.SortStableFunc(m.order, func(a, b int) int { return strings.Compare(names[a], names[b]) })
	return m
}

func (m *mark) add(fields []string) {
	m.text = m.text[:0]
	for _, i := range m.order {
		for _, part := range [...]string{m.names[i], fields[i]} {
			m.text = binary.AppendUvarint(m.text, uint64(len(part)))
			m.text = append(m.text, part...)
		}
	}
	digest := sha256.Sum256(m.text)
	for i := range m.sum {
		m.sum[i] += binary.BigEndian.Uint64(digest[8*i:])
	}
	m.rows++
}

func (m *mark) String() string {
	var text []byte
	for _, word := range append(m.sum[:], m.rows) {
		text = binary.BigEndian.AppendUint64(text, word)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])[:12]
}
