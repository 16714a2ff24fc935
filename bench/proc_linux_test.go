package main

import (
	"os"
	"testing"
	"time"
)

// TestCPUOf: a process's CPU time is told in finer steps than the 10 ms of /proc.
func TestCPUOf(t *testing.T) {
	before, err := cpuOf(os.Getpid())
	if err != nil || before <= 0 {
		t.Fatalf("%s, %v", before, err)
	}
	after := before
	for after-before < time.Millisecond { // what is measured is what the loop uses up
		if after, err = cpuOf(os.Getpid()); err != nil {
			t.Fatal(err)
		}
	}
	if step := 10 * time.Millisecond; before%step == 0 && after%step == 0 {
		t.Errorf("%s, then %s", before, after)
	}
	if _, err := cpuOf(1 << 23); err == nil { // above the highest on any Linux
		t.Error("a process that does not exist has used CPU time")
	}
}
