//go:build !unix

package process

import "os/exec"

func lead(*exec.Cmd) {}

func guard(int) (release func()) { return func() {} }

func terminate(cmd *exec.Cmd) { kill(cmd) }

func kill(cmd *exec.Cmd) { _ = cmd.Process.Kill() }
