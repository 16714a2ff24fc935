package proof

import (
	"fmt"
	"os"
	"strings"
)

// peakMemory returns the highest resident memory that a process has had, in bytes.
func peakMemory(pid int) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	_, after, ok := strings.Cut(string(text), "VmHWM:")
	var kib int64
	if _, err := fmt.Sscan(after, &kib); !ok || err != nil {
		return 0, fmt.Errorf("the status of process %d has no VmHWM", pid)
	}
	return kib << 10, nil
}
