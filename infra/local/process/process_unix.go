//go:build unix

package process

import (
	"os/exec"
	"syscall"
)

// The negative id means the group. Errors say only that it is gone already.

func terminate(cmd *exec.Cmd) { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }

func kill(cmd *exec.Cmd) { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
