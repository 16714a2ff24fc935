package dispatch

import (
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kithchat/kith/internal/relation"
)

// An endpoint that answers every callback with an ErrorCode is healthy, and yet its status says that nothing arrives.
func TestStatusTellsOfFailuresThatMakeNoEndpointFail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refuse := true
		rc := &receiver{answer: func(_ delivery, w http.ResponseWriter, _ *http.Request) bool {
			if refuse {
				_, _ = io.WriteString(w, `{"ErrorCode":7}`)
				return false
			}
			_, _ = io.WriteString(w, answerOK)
			return true
		}}
		w := newWorld(t, rc)
		began := time.Now()
		w.start()
		if s := w.endpoint(); s.LastFailure != "" || !s.LastFailureAt.IsZero() || s.RecentAttempts != 0 || !s.Since.Equal(began) {
			t.Errorf("at the start %+v", s)
		}
		w.outbox.commit(appA, "mira.k", "x")
		pass(10 * time.Second)
		tried := len(rc.seen())
		s := w.endpoint()
		if s.State != relation.EndpointHealthy || s.LastFailure != "app-error: ErrorCode 7" ||
			s.RecentAttempts != tried || s.RecentFailed != tried || !s.Since.Equal(began) {
			t.Errorf("after %d attempts: %+v", tried, s)
		}
		refuse = false
		w.drained(time.Minute)
		failed := w.endpoint().LastFailureAt
		if s := w.endpoint(); s.RecentAttempts <= s.RecentFailed || s.LastFailure == "" || failed.After(time.Now()) {
			t.Errorf("after a delivery: %+v", s)
		}
		pass(2 * time.Minute)
		if s := w.endpoint(); s.RecentAttempts != 0 || s.RecentFailed != 0 || !s.LastFailureAt.Equal(failed) {
			t.Errorf("later: %+v", s)
		}
		w.stop()
	})
}
