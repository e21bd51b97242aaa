package bus

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"

	"billingcentre/infra/local/wholefile"
)

// stateVersion of the file that Save writes.
const stateVersion = 1

// state is what is kept between runs: the events that functions have not got yet. What was running is among them,
// since nobody knows how it ended.
type state struct {
	Version int   `json:"version"`
	Jobs    []job `json:"jobs"`
}

// Save writes the waiting invocations to a file, all of them or nothing.
func (s *Server) Save(path string) error {
	s.invocations.mu.Lock()
	saved := state{Version: stateVersion, Jobs: append(slices.Collect(maps.Values(s.invocations.taken)), s.invocations.waiting...)}
	s.invocations.mu.Unlock()
	text, err := json.Marshal(saved)
	if err != nil {
		return fmt.Errorf("encode the bus: %w", err)
	}
	if err := wholefile.Write(path, text); err != nil {
		return fmt.Errorf("save the bus: %w", err)
	}
	return nil
}

// Load takes over what Save wrote, once the rules are there: an event whose rule is gone is dropped, and said so. A
// file that isn't there is no error.
func (s *Server) Load(path string) error {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var saved state
	if err == nil {
		err = json.Unmarshal(text, &saved)
	}
	if err != nil {
		return fmt.Errorf("load the bus from %s: %w", path, err)
	}
	if saved.Version != stateVersion {
		return fmt.Errorf("load the bus from %s: version %d, want %d", path, saved.Version, stateVersion)
	}
	targets := map[string]FunctionTarget{}
	s.mu.Lock()
	for _, rules := range s.buses {
		for _, rule := range rules {
			for _, target := range rule.Invokes {
				targets[rule.Name+"/"+target.Name] = target
			}
		}
	}
	s.mu.Unlock()
	for _, j := range saved.Jobs {
		target, known := targets[j.Rule+"/"+j.Function]
		if !known {
			s.log.Error("an event is dropped: its rule is gone", "rule", j.Rule, "event", j.ID)
			continue
		}
		s.invocations.add(j, target)
	}
	return nil
}
