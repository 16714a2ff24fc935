package dispatch

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/kithchat/kith/api"
	"github.com/kithchat/kith/internal/relation"
	"github.com/kithchat/kith/webhook"
)

// unhurried is a timeout, in milliseconds, that no exchange within a slow machine exceeds.
const unhurried = 60_000

func TestTestCallbackSendsAMarkedAndSignedRequest(t *testing.T) {
	var got struct {
		header http.Header
		sign   bool
		body   api.BlackListCallback
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got.header = r.Header
		got.sign = len(r.URL.Query().Get("Sign")) == 64
		_ = json.NewDecoder(r.Body).Decode(&got.body)
		_, _ = io.WriteString(w, answerOK)
	}))
	defer server.Close()
	app := testApp(appA, relation.Callback{URL: server.URL + "/hook?secret=1", Token: "wh-token-7", TimeoutMS: unhurried})
	app.Disabled = true
	report, err := New(Options{Egress: loopback(t)}).TestCallback(t.Context(), app)
	if err != nil || !report.OK || report.Reason != "" || report.Endpoint != server.URL+"/hook" {
		t.Errorf("report %+v, error %v", report, err)
	}
	if names := stepNames(report); !slices.Equal(names, []string{StepConnect + " ok", StepRequest + " ok", StepAnswer + " ok"}) {
		t.Errorf("steps %q", names)
	}
	if got.header.Get(api.HeaderTest) != "1" || !strings.HasPrefix(report.ID, api.TestIDPrefix) || got.header.Get(api.HeaderWebhookID) != report.ID || !got.sign {
		t.Errorf("request %+v", got)
	}
	if got.body.CallbackCommand != report.Command || got.body.PairList == nil || len(got.body.PairList) != 0 {
		t.Errorf("body %+v, want an empty PairList", got.body)
	}
}

func TestTestCallbackOverTLSWithOurOwnHandler(t *testing.T) {
	handler, err := webhook.New(webhook.Options{SDKAppID: appA, Tokens: []string{"wh-token-7"}})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewTLSServer(handler)
	defer server.Close()
	callback := relation.Callback{URL: server.URL, Token: "wh-token-7", CA: caOf(server), TimeoutMS: unhurried}
	report, err := New(Options{Egress: loopback(t)}).TestCallback(t.Context(), testApp(appA, callback))
	if err != nil || !report.OK {
		t.Errorf("report %+v, error %v", report, err)
	}
	want := []string{StepConnect + " ok", StepTLS + " ok", StepRequest + " ok", StepAnswer + " ok"}
	if names := stepNames(report); !slices.Equal(names, want) {
		t.Errorf("steps %q", names)
	}
}

func TestTestCallbackNamesTheStepThatFails(t *testing.T) {
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	tests := []struct {
		name   string
		url    string
		reason Reason
		steps  []string
	}{
		{"refused", "http://127.0.0.1:1", ReasonConnect, []string{StepConnect + " failed"}},
		{"status", plain.URL, ReasonStatus, []string{StepConnect + " ok", StepRequest + " ok", StepAnswer + " failed"}},
		{
			"plain HTTP", strings.Replace(plain.URL, "http:", "https:", 1), ReasonTLS,
			[]string{StepConnect + " ok", StepTLS + " failed"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			report, err := New(Options{Egress: loopback(t)}).TestCallback(t.Context(), testApp(appA, relation.Callback{URL: tt.url, TimeoutMS: unhurried}))
			if err != nil {
				t.Fatal(err)
			}
			if names := stepNames(report); report.OK || report.Reason != tt.reason || !slices.Equal(names, tt.steps) {
				t.Errorf("reason %q, steps %q", report.Reason, names)
			}
		})
	}
}

func TestTestCallbackThatCannotBeMade(t *testing.T) {
	d := New(Options{Egress: loopback(t)})
	if _, err := d.TestCallback(t.Context(), testApp(appA, relation.Callback{})); err == nil {
		t.Error("no error without a URL")
	}
	if _, err := d.TestCallback(t.Context(), testApp(appA, relation.Callback{URL: "ftp://x"})); err == nil {
		t.Error("no error for a bad URL")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := d.TestCallback(ctx, testApp(appA, relation.Callback{URL: "http://127.0.0.1:1/"})); err == nil {
		t.Error("no error after the caller gave up")
	}
}

func stepNames(r TestReport) []string {
	var names []string
	for _, s := range r.Steps {
		verdict := " failed"
		if s.OK {
			verdict = " ok"
		}
		names = append(names, s.Name+verdict)
	}
	return names
}

// caOf returns the certificate of a TLS server in PEM, for Callback.CA.
func caOf(s *httptest.Server) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}))
}

// A failure tells what the app backend said, without what it repeats of the secrets.
func TestTestCallbackTellsTheAnswer(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, "wh-token-7 is no good, "+strings.Repeat("é", 300))
	}))
	defer server.Close()
	app := testApp(appA, relation.Callback{URL: server.URL, Token: "wh-token-7", TimeoutMS: unhurried})
	report, err := New(Options{Egress: loopback(t)}).TestCallback(t.Context(), app)
	if err != nil || !strings.HasPrefix(report.Answer, "[secret] is no good, éé") || len([]rune(report.Answer)) > 200 {
		t.Errorf("answer %q, error %v", report.Answer, err)
	}
}
