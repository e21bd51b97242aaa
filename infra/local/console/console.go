// Package console tells people what a command is doing while it does it.
//
// On a terminal the last line is alive: it shows the steps under way and how far they are. Finished steps and
// everything else said stand above it, one line each. Anywhere else (a log, a pipe) there is no line that moves: a
// step says that it begins when it takes long, and that it is done.
//
// A nil *Console says nothing, which is what tests want.
package console

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
)

const (
	widest  = 110 // characters of the live line, so that it doesn't wrap
	nameFor = 12  // characters for a step's name
	// patience is how long a step may go on in silence where there is no live line.
	patience = 10 * time.Second
)

// Console writes to one place. It is safe for concurrent use.
type Console struct {
	live bool
	now  func() time.Time

	mu    sync.Mutex
	out   io.Writer
	steps []*Step // under way, in the order of their beginning
	shown string  // the live line that is on the screen, "" for none
}

// New is a console that writes to out; live says that out is a terminal.
func New(out io.Writer, live bool) *Console {
	return &Console{out: out, live: live, now: time.Now}
}

// Standard is a console on a file such as os.Stdout, alive when that is a terminal that can move its cursor.
func Standard(file *os.File) *Console {
	return New(file, terminal(file) && os.Getenv("TERM") != "dumb")
}

// terminal tells whether a file is a terminal.
func terminal(file *os.File) bool {
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// Say writes a line, or several.
func (c *Console) Say(format string, args ...any) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.line(fmt.Sprintf(format, args...))
}

// Step begins a step. It must end with Done or Failed.
func (c *Console) Step(name string) *Step {
	if c == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	s := &Step{console: c, name: name, began: c.now(), told: c.now()}
	c.steps = append(c.steps, s)
	c.render()
	return s
}

// Step is something that takes time. A nil *Step says nothing.
type Step struct {
	console *Console
	name    string
	doing   string
	began   time.Time
	told    time.Time // when a line was last written about it, where there is no live line
}

// Progress tells how far the step is.
func (s *Step) Progress(format string, args ...any) {
	if s == nil {
		return
	}
	c := s.console
	c.mu.Lock()
	defer c.mu.Unlock()
	s.doing = fmt.Sprintf(format, args...)
	if !c.live && c.now().Sub(s.told) >= patience {
		s.told = c.now()
		c.line(fmt.Sprintf("  %-*s %s ...", nameFor, s.name, s.doing))
	}
	c.render()
}

// Done ends the step and says what came of it.
func (s *Step) Done(format string, args ...any) { s.end("  %-*s %s%s", fmt.Sprintf(format, args...)) }

// Failed ends the step; why is its caller's to tell.
func (s *Step) Failed() { s.end("  %-*s %s%s", "failed") }

func (s *Step) end(form, outcome string) {
	if s == nil {
		return
	}
	c := s.console
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, other := range c.steps {
		if other == s {
			c.steps = append(c.steps[:i], c.steps[i+1:]...)
			took := ""
			if d := c.now().Sub(s.began); d >= 100*time.Millisecond {
				took = fmt.Sprintf(" (%.1f s)", d.Seconds())
			}
			c.line(fmt.Sprintf(form, nameFor, s.name, outcome, took))
			return
		}
	}
}

// line writes above the live line. The lock is held.
func (c *Console) line(text string) {
	c.clear()
	_, _ = io.WriteString(c.out, text+"\n")
	c.render()
}

const clearLine = "\r\x1b[K"

func (c *Console) clear() {
	if c.shown != "" {
		_, _ = io.WriteString(c.out, clearLine)
		c.shown = ""
	}
}

func (c *Console) render() {
	if !c.live {
		return
	}
	text := ""
	if len(c.steps) > 0 {
		parts := make([]string, len(c.steps))
		for i, s := range c.steps {
			parts[i] = strings.TrimSpace(s.name + " " + s.doing)
		}
		runes := []rune("  " + strings.Join(parts, " · ") + " ...")
		text = string(runes[:min(len(runes), widest)])
	}
	if text == c.shown {
		return
	}
	c.clear()
	_, _ = io.WriteString(c.out, text)
	c.shown = text
}
