// Package metric counts what operators are alarmed by. A count is one line of JSON on standard output in CloudWatch's
// embedded metric format: it costs no call, and it is in the log with all else.
package metric

import (
	"io"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
)

// Namespace is where CloudWatch keeps the centre's metrics.
const Namespace = "BillingCentre"

// Metrics writes counts. The zero Metrics writes to standard output.
type Metrics struct {
	Out io.Writer
	Now func() time.Time

	mu sync.Mutex
}

// Count adds n to a metric: to the metric alone, and to it under a dimension's value, if one is given. Values of
// dimensions are words of ours, never what somebody sent.
func (m *Metrics) Count(name string, n int, dimension, value string) {
	line := map[string]any{}
	for attr := range slices.Chunk(Attrs(m.now(), name, n, dimension, value), 2) {
		line[attr[0].(string)] = attr[1]
	}
	text, err := json.Marshal(line, json.Deterministic(true))
	if err != nil {
		return // a map of strings and numbers always marshals
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.out().Write(append(text, '\n')) //nolint:errcheck // there is nobody left to tell
}

// Attrs are the attributes that make a line of a JSON log count as Count does, beside what it says.
func Attrs(now time.Time, name string, n int, dimension, value string) []any {
	attrs := []any{name, n}
	dimensions := [][]string{{}}
	if dimension != "" {
		attrs = append(attrs, dimension, value)
		dimensions = append(dimensions, []string{dimension})
	}
	return append(attrs, "_aws", map[string]any{
		"Timestamp": now.UnixMilli(),
		"CloudWatchMetrics": []any{map[string]any{
			"Namespace": Namespace, "Dimensions": dimensions,
			"Metrics": []any{map[string]string{"Name": name, "Unit": "Count"}},
		}},
	})
}

func (m *Metrics) now() time.Time {
	if m.Now != nil {
		return m.Now()
	}
	return time.Now()
}

func (m *Metrics) out() io.Writer {
	if m.Out != nil {
		return m.Out
	}
	return os.Stdout
}
