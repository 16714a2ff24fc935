package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// syncTries is how many small synced writes are timed.
const syncTries = 200

// machine describes where a report was made.
type machine struct {
	Processor string        `json:"processor"`
	Cores     int           `json:"cores"`
	Memory    int64         `json:"memory_bytes"`
	Kernel    string        `json:"kernel"`
	Go        string        `json:"go"`
	Commit    string        `json:"commit"`
	Load      float64       `json:"load_average"` // before the start; more than 0.3 means that the machine was not quiet
	SyncP50   time.Duration `json:"sync_p50_ns"`  // of a synced write of 4 KiB
	SyncP99   time.Duration `json:"sync_p99_ns"`
}

func describeMachine(dir string) (machine, error) {
	m := machine{
		Processor: processor(), Cores: runtime.NumCPU(), Memory: totalMemory(), Kernel: kernel(),
		Go: runtime.Version(), Commit: commit(), Load: loadAverage(),
	}
	var err error
	m.SyncP50, m.SyncP99, err = measureSync(dir)
	return m, err
}

// commit names the commit that is measured, as far as git knows.
func commit() string {
	out, err := exec.Command("git", "describe", "--always", "--dirty").Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(out))
}

// measureSync returns how long a synced write takes on the disk of dir. Where it takes no time, figures of durable
// commits mean nothing.
func measureSync(dir string) (p50, p99 time.Duration, err error) {
	f, err := os.Create(filepath.Join(dir, "sync"))
	if err != nil {
		return 0, 0, err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	page := make([]byte, 4096)
	took := make([]int64, 0, syncTries)
	for range syncTries {
		start := time.Now()
		if _, err := f.Write(page); err != nil {
			return 0, 0, err
		}
		if err := f.Sync(); err != nil {
			return 0, 0, err
		}
		took = append(took, int64(time.Since(start)))
	}
	q := quantiles(took, 0.5, 0.99)
	return time.Duration(q[0]), time.Duration(q[1]), nil
}

// diskBytes returns the size of all files below dir.
func diskBytes(dir string) (int64, error) {
	var total int64
	err := filepath.WalkDir(dir, func(_ string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			total += info.Size()
		}
		return err
	})
	return total, err
}
