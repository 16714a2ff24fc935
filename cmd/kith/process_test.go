package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	// processStart bounds the start of a server process, processStop its graceful stop.
	processStart, processStop = 30 * time.Second, 30 * time.Second
	// lockTries is how often a start is repeated while PostgreSQL has not noticed that the killed server is gone.
	lockTries = 50
)

// launcher starts server processes on one data directory.
type launcher struct{ program, data, store string }

// process is a server process.
type process struct {
	cmd   *exec.Cmd
	ended chan error // gets the outcome once
	log   *lockedBuffer
	ready struct{ HTTP, Operator string }
}

// spawn starts a process and does not wait for it to be ready.
func (l launcher) spawn(t *testing.T) *process {
	t.Helper()
	_ = os.Remove(l.readyFile()) // a killed server leaves it behind
	p := &process{ended: make(chan error, 1), log: &lockedBuffer{}}
	p.cmd = exec.Command(l.program, "serve", "--data", l.data, "--first-app=false", "--listen", "", "--listen-http", "127.0.0.1:0",
		"--operator-listen", "127.0.0.1:0", "--store", l.store, "--ready-file", l.readyFile())
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { p.ended <- p.cmd.Wait() }()
	t.Cleanup(func() { _ = p.cmd.Process.Kill() }) // when the test failed half-way
	return p
}

func (l launcher) readyFile() string { return l.data + ".ready" }

// start starts a server and waits until it is ready.
func (l launcher) start(t *testing.T) *process {
	t.Helper()
	for try := 1; ; try++ {
		p := l.spawn(t)
		if l.awaitReady(t, p) {
			return p
		}
		if try == lockTries || !strings.Contains(p.log.String(), "another kith uses this database") {
			t.Fatalf("the server did not start:\n%s", p.log)
		}
		t.Logf("start %d: PostgreSQL still holds the lock of the killed server", try)
	}
}

// awaitReady reports whether the server got ready, and not ended.
func (l launcher) awaitReady(t *testing.T, p *process) bool {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond) // a file gives no signal
	defer tick.Stop()
	deadline := time.After(processStart)
	for {
		if text, err := os.ReadFile(l.readyFile()); err == nil {
			if err := json.Unmarshal(text, &p.ready); err != nil {
				t.Fatalf("ready file: %v\n%s", err, text)
			}
			return true
		}
		select {
		case <-p.ended:
			return false
		case <-deadline:
			t.Fatalf("the server was not ready within %s:\n%s", processStart, p.log)
		case <-tick.C:
		}
	}
}

// startAndKill kills a server that is still starting, most likely.
func (l launcher) startAndKill(t *testing.T, after time.Duration) {
	t.Helper()
	p := l.spawn(t)
	<-p.killAfter(t, after)
}

// killAfter kills the process (kill -9) after a while. The channel is closed when it is gone.
func (p *process) killAfter(t *testing.T, after time.Duration) <-chan struct{} {
	gone := make(chan struct{})
	time.AfterFunc(after, func() {
		defer close(gone)
		p.kill(t)
	})
	return gone
}

func (p *process) kill(t *testing.T) {
	if err := p.cmd.Process.Kill(); err != nil {
		t.Errorf("kill: %v\n%s", err, p.log)
		return
	}
	<-p.ended
}

// stop stops the process in order and holds it to a clean end.
func (p *process) stop(t *testing.T) {
	t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-p.ended:
		if err != nil {
			t.Errorf("the server ended with %v:\n%s", err, p.log)
		}
	case <-time.After(processStop):
		t.Errorf("the server did not stop within %s:\n%s", processStop, p.log)
	}
}

// lockedBuffer keeps what is written to it, by several goroutines.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

// Write implements io.Writer.
func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

// String returns all that was written.
func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
