package meter

import (
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// remembered bounds what the meter knows about items.
const remembered = 100_000

// image is what the meter must know about an item: the size of each attribute, and its values in the indexes' keys.
type image struct {
	sizes map[string]int
	keys  map[string]string // of the attributes that are keys of an index
}

func (i image) size() (size int) {
	for _, s := range i.sizes {
		size += s
	}
	return size
}

// change is one write of one item: a put, an update, or, without either, a delete or a condition check.
type change struct {
	put    map[string]types.AttributeValue
	key    map[string]types.AttributeValue
	update *string
	names  map[string]string
	values map[string]types.AttributeValue
	check  bool
}

// plain charges a write outside of transactions. One whose condition fails still pays for the item.
func (m *Meter) plain(c change, err error) {
	units, index, apply := m.cost(c)
	var failed *types.ConditionalCheckFailedException
	switch {
	case err == nil:
		m.reading.Writes += units + index
		m.reading.IndexWrite += index
		apply()
	case errors.As(err, &failed):
		m.reading.Writes += units
		m.reading.Refused++
	}
}

// transaction charges twice: every item is prepared and committed.
func (m *Meter) transaction(actions []types.TransactWriteItem, err error) {
	var canceled *types.TransactionCanceledException
	if err != nil && !errors.As(err, &canceled) {
		return
	}
	if err != nil {
		m.reading.Refused++
	}
	for _, action := range actions {
		units, index, apply := m.cost(changeOf(action))
		m.reading.Writes += 2 * units
		if err == nil {
			m.reading.Writes += index
			m.reading.IndexWrite += index
			apply()
		}
	}
}

func changeOf(action types.TransactWriteItem) change {
	switch {
	case action.Put != nil:
		return change{put: action.Put.Item}
	case action.Update != nil:
		u := action.Update
		return change{key: u.Key, update: u.UpdateExpression, names: u.ExpressionAttributeNames, values: u.ExpressionAttributeValues}
	case action.Delete != nil:
		return change{key: action.Delete.Key}
	}
	return change{key: action.ConditionCheck.Key, check: true}
}

// cost is what a write costs in the table and in its indexes; apply remembers that it went through.
func (m *Meter) cost(c change) (units, index float64, apply func()) {
	key := m.key(c.key)
	if c.put != nil {
		key = m.key(c.put)
	}
	before := m.known[key]
	after := m.after(before, c)
	units = writeUnits(max(before.size(), after.size()))
	for _, keys := range m.schema.Indexes {
		index += m.indexCost(keys, before, after)
	}
	return units, index, func() { m.remember(key, after) }
}

// after is the item as a write leaves it.
func (m *Meter) after(before image, c change) image {
	switch {
	case c.put != nil:
		return m.imageOf(c.put)
	case c.check:
		return before
	case c.update == nil:
		return image{}
	}
	after := m.imageOf(c.key)
	for name, size := range before.sizes {
		after.sizes[name] = size
	}
	for name, value := range before.keys {
		after.keys[name] = value
	}
	set, drop, _ := strings.Cut(*c.update, "REMOVE ")
	for _, assignment := range strings.Split(strings.TrimPrefix(set, "SET "), ",") {
		name, value, ok := strings.Cut(assignment, "=")
		if name = c.named(name); ok {
			m.assign(after, name, c.values[strings.TrimSpace(value)])
		}
	}
	for _, name := range strings.Split(drop, ",") {
		delete(after.sizes, c.named(name))
		delete(after.keys, c.named(name))
	}
	return after
}

// named resolves a name of an expression.
func (c change) named(name string) string {
	name = strings.TrimSpace(name)
	if full, ok := c.names[name]; ok {
		return full
	}
	return name
}

func (m *Meter) imageOf(item map[string]types.AttributeValue) image {
	i := image{sizes: make(map[string]int, len(item)), keys: map[string]string{}}
	for name, value := range item {
		m.assign(i, name, value)
	}
	return i
}

func (m *Meter) assign(i image, name string, value types.AttributeValue) {
	i.sizes[name] = len(name) + valueSize(value)
	for _, keys := range m.schema.Indexes {
		for _, key := range keys {
			if key == name {
				i.keys[name] = scalar(value)
			}
		}
	}
}

// indexCost is what a keys-only index pays: nothing when its keys stay, one write for an item that comes or goes, two
// for one that moves.
func (m *Meter) indexCost(keys []string, before, after image) (units float64) {
	was, is := in(keys, before), in(keys, after)
	same := was && is
	for _, key := range keys {
		same = same && before.keys[key] == after.keys[key]
	}
	if same {
		return 0
	}
	if was {
		units += writeUnits(m.indexSize(keys, before))
	}
	if is {
		units += writeUnits(m.indexSize(keys, after))
	}
	return units
}

func in(keys []string, i image) bool {
	for _, key := range keys {
		if _, ok := i.keys[key]; !ok {
			return false
		}
	}
	return true
}

func (m *Meter) indexSize(keys []string, i image) (size int) {
	for _, key := range append(keys[:len(keys):len(keys)], m.schema.Keys...) {
		size += i.sizes[key]
	}
	return size
}

// key is an item's primary key as a string.
func (m *Meter) key(item map[string]types.AttributeValue) string {
	var b strings.Builder
	for _, name := range m.schema.Keys {
		b.WriteString(scalar(item[name]))
		b.WriteByte(0)
	}
	return b.String()
}

// remember keeps an item's image; a full memory forgets some other one.
func (m *Meter) remember(key string, i image) {
	if len(i.sizes) == 0 {
		delete(m.known, key)
		return
	}
	if _, known := m.known[key]; !known && len(m.known) >= remembered {
		for other := range m.known {
			delete(m.known, other)
			break
		}
	}
	m.known[key] = i
}
