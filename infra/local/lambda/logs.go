package lambda

import (
	"bytes"
	"io"
	"sync"
)

// lineMax bounds a line, as CloudWatch Logs bounds an event; a longer one is cut in pieces.
const lineMax = 256 << 10

// logs puts the lines of all of a function's processes into one stream, whole and one at a time.
type logs struct {
	prefix string

	mu sync.Mutex
	to io.Writer
}

func (l *logs) line(text string) {
	line := make([]byte, 0, len(l.prefix)+len(text)+1)
	line = append(append(append(line, l.prefix...), text...), '\n')
	l.mu.Lock()
	defer l.mu.Unlock()
	_, _ = l.to.Write(line) // a log that can't be written must not fail the function
}

// lines is for one output of one process.
func (l *logs) lines() *lines { return &lines{logs: l} }

// lines cuts what a process writes into lines.
type lines struct {
	logs *logs
	rest []byte
}

func (w *lines) Write(p []byte) (int, error) {
	w.rest = append(w.rest, p...)
	for {
		line, rest, found := bytes.Cut(w.rest, []byte{'\n'})
		if !found && len(line) < lineMax {
			break
		}
		w.logs.line(string(line))
		w.rest = rest
	}
	w.rest = append([]byte(nil), w.rest...) // let go of what was written
	return len(p), nil
}

// flush writes what came without a line's end.
func (w *lines) flush() {
	if len(w.rest) > 0 {
		w.logs.line(string(w.rest))
		w.rest = nil
	}
}
