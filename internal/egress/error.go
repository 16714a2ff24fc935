package egress

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"strings"
	"syscall"
)

// Phase is where a request failed. The list is closed.
type Phase string

// Phases, in the order in which a request meets them.
const (
	// PhaseResolve: the host name has no address, or (Ours) the resolver did not say.
	PhaseResolve Phase = "resolve"
	// PhaseBlocked: all addresses are ones that callbacks may not go to.
	PhaseBlocked Phase = "blocked"
	// PhaseConnect: nothing accepts connections at the address, or (Ours) this machine could not try.
	PhaseConnect Phase = "connect"
	// PhaseProxy: the proxy cannot be reached or refuses. Always Ours.
	PhaseProxy Phase = "proxy"
	// PhaseTLS: no TLS connection came about, for example because of an invalid certificate.
	PhaseTLS Phase = "tls"
	// PhaseClientCert: the endpoint refuses the client certificate, or wants one.
	PhaseClientCert Phase = "client-certificate"
	// PhaseHeaders: the header of the answer is larger than MaxHeaderBytes.
	PhaseHeaders Phase = "headers"
)

// Error is why a request got no answer. It implements net.Error. Whoever judges an attempt looks at Ours first, then at
// Timeout, then at Phase.
type Error struct {
	Phase Phase
	// Ours says that the fault is on Kith's side of the wire and says nothing about the endpoint: it costs no budget.
	Ours bool
	// Err is the cause. It can name the host and its addresses, never the rest of the URL or the proxy's password.
	Err error
}

// Error returns the phase and the cause, for the operator's log.
func (e *Error) Error() string { return string(e.Phase) + ": " + e.Err.Error() }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Timeout reports whether the phase took too long.
func (e *Error) Timeout() bool { return isTimeout(e.Err) }

// Temporary is part of net.Error: whether it makes sense to try again soon.
func (e *Error) Temporary() bool { return e.Ours || e.Timeout() }

// Detail returns a few words without addresses, for records that others than the operator can read.
func (e *Error) Detail() string {
	var blocked *blockedError
	var answer *proxyAnswerError
	var dns *net.DNSError
	var alert *alertError
	var certificate *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var errno syscall.Errno
	switch {
	case errors.As(e.Err, &blocked) && !blocked.addr.IsValid():
		return "neither a name nor an address"
	case errors.As(e.Err, &blocked):
		return blocked.kind() + ", which callback-allow does not allow"
	case errors.As(e.Err, &answer):
		return answer.Error()
	case errors.As(e.Err, &alert):
		return alert.Error()
	case errors.As(e.Err, &certificate):
		return certificateDetail(certificate.Err)
	case errors.As(e.Err, &record):
		return "the endpoint does not speak TLS"
	case errors.As(e.Err, &errno):
		return errno.Error()
	case e.Timeout():
		return "timeout"
	case errors.As(e.Err, &dns):
		return dnsDetail(dns)
	}
	if alert, ok := peerAlert(e.Err); ok {
		return alert.Error()
	}
	return ""
}

// dnsDetail leaves out what is about a socket, which has the resolver's address in it.
func dnsDetail(err *net.DNSError) string {
	if strings.Contains(err.Err, ":") {
		return "the resolver cannot be reached"
	}
	return err.Err
}

// tooLargeHeader is the text of net/http, which has no type for it.
const tooLargeHeader = "server response headers exceeded"

// Classify finds the Error in what a Transport's RoundTrip or the reading of a body returned. It returns nil when the
// endpoint was reached and what it then did was wrong or too slow, and for nil.
func Classify(err error) *Error {
	if err == nil {
		return nil
	}
	var found *Error
	if errors.As(err, &found) {
		return found
	}
	if localFault(err) {
		return &Error{Phase: PhaseConnect, Ours: true, Err: err}
	}
	if strings.Contains(err.Error(), tooLargeHeader) {
		return &Error{Phase: PhaseHeaders, Err: err}
	}
	return nil
}

// connectError marks what a dial returned.
func connectError(err error) *Error {
	var marked *Error
	var blocked *blockedError
	var dns *net.DNSError
	var address *net.AddrError
	switch {
	case errors.As(err, &marked):
		return marked
	case errors.As(err, &blocked):
		return &Error{Phase: PhaseBlocked, Err: err}
	case errors.As(err, &dns):
		// Without an answer about the name, nothing is known of the endpoint: no resolver there, SERVFAIL, REFUSED, silence.
		return &Error{Phase: PhaseResolve, Ours: !dns.IsNotFound && !errors.Is(err, context.Canceled), Err: err}
	case errors.As(err, &address):
		return &Error{Phase: PhaseResolve, Err: err}
	}
	return &Error{Phase: PhaseConnect, Ours: localFault(err), Err: err}
}

// localFault reports whether this machine was the one that could not. A network or host that cannot be reached is the
// receiver's, since routers report those.
func localFault(err error) bool {
	for _, local := range []error{syscall.EMFILE, syscall.ENFILE, syscall.ENOMEM, syscall.ENOBUFS, syscall.EADDRNOTAVAIL} {
		if errors.Is(err, local) {
			return true
		}
	}
	return false
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, syscall.ETIMEDOUT) ||
		errors.As(err, &timeout) && timeout.Timeout()
}
