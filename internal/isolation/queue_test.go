package isolation

import (
	"runtime"
	"sync"
	"testing"
)

// The real run queue is long while many goroutines want to run.
func TestRunQueue(t *testing.T) {
	q := newRunQueue()
	q.length()
	var all sync.WaitGroup
	for range 64 * runtime.GOMAXPROCS(0) {
		all.Go(func() {
			for range 2000 {
				runtime.Gosched()
			}
		})
	}
	all.Wait()
	if n := q.length(); n < 2*queueLong {
		t.Errorf("length %.1f while 64 goroutines for each processor wanted to run", n)
	}
}
