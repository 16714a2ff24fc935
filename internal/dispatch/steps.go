package dispatch

import (
	"cmp"
	"crypto/tls"
	"net/http/httptrace"
	"strconv"
	"sync"
	"time"

	"github.com/kithchat/kith/internal/egress"
)

// stepRecorder turns the transport's trace into steps. The transport calls it from several goroutines, some of which can
// outlive the request.
type stepRecorder struct {
	mu      sync.Mutex
	started map[string]time.Time
	steps   []TestStep
	done    bool
}

func (r *stepRecorder) trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		DNSStart:     func(httptrace.DNSStartInfo) { r.start(StepResolve) },
		DNSDone:      func(i httptrace.DNSDoneInfo) { r.end(StepResolve, addresses(len(i.Addrs)), i.Err) },
		ConnectStart: func(_, _ string) { r.start(StepConnect) },
		ConnectDone:  func(_, address string, err error) { r.end(StepConnect, address, err) },
		TLSHandshakeStart: func() {
			r.start(StepTLS)
		},
		TLSHandshakeDone: func(s tls.ConnectionState, err error) { r.end(StepTLS, tls.VersionName(s.Version), err) },
		GotConn:          func(httptrace.GotConnInfo) { r.start(StepRequest) },
		WroteRequest: func(i httptrace.WroteRequestInfo) {
			r.end(StepRequest, "", i.Err)
			r.start(StepAnswer)
		},
	}
}

func addresses(n int) string {
	if n == 1 {
		return "1 address"
	}
	return strconv.Itoa(n) + " addresses"
}

// start begins a step, once: several addresses may be tried, and the transport reports a handshake that is done again.
func (r *stepRecorder) start(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.started[name]; !ok {
		r.started[name] = time.Now()
	}
}

// end completes a step. A success replaces an earlier failure, which another address may have had.
func (r *stepRecorder) end(name, detail string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.done {
		return
	}
	if err != nil {
		detail = cmp.Or(shorten((&egress.Error{Phase: egress.PhaseConnect, Err: err}).Detail()), "failed")
	}
	step := TestStep{Name: name, OK: err == nil, Detail: detail, TookMS: time.Since(r.started[name]).Milliseconds()}
	for i := range r.steps {
		if r.steps[i].Name == name {
			if !r.steps[i].OK {
				r.steps[i] = step
			}
			return
		}
	}
	r.steps = append(r.steps, step)
}

// finish adds the answer, or marks the step that never ended, and returns all steps.
func (r *stepRecorder) finish(a *answer, o Outcome) []TestStep {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.done = true
	began, reached := r.started[StepAnswer]
	if !reached {
		began = time.Now()
	}
	if a != nil && (reached || len(r.started) == 0) { // a listener has no other step
		detail := "status " + strconv.Itoa(a.status) + ", " + strconv.Itoa(len(a.body)) + " bytes"
		r.steps = append(r.steps, TestStep{
			Name: StepAnswer, OK: o.Delivered(), Detail: detail, TookMS: time.Since(began).Milliseconds(),
		})
		return r.steps
	}
	for _, name := range []string{StepResolve, StepConnect, StepTLS, StepRequest, StepAnswer} {
		if _, ok := r.started[name]; ok && !r.ended(name) {
			r.steps = append(r.steps, TestStep{
				Name: name, Detail: cmp.Or(o.Detail, string(o.Reason)),
				TookMS: time.Since(r.started[name]).Milliseconds(),
			})
		}
	}
	return r.steps
}

func (r *stepRecorder) ended(name string) bool {
	for _, s := range r.steps {
		if s.Name == name {
			return true
		}
	}
	return false
}
