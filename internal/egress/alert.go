package egress

import (
	"errors"
	"net"
	"reflect"
)

// Alerts of TLS by which a peer refuses a client certificate (RFC 8446, section 6.2), with the words for people.
var certificateAlerts = map[uint8]string{
	42:  "bad certificate",
	43:  "unsupported certificate",
	44:  "certificate revoked",
	45:  "certificate expired",
	46:  "certificate unknown",
	48:  "unknown certificate authority",
	49:  "access denied",
	116: "certificate required",
}

const (
	// alertRequired is sent only for want of a client certificate.
	alertRequired = 116
	// alertHandshake is sent for many reasons, under TLS 1.2 also for want of a client certificate (RFC 5246, 7.4.6).
	alertHandshake = 40
)

// identity says what happened about the client certificate on a connection.
type identity struct {
	asked bool // the server asked for one
	shows bool // there is one to show; a resumed session has it from before, without being asked
}

// alertError is an alert that the peer sent.
type alertError struct {
	number uint8
	err    error
}

func (e *alertError) Error() string {
	if words, ok := certificateAlerts[e.number]; ok {
		return "the endpoint says: " + words
	}
	return "the endpoint says: " + e.err.Error()
}

func (e *alertError) Unwrap() error { return e.err }

// peerAlert finds an alert of the peer in an error of crypto/tls. Its type there is not exported, so it is told by what it
// is: a number of that package inside a net.OpError.
func peerAlert(err error) (*alertError, bool) {
	var op *net.OpError
	if !errors.As(err, &op) || op.Op != "remote error" || op.Err == nil {
		return nil, false
	}
	v := reflect.ValueOf(op.Err)
	if v.Kind() != reflect.Uint8 || v.Type().PkgPath() != "crypto/tls" {
		return nil, false
	}
	return &alertError{number: uint8(v.Uint()), err: op.Err}, true
}

// tlsError marks an error of a TLS connection. An alert about a certificate is about the client's only when the server knows
// one or asked for one.
func tlsError(err error, id identity) *Error {
	alert, ok := peerAlert(err)
	if !ok {
		return &Error{Phase: PhaseTLS, Ours: localFault(err), Err: err}
	}
	if _, about := certificateAlerts[alert.number]; about && (id.asked || id.shows) ||
		alert.number == alertRequired || alert.number == alertHandshake && id.asked && !id.shows {
		return &Error{Phase: PhaseClientCert, Err: alert}
	}
	return &Error{Phase: PhaseTLS, Err: alert}
}
