package conformance

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	// startTime bounds the start of the server, stopTime its graceful stop.
	startTime = time.Minute
	stopTime  = time.Minute
)

// kith is a running server process.
type kith struct {
	program string
	data    string
	ready   ready
}

// ready is the file that `kith serve --ready-file` writes once it listens.
type ready struct {
	HTTP     string `json:"http"`
	HTTPS    string `json:"https"`
	Operator string `json:"operator"`
	PID      int    `json:"pid"`
}

// startKith builds the program, serves an empty data directory on free loopback ports, and stops it in order when t ends.
func startKith(t *testing.T) *kith {
	t.Helper()
	dir := t.TempDir()
	k := &kith{program: filepath.Join(dir, "kith"), data: filepath.Join(dir, "data")}
	run(t, exec.Command("go", "build", "-o", k.program, "../cmd/kith"))

	readyFile := filepath.Join(dir, "ready.json")
	cmd := exec.Command(k.program, "serve", "--data", k.data, "--listen", "127.0.0.1:0", "--listen-http", "127.0.0.1:0",
		"--operator-listen", "127.0.0.1:0", "--ready-file", readyFile,
		"--call-timeout", "30s", "--callback-timeout", "30s") // the defaults are for machines that do nothing else
	log := new(logBuffer)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() { stop(t, cmd.Process, ended, log) })
	k.ready = awaitReady(t, readyFile, ended, log)
	if k.ready.PID != cmd.Process.Pid {
		t.Errorf("the ready file names pid %d, the server is %d", k.ready.PID, cmd.Process.Pid)
	}
	return k
}

// awaitReady returns when the ready file is there. A file gives no signal, so it is looked for again and again.
func awaitReady(t *testing.T, file string, ended chan error, log *logBuffer) ready {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(startTime)
	for {
		if text, err := os.ReadFile(file); err == nil {
			var r ready
			if err := json.Unmarshal(text, &r); err != nil {
				t.Fatalf("ready file: %v\n%s", err, text)
			}
			return r
		}
		select {
		case err := <-ended:
			ended <- err // for stop
			t.Fatalf("kith serve ended before it was ready: %v\n%s", err, log)
		case <-deadline:
			t.Fatalf("kith serve was not ready after %v\n%s", startTime, log)
		case <-tick.C:
		}
	}
}

// stop asks the server to stop and holds it to a clean end; the log is shown when the test failed.
func stop(t *testing.T, p *os.Process, ended chan error, log *logBuffer) {
	_ = p.Signal(syscall.SIGTERM) // fails only when it has ended, which is noticed next
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("kith serve ended with %v", err)
		}
	case <-time.After(stopTime):
		t.Errorf("kith serve did not stop within %v", stopTime)
		_ = p.Kill()
		<-ended
	}
	if t.Failed() {
		t.Logf("kith serve printed:\n%s", log)
	}
}

// command runs a client command against the server of the data directory.
func (k *kith) command(t *testing.T, args ...string) {
	t.Helper()
	run(t, exec.Command(k.program, append(args, "--data", k.data, "--json")...))
}

// run runs a command to its end and fails t, with what it printed, unless it succeeds.
func run(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, out)
	}
}

// logBuffer keeps what a process prints, to be read while it still prints.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
