package lambda_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"sync"
	"testing"
	"time"

	"billingcentre/infra/local/lambda"
)

func function(t *testing.T, c lambda.Config) *lambda.Function {
	t.Helper()
	c.Name, c.Binary = "test", bootstrap
	f := lambda.New(c)
	t.Cleanup(func() { _ = f.Close() })
	return f
}

func invoke(t *testing.T, f *lambda.Function, event string, into any) {
	t.Helper()
	out, err := f.Invoke(t.Context(), []byte(event))
	if err != nil {
		t.Fatal(err)
	}
	if into == nil {
		return
	}
	if err := json.Unmarshal(out, into); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

// buffer is written and read at once.
type buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

type collection struct {
	mu    sync.Mutex
	items []string
}

func (c *collection) add(item string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.items = append(c.items, item)
}

func (c *collection) distinct() []string {
	slices.Sort(c.items)
	return slices.Compact(c.items)
}

func eventually(t *testing.T, what string, true func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if true() {
			return
		}
	}
	t.Fatalf("not within ten seconds: %s", what)
}
