package main

import (
	"bytes"
	"sync"
	"testing"
	"time"

	"github.com/kithchat/kith/internal/proof"
)

// processStart bounds the start of a server and what it is asked for, processStop its graceful stop.
const processStart, processStop = time.Minute, time.Minute

// launcher starts server processes on one data directory.
type launcher struct{ program, data, store string }

// process is a server process.
type process struct{ *proof.Process }

// start starts a server and waits until it is ready.
func (l launcher) start(t *testing.T) process {
	t.Helper()
	p, err := proof.Launcher{
		Program: l.program, Data: l.data, Store: l.store,
		Args: []string{"--call-timeout", "30s", "--callback-timeout", "30s"}, // the defaults are for machines that do nothing else
	}.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Kill() }) // when the test failed half-way
	return process{p}
}

// killAfter kills the process (kill -9) after a while. The channel is closed when it is gone.
func (p process) killAfter(t *testing.T, after time.Duration) <-chan struct{} {
	gone := make(chan struct{})
	time.AfterFunc(after, func() {
		defer close(gone)
		p.kill(t)
	})
	return gone
}

func (p process) kill(t *testing.T) {
	if err := p.Kill(); err != nil {
		t.Errorf("%v\n%s", err, p.Log())
	}
}

// stop stops the process in order and holds it to a clean end.
func (p process) stop(t *testing.T) {
	t.Helper()
	if err := p.Stop(); err != nil {
		t.Error(err)
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
