//go:build !unix

package dynamodb

import (
	"context"
	"sync"
)

var oneAtATime sync.Mutex

// lock orders the callers in this process only. Two processes may download at once: the first to rename wins.
func lock(context.Context, string) (unlock func(), err error) {
	oneAtATime.Lock()
	return oneAtATime.Unlock, nil
}
