package dispatch

import (
	"context"
	"errors"
	"net"
	"syscall"

	"github.com/kithchat/kith/internal/egress"
)

// phaseReasons gives each phase of connecting its reason. waited is the detail of a timeout in it.
var phaseReasons = map[egress.Phase]struct {
	reason Reason
	waited string
}{
	egress.PhaseResolve:    {ReasonResolve, "no address of the host name in time"},
	egress.PhaseBlocked:    {ReasonBlocked, ""},
	egress.PhaseConnect:    {ReasonConnect, "no connection in time"},
	egress.PhaseProxy:      {ReasonProxy, ""},
	egress.PhaseTLS:        {ReasonTLS, "no TLS handshake in time"},
	egress.PhaseClientCert: {ReasonClientCert, ""},
	egress.PhaseHeaders:    {ReasonTooLarge, ""},
}

// listenerReasons gives each failure of a listener its outcome.
var listenerReasons = []struct {
	err    error
	reason Reason
}{
	{errNoListener, ReasonNoListener},
	{errListenerGone, ReasonConnect},
	{errListenerSays, ReasonConnect},
	{errListenerFull, ReasonTimeout},
}

func classifyError(err error) Outcome {
	for _, l := range listenerReasons {
		if errors.Is(err, l.err) {
			return Outcome{Reason: l.reason, Detail: l.err.Error(), Ours: l.reason == ReasonNoListener}
		}
	}
	if found := egress.Classify(err); found != nil {
		return classifyPhase(found)
	}
	var netErr net.Error
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, syscall.ETIMEDOUT) ||
		errors.As(err, &netErr) && netErr.Timeout() {
		return Outcome{Reason: ReasonTimeout}
	}
	return Outcome{Reason: ReasonBroken}
}

func classifyPhase(found *egress.Error) Outcome {
	known := phaseReasons[found.Phase]
	detail := shorten(found.Detail())
	switch {
	case found.Ours && found.Phase == egress.PhaseProxy:
		return Outcome{Reason: ReasonProxy, Detail: detail, Ours: true}
	case found.Ours && found.Phase == egress.PhaseResolve:
		return Outcome{Reason: ReasonLocal, Detail: "the resolver did not answer: " + detail, Ours: true}
	case found.Ours:
		return Outcome{Reason: ReasonLocal, Detail: detail, Ours: true}
	case found.Timeout():
		return Outcome{Reason: ReasonTimeout, Detail: known.waited}
	}
	return Outcome{Reason: known.reason, Detail: detail}
}
