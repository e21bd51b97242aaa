//go:build !unix

package lockfile

import (
	"context"
	"sync"
)

var oneAtATime sync.Mutex

// lock orders only the callers in this process. What is done under it must bear a second process, if slowly.
func lock(context.Context, string) (unlock func(), err error) {
	oneAtATime.Lock()
	return oneAtATime.Unlock, nil
}
