package build

import (
	"bytes"
	"strings"
)

// listener sorts what `go build -v` says: a package's path on a line of its own is progress, all else is a complaint.
type listener struct {
	progress   func(Progress)
	done       int
	rest       []byte
	complaints strings.Builder
}

func (l *listener) Write(p []byte) (int, error) {
	l.rest = append(l.rest, p...)
	for {
		line, rest, found := bytes.Cut(l.rest, []byte{'\n'})
		if !found {
			return len(p), nil
		}
		l.rest = rest
		l.hear(string(line))
	}
}

func (l *listener) hear(line string) {
	what, download := strings.CutPrefix(line, "go: downloading ")
	switch {
	case download:
	case line == "" || strings.ContainsAny(line, " \t:#"):
		l.complaints.WriteString(line + "\n")
		return
	default:
		l.done++
	}
	if l.progress != nil {
		l.progress(Progress{Done: l.done, What: what})
	}
}
