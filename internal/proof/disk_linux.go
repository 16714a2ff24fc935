package proof

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// RefuseWrites makes the disk full for a process, or gives it room again: files cannot grow beyond a page.
func RefuseWrites(pid int, refuse bool) error {
	limit := unix.Rlimit{Cur: unix.RLIM_INFINITY, Max: unix.RLIM_INFINITY}
	if refuse {
		limit.Cur = 4096
	}
	var old unix.Rlimit
	if err := unix.Prlimit(pid, unix.RLIMIT_FSIZE, nil, &old); err != nil {
		return fmt.Errorf("read the file size limit of process %d: %w", pid, err)
	}
	limit.Max = old.Max
	limit.Cur = min(limit.Cur, old.Max)
	if err := unix.Prlimit(pid, unix.RLIMIT_FSIZE, &limit, nil); err != nil {
		return fmt.Errorf("set the file size limit of process %d: %w", pid, err)
	}
	return nil
}
