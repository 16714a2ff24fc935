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
	phase     Phase
	ours      bool
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
	if p.connected || p.phase == "" {
		return nil
	}
	return &Error{Phase: p.phase, Ours: p.ours, Err: context.DeadlineExceeded}
}

// enter says what a dial waits for from now on. The transport lets a dial outlive its request; that is harmless.
func enter(ctx context.Context, phase Phase, ours bool) {
	p, ok := ctx.Value(progressKey{}).(*Progress)
	if !ok {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.phase, p.ours = phase, ours
}

func (p *Progress) done() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.connected = true
}
