package dispatch

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"math"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/kithchat/kith/internal/egress"
)

func TestClassify(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	ok := func(body string) *answer { return &answer{status: 200, body: []byte(body)} }
	status := func(code int, retryAfter string) *answer {
		return &answer{status: code, header: http.Header{"Retry-After": {retryAfter}}}
	}
	connect := func(err error) error {
		return &url.Error{Op: "Post", URL: "http://h/?s=secret", Err: &egress.Error{
			Phase: egress.PhaseConnect, Err: &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", err)},
		}}
	}
	handshake := func(err error) error { return &egress.Error{Phase: egress.PhaseTLS, Err: err} }
	own := func(phase egress.Phase, err error) error { return &egress.Error{Phase: phase, Ours: true, Err: err} }
	tests := []struct {
		name   string
		answer *answer
		err    error
		want   Outcome
	}{
		{"handled", ok(answerOK), nil, Outcome{Status: 200}},
		{"handled, only the code", ok(`{"ErrorCode":0}`), nil, Outcome{Status: 200}},
		{"FAIL with code 0 is handled", ok(`{"ActionStatus":"FAIL","ErrorCode":0}`), nil, Outcome{Status: 200}},
		{"app error", ok(`{"ActionStatus":"FAIL","ErrorCode":1,"ErrorInfo":"secret"}`), nil, Outcome{Reason: ReasonAppError, Detail: "ErrorCode 1", Status: 200}},
		{"negative code", ok(`{"ErrorCode":-3}`), nil, Outcome{Reason: ReasonAppError, Detail: "ErrorCode -3", Status: 200}},
		{
			"status 200 with a body that broke off", ok(`{"ErrorCode"`), errors.New("unexpected EOF"),
			Outcome{Reason: ReasonBroken, Status: 200},
		},
		{"body that hangs", ok(`{`), context.DeadlineExceeded, Outcome{Reason: ReasonTimeout, Status: 200}},
		{"too large", &answer{status: 200, tooLarge: true}, nil, Outcome{Reason: ReasonTooLarge, Detail: "more than 65536 bytes", Status: 200}},
		{"201 is not 200", status(201, ""), nil, Outcome{Reason: ReasonStatus, Detail: "201", Status: 201}},
		{"204", status(204, ""), nil, Outcome{Reason: ReasonStatus, Detail: "204", Status: 204}},
		{"301", status(301, ""), nil, Outcome{Reason: ReasonRedirect, Detail: "301", Status: 301}},
		{"304", status(304, ""), nil, Outcome{Reason: ReasonRedirect, Detail: "304", Status: 304}},
		{"404", status(404, ""), nil, Outcome{Reason: ReasonStatus, Detail: "404", Status: 404}},
		{"410", status(410, ""), nil, Outcome{Reason: ReasonGone, Detail: "410", Status: 410}},
		{"429 with seconds", status(429, "7"), nil, Outcome{Reason: ReasonStatus, Detail: "429", Status: 429, RetryAfter: 7 * time.Second}},
		{
			"503 with a date", status(503, "Thu, 01 Jan 2026 00:01:00 GMT"), nil,
			Outcome{Reason: ReasonStatus, Detail: "503", Status: 503, RetryAfter: time.Minute},
		},
		{"503 with a past date", status(503, "Thu, 01 Jan 2025 00:01:00 GMT"), nil, Outcome{Reason: ReasonStatus, Detail: "503", Status: 503}},
		{
			"503 with more seconds than can be counted", status(503, "99999999999999999999"), nil,
			Outcome{Reason: ReasonStatus, Detail: "503", Status: 503, RetryAfter: math.MaxInt32 * time.Second},
		},
		{"503 with nonsense", status(503, "-5"), nil, Outcome{Reason: ReasonStatus, Detail: "503", Status: 503}},
		{"500 does not ask for a delay", status(500, "7"), nil, Outcome{Reason: ReasonStatus, Detail: "500", Status: 500}},
		{"500 whose body hangs", status(500, ""), context.DeadlineExceeded, Outcome{Reason: ReasonStatus, Detail: "500", Status: 500}},
		{"no such host", nil, &egress.Error{Phase: egress.PhaseResolve, Err: &net.DNSError{Err: "no such host", Name: "h", IsNotFound: true}}, Outcome{Reason: ReasonResolve, Detail: "no such host"}},
		{
			"resolver slow", nil, own(egress.PhaseResolve, &net.DNSError{Err: "i/o timeout", IsTimeout: true}),
			Outcome{Reason: ReasonLocal, Detail: "the resolver did not answer: timeout", Ours: true},
		},
		{"refused", nil, connect(syscall.ECONNREFUSED), Outcome{Reason: ReasonConnect, Detail: "connection refused"}},
		{"unreachable", nil, connect(syscall.EHOSTUNREACH), Outcome{Reason: ReasonConnect, Detail: "no route to host"}},
		{"out of files", nil, own(egress.PhaseConnect, syscall.EMFILE), Outcome{Reason: ReasonLocal, Detail: "too many open files", Ours: true}},
		{"out of ports", nil, own(egress.PhaseConnect, syscall.EADDRNOTAVAIL), Outcome{Reason: ReasonLocal, Detail: "cannot assign requested address", Ours: true}},
		{"timeout", nil, fmt.Errorf("x: %w", context.DeadlineExceeded), Outcome{Reason: ReasonTimeout, Detail: ""}},
		{"dial timeout", nil, connect(syscall.ETIMEDOUT), Outcome{Reason: ReasonTimeout, Detail: "no connection in time"}},
		{
			"unknown authority", nil,
			handshake(&tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}),
			Outcome{Reason: ReasonTLS, Detail: "x509: certificate signed by unknown authority"},
		},
		{"plain HTTP on a TLS port", nil, handshake(tls.RecordHeaderError{Msg: "first record"}), Outcome{Reason: ReasonTLS, Detail: "the endpoint does not speak TLS"}},
		{"handshake broke off", nil, handshake(errors.New("EOF")), Outcome{Reason: ReasonTLS, Detail: ""}},
		{
			"client certificate refused", nil, &egress.Error{Phase: egress.PhaseClientCert, Err: errors.New("bad certificate")},
			Outcome{Reason: ReasonClientCert},
		},
		{
			"client certificate refused by nginx", &answer{status: 400, body: []byte("<h1>No required SSL certificate was sent")}, nil,
			Outcome{
				Reason: ReasonClientCert, Detail: "nginx answered 400: it refuses the client certificate, or wants one", Status: 400,
			},
		},
		{"blocked address", nil, &egress.Error{Phase: egress.PhaseBlocked, Err: errors.New("x")}, Outcome{Reason: ReasonBlocked}},
		{"proxy down", nil, own(egress.PhaseProxy, syscall.ECONNREFUSED), Outcome{Reason: ReasonProxy, Detail: "connection refused", Ours: true}},
		{"header too large", nil, &egress.Error{Phase: egress.PhaseHeaders, Err: errors.New("x")}, Outcome{Reason: ReasonTooLarge}},
		{"nobody listens", nil, errNoListener, Outcome{Reason: ReasonNoListener, Detail: "nobody listens", Ours: true}},
		{"listener went away", nil, errListenerGone, Outcome{Reason: ReasonConnect, Detail: "the listener went away"}},
		{"listener's handler down", nil, errListenerSays, Outcome{Reason: ReasonConnect, Detail: "the listener could not ask its handler"}},
		{"listener overrun", nil, errListenerFull, Outcome{Reason: ReasonTimeout, Detail: "the listener does not keep up"}},
		{"closed early", nil, errors.New("EOF at http://h/?s=secret"), Outcome{Reason: ReasonBroken, Detail: ""}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := classify(tt.answer, tt.err, now)
			if got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
			if strings.Contains(got.String(), "secret") {
				t.Errorf("the outcome repeats a secret: %s", got)
			}
		})
	}
}

