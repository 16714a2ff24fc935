package egress

import (
	"context"
	"net/http/httptrace"
	"sync"
)

// Progress follows one RoundTrip up to its connection. When the request's own deadline passes, net/http only says so;
// Progress knows what was being waited for.
type Progress struct {
	mu        sync.Mutex
	blame     func() (phase Phase, ours bool) // nil: nothing is waited for
	connected bool
}

type progressKey struct{}

// Track returns a context for one RoundTrip, and what follows it.
func Track(ctx context.Context) (context.Context, *Progress) {
	p := &Progress{}
	ctx = context.WithValue(ctx, progressKey{}, p)
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { p.done() }}), p
}

// Classify is like the function Classify, and besides finds the phase of a request whose deadline passed before it had a
// connection. A resolver or proxy that does not answer in that time is a fault of our own.
func (p *Progress) Classify(err error) *Error {
	if found := Classify(err); found != nil || err == nil || !isTimeout(err) {
		return found
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.connected || p.blame == nil {
		return nil
	}
	phase, ours := p.blame()
	return &Error{Phase: phase, Ours: ours, Err: context.DeadlineExceeded}
}

// enter says what a dial waits for from now on. The transport lets a dial outlive its request; that is harmless.
func enter(ctx context.Context, phase Phase, ours bool) {
	enterUnknown(ctx, func() (Phase, bool) { return phase, ours })
}

// enterUnknown is enter for what is only judged when the time is up.
func enterUnknown(ctx context.Context, blame func() (phase Phase, ours bool)) {
	p, ok := ctx.Value(progressKey{}).(*Progress)
	if !ok {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.blame = blame
}

func (p *Progress) done() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.connected = true
}
