//go:build unix

package main

import (
	"os"
	"runtime"
	"syscall"
	"time"
)

// cpuTime is what this process, without the database, has used of the processors.
func cpuTime() time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		return 0
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// peak is the largest resident set, in bytes, that a process had.
func peak(of *os.ProcessState) float64 {
	used, ok := of.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0
	}
	if runtime.GOOS == "darwin" { // which counts bytes, where others count kilobytes
		return float64(used.Maxrss)
	}
	return float64(used.Maxrss) * 1024
}
