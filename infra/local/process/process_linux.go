package process

import (
	"os/exec"
	"syscall"
)

func lead(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// guard has nothing to do: the kernel watches over the child.
func guard(int) (release func()) { return func() {} }
