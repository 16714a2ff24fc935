package main

import (
	"syscall"
	"time"
)

// sleepUntil sleeps with the kernel's timer, which is right to about 0.1 ms. The one of the Go runtime may be 1 ms late
// when nothing else happens, which would send the calls in bursts.
func sleepUntil(at time.Time) {
	for {
		left := time.Until(at)
		if left <= 0 {
			return
		}
		t := syscall.NsecToTimespec(int64(left))
		_ = syscall.Nanosleep(&t, nil) // interrupted: sleep on
	}
}
