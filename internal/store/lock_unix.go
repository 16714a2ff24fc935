//go:build unix

package store

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
)

// lockDir makes sure that one process at a time uses a data directory. The lock goes with the process, however it ends.
// An empty name needs no lock.
func lockDir(dir string) (io.Closer, error) {
	if dir == "" {
		return io.NopCloser(nil), nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("cannot make the data directory: %w; check the path and its permissions", err)
	}
	path := filepath.Join(dir, "kith.lock")
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("cannot write to the data directory: %w; let the kith user own it, on a writable disk", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("another kith uses the data directory %s; stop it first, or talk to it with the client commands", dir)
	}
	return f, nil
}
