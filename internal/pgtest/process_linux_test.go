package pgtest

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// TestServerDiesWithTheTests kills a test process that has a cluster and waits for the server to end.
func TestServerDiesWithTheTests(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pid")
	child := exec.Command(os.Args[0])
	child.Env = append(slices.Clone(os.Environ()), childEnv+"="+file)
	child.Stderr = os.Stderr
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	var note []byte
	eventually(t, "the child's cluster is up", func() bool {
		note, _ = os.ReadFile(file)
		return len(note) > 0
	})
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait() // it was killed

	dir, pidText, _ := strings.Cut(string(note), "\n")
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	pid, err := strconv.Atoi(pidText)
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the server has ended", func() bool { return ended(pid, dir) })
}

// ended tells whether the postmaster with this pid is gone: it removes its pid file last, and may stay as a zombie where
// nobody collects orphans.
func ended(pid int, dir string) bool {
	if _, err := os.Stat(filepath.Join(dir, "data", "postmaster.pid")); errors.Is(err, os.ErrNotExist) {
		return true
	}
	return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH)
}
