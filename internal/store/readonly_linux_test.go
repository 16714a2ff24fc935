package store_test

import (
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/kithchat/kith/internal/store"
)

// nobody is a user without rights to the test's files, for tests that run as root.
const nobody = 65534

func TestOpenRefusesAReadOnlyDirectory(t *testing.T) {
	dir := t.TempDir()
	if err := openDir(t, dir).Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o555); err != nil {
		t.Fatal(err)
	}
	for parent := dir; len(parent) > len(os.TempDir()); parent = parent[:strings.LastIndexByte(parent, '/')] {
		info, err := os.Stat(parent)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(parent, info.Mode()|0o055); err != nil {
			t.Fatal(err)
		}
	}
	if os.Geteuid() == 0 {
		// This thread alone looks at files as another user; it ends with the goroutine.
		runtime.LockOSThread()
		if err := syscall.Setfsuid(nobody); err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := syscall.Setfsuid(0); err != nil {
				t.Error(err)
			}
			runtime.UnlockOSThread()
		}()
	}
	s, err := store.Open(t.Context(), store.Options{Dir: dir})
	if err == nil {
		_ = s.Close()
		t.Fatal("opened")
	}
	if want := "let the kith user own it, on a writable disk"; !strings.Contains(err.Error(), want) {
		t.Errorf("error %q, want %q", err, want)
	}
}