// TestFailureTable holds that each failure of the documents' table has a reason of its own.
func TestFailureTable(t *testing.T) {
	table := []struct {
		symptom string
		answer  *answer
		err     error
		want    Reason
	}{
		{"timeout", nil, context.DeadlineExceeded, ReasonTimeout},
		{"timeout: the name does not resolve", nil, &egress.Error{Phase: egress.PhaseResolve, Err: &net.DNSError{IsNotFound: true}}, ReasonResolve},
		{"refused", nil, &egress.Error{Phase: egress.PhaseConnect, Err: syscall.ECONNREFUSED}, ReasonConnect},
		{"certificate error", nil, &egress.Error{Phase: egress.PhaseTLS, Err: x509.UnknownAuthorityError{}}, ReasonTLS},
		{"mutual-auth error", nil, &egress.Error{Phase: egress.PhaseClientCert, Err: errors.New("x")}, ReasonClientCert},
		{"status not 200", &answer{status: 500}, nil, ReasonStatus},
		{"body unparsable", &answer{status: 200, body: []byte("OK")}, nil, ReasonNotJSON},
	}
	seen := map[Reason]string{}
	for _, row := range table {
		got := classify(row.answer, row.err, time.Time{}).Reason
		if got != row.want || seen[got] != "" {
			t.Errorf("%s is %q, want %q alone; it is also %q", row.symptom, got, row.want, seen[got])
		}
		seen[got] = row.symptom
	}
}

func TestClassifyAnswersThatAreNotJSON(t *testing.T) {
	for _, body := range []string{"", "OK", "<html>", "[]", "null", `{}`, `{"ErrorCode":"0"}`, `{"ErrorCode":0.5}`, "\x1f\x8b"} {
		if got := classify(&answer{status: 200, body: []byte(body)}, nil, time.Time{}); got.Reason != ReasonNotJSON {
			t.Errorf("%q: got %v", body, got)
		}
	}
}

func TestReasonsAreDistinctShortAndExplained(t *testing.T) {
	seen := map[Reason]bool{}
	for _, known := range reasons {
		r := known.reason
		if known.means == "" || strings.Contains(known.means, "\n") {
			t.Errorf("%s is not explained in one line", r)
		}
		if r == "" || len(r) > 20 || seen[r] || string(r) == labelDelivered {
			t.Errorf("bad reason %q", r)
		}
		seen[r] = true
	}
}

func FuzzClassifyBody(f *testing.F) {
	f.Add([]byte(answerOK))
	f.Add([]byte(`{"ErrorCode":1e400}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		o := classifyBody(body)
		if o.Delivered() && !bytes.Contains(body, []byte("ErrorCode")) && !bytes.Contains(body, []byte(`\u`)) {
			t.Errorf("%q counts as handled", body)
		}
		if len(o.String()) > 200 {
			t.Errorf("%q makes a long reason: %s", body, o)
		}
	})
}
