package poller

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"sync"

	"billingcentre/infra/local/wholefile"
)

// position in a shard: everything up to Sequence is settled.
type position struct {
	Sequence string `json:"sequence,omitempty"` // "" = nothing yet
	Closed   bool   `json:"closed,omitempty"`   // and nothing comes after it
}

// positions in the shards of one stream, kept in a file.
type positions struct {
	path string

	mu     sync.Mutex
	Stream string              `json:"stream"`
	Shards map[string]position `json:"shards"`
}

// loadPositions reads the file. Positions in another stream, such as that of a
// table that was made anew, mean nothing here.
func loadPositions(path, stream string) (*positions, error) {
	fresh := &positions{path: path, Stream: stream, Shards: map[string]position{}}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return fresh, nil
	}
	if err != nil {
		return nil, fmt.Errorf("load checkpoint: %w", err)
	}
	kept := &positions{path: path}
	if err := json.Unmarshal(text, kept); err != nil {
		return nil, fmt.Errorf("load checkpoint from %s: %w", path, err)
	}
	if kept.Stream != stream || kept.Shards == nil {
		return fresh, nil
	}
	return kept, nil
}

func (p *positions) at(shard string) position {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.Shards[shard]
}

func (p *positions) reached(shard, sequence string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.Shards[shard] = position{Sequence: sequence}
	return p.save()
}

func (p *positions) close(shard string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.Shards[shard] = position{Sequence: p.Shards[shard].Sequence, Closed: true}
	return p.save()
}

// prune forgets shards that were read to their end and have left the stream.
func (p *positions) prune(there map[string]bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	maps.DeleteFunc(p.Shards, func(shard string, at position) bool { return at.Closed && !there[shard] })
}

// save replaces the file, all of it or nothing. The lock is held.
func (p *positions) save() error {
	text, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("save checkpoint: %w", err)
	}
	if err := wholefile.Write(p.path, text); err != nil {
		return fmt.Errorf("save checkpoint: %w", err)
	}
	return nil
}
