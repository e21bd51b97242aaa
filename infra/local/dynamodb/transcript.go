package dynamodb

import (
	"bytes"
	"io"
	"strings"
	"sync"
)

// transcriptSize is how much of the beginning is kept: the settings and, if any, the first stack trace.
const transcriptSize = 8 << 10

// transcript keeps the beginning of what a program prints, and hands everything on.
type transcript struct {
	next io.Writer

	mu   sync.Mutex
	text []byte
}

func (t *transcript) Write(p []byte) (int, error) {
	t.mu.Lock()
	t.text = append(t.text, p[:min(len(p), transcriptSize-len(t.text))]...)
	t.mu.Unlock()
	if t.next != nil {
		return t.next.Write(p)
	}
	return len(p), nil
}

func (t *transcript) contains(words string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return bytes.Contains(t.text, []byte(words))
}

func (t *transcript) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.text) == 0 {
		return "it printed nothing"
	}
	return strings.TrimSpace(string(t.text))
}
