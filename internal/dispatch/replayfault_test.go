package dispatch

import (
	"context"
	"net"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kithchat/kith/internal/egress"
)

// TestReplayDuringALongFaultOfOurOwn has no file descriptors left for a day. That costs the events nothing, and the record of
// attempts hardly any room.
func TestReplayDuringALongFaultOfOurOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rc := &receiver{}
		m := newMemoryReplays(10, 10)
		w := replayWorld(t, rc, m)
		var mended atomic.Bool
		var dials atomic.Int64
		w.o.Egress = egressOf(t, egress.Options{Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			if dials.Add(1); !mended.Load() {
				return nil, &net.OpError{Op: "dial", Net: network, Err: syscall.EMFILE}
			}
			return w.net.dial(ctx, network, address)
		}})
		w.start()
		m.order(w.d, running)
		pass(24 * time.Hour)
		if n := dials.Load(); n < 1000 {
			t.Errorf("%d attempts in a day", n)
		}
		mended.Store(true)
		r := w.replayed(m, "job-1", time.Minute)
		w.stop()
		if r.Delivered != 10 || r.Failed != 0 || len(m.settled) != 20 {
			t.Errorf("at the end: %+v, with %d attempts recorded; want one fault and one delivery of each event", r, len(m.settled))
		}
	})
}
