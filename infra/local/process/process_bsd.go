//go:build unix && !linux

package process

import (
	"os/exec"
	"strconv"
	"syscall"
)

func lead(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
}

// guard starts a shell that waits for the end of a pipe whose other end only this program holds: however this program
// dies, the pipe closes, and the shell kills the child's group. Without a shell the child is merely unguarded.
func guard(pid int) (release func()) {
	watchdog := exec.Command("/bin/sh", "-c", `read -r _; kill -KILL -"$0" 2>/dev/null`, strconv.Itoa(pid))
	watchdog.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	pipe, err := watchdog.StdinPipe()
	if err != nil {
		return func() {}
	}
	if err := watchdog.Start(); err != nil {
		_ = pipe.Close()
		return func() {}
	}
	return func() {
		_ = watchdog.Process.Kill()
		_ = watchdog.Wait()
		_ = pipe.Close()
	}
}
