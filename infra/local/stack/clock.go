package stack

import (
	"path/filepath"
	"time"

	"billingcentre/infra/local/checkout"
	"billingcentre/shared/clock"
)

// clockFile tells by how much the stack's clock is ahead of the machine's.
const clockFile = "clock"

// Now is the clock of the functions, the schedules and what stands in for providers.
func (s *Stack) Now() time.Time { return clock.Of(s.data(clockFile))() }

// Forward sets that clock forward. Schedules that fall due on the way come once, as after a night's sleep.
func (s *Stack) Forward(by time.Duration) error { return clock.Forward(s.data(clockFile), by) }

// Forward sets the clock of the repository's running stack forward, and tells what it shows then.
func Forward(by time.Duration) (time.Time, error) {
	if _, err := Find(); err != nil {
		return time.Time{}, err
	}
	root, err := checkout.Root()
	if err != nil {
		return time.Time{}, err
	}
	file := filepath.Join(root, ".local", "data", clockFile)
	if err := clock.Forward(file, by); err != nil {
		return time.Time{}, err
	}
	return clock.Of(file)(), nil
}
