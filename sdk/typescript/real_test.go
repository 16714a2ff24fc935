package typescript_test

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
	sdkAppID = "1600077123"
	admin    = "administrator"
	key      = "d41c0ffee5eedf00d77aa19b3e2c4486b0a1c2d3e4f5061728394a5b6c7d8e9f"

	// startTime bounds the start of the server, stopTime its graceful stop.
	startTime = time.Minute
	stopTime  = time.Minute
)

// TestRealServer runs test/real.test.ts against a server with one app, over TLS.
func TestRealServer(t *testing.T) {
	lookPackages(t)
	dir := t.TempDir()
	program, data := filepath.Join(dir, "kith"), filepath.Join(dir, "data")
	run(t, exec.Command("go", "build", "-o", program, "../../cmd/kith"))
	url := serve(t, program, data)
	run(t, exec.Command(program, "app", "create", "--sdkappid", sdkAppID, "--name", "sdk", "--admin", admin, "--key", key,
		"--data", data))

	vitest := exec.Command("npm", "run", "--silent", "test:real")
	vitest.Env = environment("KITH_URL="+url, "KITH_SDKAPPID="+sdkAppID, "KITH_KEY="+key, "KITH_ADMIN="+admin,
		"NODE_EXTRA_CA_CERTS="+filepath.Join(data, "tls", "cert.pem"))
	t.Logf("%s", run(t, vitest))
}

// serve starts the program on free loopback ports and returns its HTTPS address. It stops it in order when t ends.
func serve(t *testing.T, program, data string) string {
	t.Helper()
	readyFile := filepath.Join(t.TempDir(), "ready.json")
	cmd := exec.Command(program, "serve", "--data", data, "--first-app=false", "--listen", "127.0.0.1:0", "--listen-http", "",
		"--operator-listen", "127.0.0.1:0", "--ready-file", readyFile, "--gateway-spread", "1s",
		"--call-timeout", "30s") // the default is for machines that do nothing else
	log := new(logBuffer)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() { stop(t, cmd.Process, ended, log) })
	return awaitReady(t, readyFile, ended, log)
}

// awaitReady returns the address when the ready file is there. A file gives no signal, so it is looked for again and again.
func awaitReady(t *testing.T, file string, ended chan error, log *logBuffer) string {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(startTime)
	for {
		if text, err := os.ReadFile(file); err == nil {
			var ready struct{ HTTPS string }
			if err := json.Unmarshal(text, &ready); err != nil {
				t.Fatalf("ready file: %v\n%s", err, text)
			}
			return ready.HTTPS
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
