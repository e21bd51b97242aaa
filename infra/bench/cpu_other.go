//go:build !unix

package main

import (
	"os"
	"time"
)

// cpuTime isn't known on this system.
func cpuTime() time.Duration { return 0 }

// peak isn't known either.
func peak(*os.ProcessState) float64 { return 0 }
