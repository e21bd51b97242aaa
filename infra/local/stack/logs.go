package stack

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"billingcentre/infra/local/console"
)

// logs are the stack's files: one for each function, one for the API's requests, one for the stack's own words. What
// went wrong is shown to people as well.
type logs struct {
	dir     string
	console *console.Console
	stack   *slog.Logger
	access  *slog.Logger

	mu    sync.Mutex
	files map[string]*os.File
}

func openLogs(dir string, c *console.Console) (*logs, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	l := &logs{dir: dir, console: c, files: map[string]*os.File{}}
	l.stack = slog.New(shownErrors{slog.NewJSONHandler(l.file("stack"), nil), c})
	l.access = slog.New(slog.NewJSONHandler(l.file("api"), nil))
	return l, nil
}

// file is a log of its own. One that can't be opened is no reason not to run.
func (l *logs) file(name string) io.Writer {
	l.mu.Lock()
	defer l.mu.Unlock()
	if f := l.files[name]; f != nil {
		return f
	}
	f, err := os.OpenFile(filepath.Join(l.dir, name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		l.console.Say("  %v", err)
		return io.Discard
	}
	l.files[name] = f
	return f
}

func (l *logs) close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	var problems []error
	for _, f := range l.files {
		problems = append(problems, f.Close())
	}
	return errors.Join(problems...)
}

// standard is for what logs by the log package.
func (l *logs) standard() *log.Logger { return slog.NewLogLogger(l.stack.Handler(), slog.LevelWarn) }

// function is where a function's lines go.
func (l *logs) function(name string) io.Writer {
	return &functionLog{name: name, file: l.file(name), console: l.console}
}

type functionLog struct {
	name    string
	file    io.Writer
	console *console.Console
}

// Write gets one line, behind the function's name.
func (f *functionLog) Write(line []byte) (int, error) {
	text := bytes.TrimSpace(bytes.TrimPrefix(line, []byte(f.name+" | ")))
	if what := complaint(text); what != "" {
		f.console.Say("  ! %s: %s", f.name, what)
	}
	if _, err := f.file.Write(append(text, '\n')); err != nil {
		return 0, err
	}
	return len(line), nil
}

// complaint is what people must hear of a line: an error that the function logs, or its end by Lambda's hand.
func complaint(line []byte) string {
	var entry map[string]any
	if json.Unmarshal(line, &entry) == nil {
		if entry["level"] != slog.LevelError.String() {
			return ""
		}
		said := fmt.Sprint(entry["msg"])
		for _, name := range slices.Sorted(maps.Keys(entry)) {
			if !slices.Contains([]string{"time", "level", "msg", "function", "stack"}, name) {
				said += fmt.Sprintf(" %s=%v", name, entry[name])
			}
		}
		return said
	}
	for _, start := range []string{"Runtime.", "Sandbox.", "panic:", "fatal error:"} {
		if bytes.HasPrefix(line, []byte(start)) {
			return string(line)
		}
	}
	return ""
}

// shownErrors is a handler that shows errors to people, too.
type shownErrors struct {
	slog.Handler
	console *console.Console
}

func (h shownErrors) Handle(ctx context.Context, r slog.Record) error {
	if r.Level >= slog.LevelError {
		said := r.Message
		r.Attrs(func(a slog.Attr) bool {
			said += " " + a.String()
			return true
		})
		h.console.Say("  ! %s", said)
	}
	return h.Handler.Handle(ctx, r)
}

func (h shownErrors) WithAttrs(attrs []slog.Attr) slog.Handler {
	return shownErrors{h.Handler.WithAttrs(attrs), h.console}
}

func (h shownErrors) WithGroup(name string) slog.Handler {
	return shownErrors{h.Handler.WithGroup(name), h.console}
}
