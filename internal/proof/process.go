package proof

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	// processStart bounds the start of a server process, processStop its graceful stop.
	processStart, processStop = time.Minute, time.Minute
	// lockTries is how often a start is repeated while PostgreSQL has not noticed that the killed server is gone.
	lockTries = 50
	// logKept is how much of a process's log is kept, in bytes.
	logKept = 256 << 10
)

// Build builds the kith program into a directory and returns its path.
func Build(ctx context.Context, dir string) (string, error) {
	program := filepath.Join(dir, "kith")
	out, err := exec.CommandContext(ctx, "go", "build", "-o", program, "github.com/kithchat/kith/cmd/kith").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build kith: %w\n%s", err, out)
	}
	return program, nil
}

// Launcher starts server processes on one data directory, one after another.
type Launcher struct {
	Program, Data string
	Store         string   // URL of PostgreSQL; empty: SQLite
	Args          []string // further ones of kith serve
	Env           []string // besides that of this process
}

// Process is a server process. Its methods are not safe for concurrent use.
type Process struct {
	Ready struct{ HTTP, Operator string } // base URLs
	cmd   *exec.Cmd
	ended chan struct{} // closed when it has ended
	err   error         // how it ended
	log   *tail
}

// Spawn starts a server and does not wait until it is ready.
func (l Launcher) Spawn() (*Process, error) {
	_ = os.Remove(l.readyFile()) // a killed server leaves it behind
	p := &Process{ended: make(chan struct{}), log: &tail{}}
	args := []string{
		"serve", "--data", l.Data, "--first-app=false", "--listen", "", "--listen-http", "127.0.0.1:0",
		"--operator-listen", "127.0.0.1:0", "--store", l.Store, "--ready-file", l.readyFile(),
		"--log-level", "warn",
	}
	p.cmd = exec.Command(l.Program, append(args, l.Args...)...)
	p.cmd.Env = append(os.Environ(), l.Env...)
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start kith: %w", err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.ended)
	}()
	return p, nil
}

func (l Launcher) readyFile() string { return l.Data + ".ready" }

// Start starts a server and waits until it is ready.
func (l Launcher) Start(ctx context.Context) (*Process, error) {
	for try := 1; ; try++ {
		p, err := l.Spawn()
		if err != nil {
			return nil, err
		}
		err = l.await(ctx, p)
		if err == nil {
			return p, nil
		}
		_ = p.Kill()
		if try == lockTries || !strings.Contains(p.Log(), "another kith uses this database") {
			return nil, err
		}
	}
}

// await returns when the server is ready. The error holds its log.
func (l Launcher) await(ctx context.Context, p *Process) error {
	ctx, cancel := context.WithTimeout(ctx, processStart)
	defer cancel()
	tick := time.NewTicker(2 * time.Millisecond) // a file gives no signal
	defer tick.Stop()
	for {
		if text, err := os.ReadFile(l.readyFile()); err == nil {
			if err := json.Unmarshal(text, &p.Ready); err != nil {
				return fmt.Errorf("ready file: %w\n%s", err, text)
			}
			return nil
		}
		select {
		case <-p.ended:
			return fmt.Errorf("the server did not start:\n%s", p.Log())
		case <-ctx.Done():
			return fmt.Errorf("the server was not ready within %s:\n%s", processStart, p.Log())
		case <-tick.C:
		}
	}
}

// PID returns the process's id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// HasEnded reports whether the process is gone, by whatever cause.
func (p *Process) HasEnded() bool {
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}

// Kill ends the process at once (kill -9) and returns when it is gone.
func (p *Process) Kill() error {
	if err := p.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("kill kith: %w", err)
	}
	<-p.ended
	return nil
}

// Stop ends the process in order. It is an error when it does not end well or in time; the error holds its log.
func (p *Process) Stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("stop kith: %w\n%s", err, p.Log())
	}
	select {
	case <-p.ended:
	case <-time.After(processStop):
		return fmt.Errorf("kith did not stop within %s:\n%s", processStop, p.Log())
	}
	if p.err != nil {
		return fmt.Errorf("kith ended with %w:\n%s", p.err, p.Log())
	}
	return nil
}

// Log returns the end of what the process printed.
func (p *Process) Log() string { return p.log.String() }

// tail keeps the end of what is written to it.
type tail struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

// Write implements io.Writer.
func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.buf.Len()+len(p) > logKept {
		t.buf.Next(min(t.buf.Len(), logKept/2))
	}
	return t.buf.Write(p)
}

// String returns what is kept.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.buf.String()
}
