// Package process starts programs that never outlive the one that started them.
//
// The local stack runs a database and up to dozens of functions as child processes. Ctrl-C, a failed test, even SIGKILL
// must leave none of them behind: an orphan would hold a port, a data folder and memory, and answer the next run with
// the last one's state. So every child leads a process group of its own, which is stopped as a whole, and the operating
// system is told to kill it when its parent dies: by PR_SET_PDEATHSIG on Linux, by a watchdog on other Unix systems.
// A group of its own also keeps the terminal's Ctrl-C from the children: they are stopped by their host, in order.
package process

import (
	"errors"
	"os/exec"
	"runtime"
	"time"
)

// reapWait is how long Wait may hold on to output pipes that a stray grandchild keeps open after the process ended.
const reapWait = 2 * time.Second

// Process is a running child. Its methods may be called by several goroutines at once.
type Process struct {
	cmd  *exec.Cmd
	done chan struct{}
	err  error
}

// Start starts cmd, which must not have been started, as the leader of a process group that dies with this program.
func Start(cmd *exec.Cmd) (*Process, error) {
	p := &Process{cmd: cmd, done: make(chan struct{})}
	cmd.WaitDelay = reapWait
	lead(cmd)
	started := make(chan error, 1)
	go p.run(started)
	if err := <-started; err != nil {
		return nil, err
	}
	return p, nil
}

// run keeps its thread for the child's whole life: Linux sends the parent-death signal when the thread that forked the
// child ends, not when the process does, and Go may end threads.
func (p *Process) run(started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := p.cmd.Start(); err != nil {
		started <- err
		return
	}
	release := guard(p.cmd.Process.Pid)
	started <- nil
	p.err = p.cmd.Wait()
	release()
	close(p.done)
}

// PID is the process id, and its group's.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Done is closed when the process has ended and its output has been read to the end.
func (p *Process) Done() <-chan struct{} { return p.done }

// Err says how the process ended, as exec.Cmd.Wait does; nil before Done is closed.
func (p *Process) Err() error {
	select {
	case <-p.done:
		return p.err
	default:
		return nil
	}
}

// Alive tells whether the process still runs.
func (p *Process) Alive() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// Kill ends the whole group at once and waits until the process is gone.
func (p *Process) Kill() {
	if p.Alive() {
		kill(p.cmd)
	}
	<-p.done
}

// Stop asks the process to end, kills the whole group when it hasn't after grace, and waits until it is gone.
func (p *Process) Stop(grace time.Duration) {
	if p.Alive() {
		terminate(p.cmd)
	}
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-p.done:
	case <-timer.C:
		p.Kill()
	}
}

// Outcome puts the end of a process into words: "exit status 2", "signal: killed", "exit status 0".
func (p *Process) Outcome() string {
	err := p.Err()
	if err == nil || errors.Is(err, exec.ErrWaitDelay) {
		return "exit status 0"
	}
	return err.Error()
}
