package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// kill kills a sandbox of the stack at random, again and again, as the system does when memory runs out: whatever it was
// doing. It finds them by /proc, and so finds none elsewhere than on Linux.
func (s *site) kill(ctx context.Context, p plan, t *tally) {
	if p.Kill == 0 {
		return
	}
	for {
		wait := time.NewTimer(p.Kill/2 + rand.N(p.Kill))
		select {
		case <-ctx.Done():
			wait.Stop()
			return
		case <-wait.C:
		}
		sandboxes := s.sandboxes()
		if len(sandboxes) == 0 {
			continue
		}
		victim := sandboxes[rand.IntN(len(sandboxes))]
		if rand.IntN(2) == 0 { // every other time one that settles, if there is one
			for _, other := range sandboxes {
				if other.function == "bill-settlement" {
					victim = other
				}
			}
		}
		if process, err := os.FindProcess(victim.pid); err == nil && process.Signal(syscall.SIGKILL) == nil {
			t.lock(func() { t.killed[victim.function]++ })
		}
	}
}

type sandbox struct {
	function string
	pid      int
}

// sandboxes are the processes of functions whose parent is the stack.
func (s *site) sandboxes() (found []sandbox) {
	links, err := filepath.Glob("/proc/[0-9]*/exe")
	if err != nil {
		return nil
	}
	for _, link := range links {
		binary, err := os.Readlink(link)
		folder, isFunction := strings.CutSuffix(binary, "/bootstrap")
		if err != nil || !isFunction || filepath.Base(filepath.Dir(folder)) != "functions" {
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(link)))
		if err == nil && parent(pid) == s.running.PID {
			found = append(found, sandbox{filepath.Base(folder), pid})
		}
	}
	return found
}

// parent is the fourth field of /proc/PID/stat, behind the name in brackets.
func parent(pid int) (ppid int) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(text), ") ")
	if fields := strings.Fields(rest); len(fields) > 1 {
		ppid, _ = strconv.Atoi(fields[1])
	}
	return ppid
}
