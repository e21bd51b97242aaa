// Package lockfile lets one process at a time do what several would do at once: download the same part, build the same
// binaries. Tests of several packages run in as many processes, and each sets up what it needs.
package lockfile

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
)

// Lock takes the exclusive lock that the file at path stands for, waiting for whoever has it until ctx ends. The file
// and its folder are made when missing, and stay. The system releases the lock when its holder dies.
func Lock(ctx context.Context, path string) (unlock func(), err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	unlock, err = lock(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return unlock, nil
}
