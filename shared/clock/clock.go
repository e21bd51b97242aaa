// Package clock is the time that the centre goes by: the machine's. On a local stack it may be ahead of it, by as much
// as a file says, so that expiry, monthly bills and locks can be lived through in minutes. Nothing that is deployed sets
// such a file. What protects a call while it is on its way (signatures, tokens, time-outs) goes by the machine's time.
package clock

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Of is the machine's clock, or, with a file, one that is ahead of it by the duration that the file holds: none while
// there is no file. The file is read anew each time, so that all who go by it move at once.
func Of(file string) func() time.Time {
	if file == "" {
		return time.Now
	}
	return func() time.Time {
		ahead, err := read(file)
		if err != nil {
			panic(err) // a clock that can't be read must not turn into another one
		}
		return time.Now().Add(ahead)
	}
}

// Forward sets the clock of a file forward. A clock of money never goes back: by must be positive.
func Forward(file string, by time.Duration) error {
	if by <= 0 {
		return fmt.Errorf("clock: %s is not forward", by)
	}
	ahead, err := read(file)
	if err != nil {
		return err
	}
	next := file + ".next"
	if err := os.WriteFile(next, []byte((ahead+by).String()+"\n"), 0o600); err != nil {
		return err
	}
	return os.Rename(next, file)
}

func read(file string) (time.Duration, error) {
	text, err := os.ReadFile(filepath.Clean(file))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return 0, nil
	case err != nil:
		return 0, fmt.Errorf("clock: %w", err)
	}
	ahead, err := time.ParseDuration(strings.TrimSpace(string(text)))
	if err != nil {
		return 0, fmt.Errorf("clock: %s: %w", file, err)
	}
	return ahead, nil
}
