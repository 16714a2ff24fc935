package dispatch

import (
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kithchat/kith/internal/relation"
)

// figures keeps what the dispatcher reports.
type figures struct {
	mu    sync.Mutex
	lines []string
	first int
}

func (f *figures) add(line string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.lines = append(f.lines, line)
}

func (f *figures) Attempt(_ uint32, kind relation.EventKind, outcome string, took time.Duration, reused bool) {
	f.add(fmt.Sprint("attempt ", kind, " ", outcome, " ", took, " reused ", reused))
}

func (f *figures) Retried(_ uint32, kind relation.EventKind) { f.add(fmt.Sprint("retried ", kind)) }

func (f *figures) Dead(_ uint32, kind relation.EventKind, reason Reason) {
	f.add(fmt.Sprint("dead ", kind, " ", reason))
}

func (f *figures) FirstByte(uint32, time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.first++
}

func TestMetricsOfAnEventThatIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rc := &receiver{answer: func(_ delivery, w http.ResponseWriter, _ *http.Request) bool {
			pass(20 * time.Millisecond)
			w.WriteHeader(http.StatusInternalServerError)
			return false
		}}
		f := &figures{}
		w := newWorld(t, rc)
		w.o.Metrics = f
		w.apps.set(testApp(appA, relation.Callback{URL: "http://a.test/cb", MaxAttempts: 2}))
		w.start()
		w.outbox.commit(appA, "mira.k", "x")
		w.drained(time.Minute)
		w.stop()
		const command = "Sns.CallbackBlackListDelete"
		want := []string{
			"attempt " + command + " status 20ms reused false", "retried " + command,
			"attempt " + command + " status 20ms reused true", "dead " + command + " status",
		}
		if !slices.Equal(f.lines, want) || f.first != 1 {
			t.Errorf("got %q, first byte %d times", f.lines, f.first)
		}
	})
}
