package egress

import (
	"context"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"
)

// liveness is what is known of a proxy that does not answer a CONNECT. The proxy may hang, which is ours, or the endpoint
// may not answer the proxy, which is the endpoint's. A proxy that answers anybody else meanwhile does not hang; if nobody
// asks, it is asked for nothing in particular.
type liveness struct {
	last    atomic.Int64 // how many answers it gave
	probing sync.Mutex   // held by the one that asks
}

func (l *liveness) answered() { l.last.Add(1) }

// probeAfter is which part of the time for a dial a CONNECT waits before the proxy is asked whether it is there.
const probeAfter = 4

// waiting is a CONNECT that waits for its answer.
type waiting struct {
	proxy  *proxy
	since  int64
	cancel context.CancelFunc
	timer  *time.Timer
	done   chan struct{}
}

// await begins to wait, until end is called.
func (p *proxy) await(ctx context.Context) *waiting {
	w := &waiting{proxy: p, since: p.alive.last.Load(), done: make(chan struct{})}
	enterUnknown(ctx, w.blame)
	probe, cancel := context.WithCancel(ctx)
	w.cancel = cancel
	delay := time.Duration(0)
	if end, ok := ctx.Deadline(); ok {
		delay = time.Until(end) / probeAfter
	}
	w.timer = time.AfterFunc(delay, func() {
		defer close(w.done)
		p.probe(probe)
	})
	return w
}

// blame says whose fault it is that there is no answer yet.
func (w *waiting) blame() (phase Phase, ours bool) {
	if w.proxy.alive.last.Load() > w.since {
		return PhaseConnect, false
	}
	return PhaseProxy, true
}

func (w *waiting) end() {
	w.cancel()
	if !w.timer.Stop() {
		<-w.done
	}
}

// probe asks the proxy for something that it answers itself (RFC 9110, section 7.6.2). Any answer will do.
func (p *proxy) probe(ctx context.Context) {
	if !p.alive.probing.TryLock() {
		return
	}
	defer p.alive.probing.Unlock()
	conn, err := p.open(ctx)
	if err != nil {
		return
	}
	defer func() { _ = conn.Close() }()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	request := &http.Request{
		Method: http.MethodOptions, URL: &url.URL{Opaque: "*"}, Host: p.address,
		Header: http.Header{"Max-Forwards": {"0"}, "Connection": {"close"}},
	}
	if _, _, err := exchange(conn, request); err == nil {
		p.alive.answered()
	}
}
