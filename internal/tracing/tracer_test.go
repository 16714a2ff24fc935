package tracing_test

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/kithchat/kith/api"
	"github.com/kithchat/kith/internal/leaktest"
	"github.com/kithchat/kith/internal/relation"
	"github.com/kithchat/kith/internal/tracing"
	"github.com/kithchat/kith/internal/tracing/tracetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// appID is the app of the tests.
const appID = 1600077123

// caller is a traceparent that a caller sends who follows the call.
const caller = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

func start(t testing.TB, o tracing.Options) *tracing.Tracer {
	t.Helper()
	o.Linger = cmp.Or(o.Linger, time.Millisecond)
	tracer, err := tracing.New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tracer.Stop(context.Background()) })
	return tracer
}

// event is one that a call with this traceparent made just now.
func event(trace string) *relation.Event {
	return &relation.Event{
		SDKAppID: appID, Owner: "mira", ID: "0198c000-0000-7000-8000-000000000001", Created: time.Now(),
		NewEvent: relation.NewEvent{
			Kind: relation.EventBlockDelete, Targets: []string{"tom"},
			Origin: relation.Origin{ClientIP: "203.0.113.9", Platform: "RESTAPI", Trace: trace},
		},
	}
}

func TestCall(t *testing.T) {
	collector := tracetest.Start(t)
	tracer := start(t, tracing.Options{Endpoint: collector.URL, Sample: 1, Version: "v1", Node: "n1"})
	own, end := tracer.StartRequest("black_list_delete", "")
	end(appID, api.OK, 3)
	request := collector.Next(t)
	if want := "00-" + request.Trace + "-" + request.ID + "-01"; own != want && own != want[:len(want)-1]+"3" {
		t.Errorf("the call's traceparent is %s, its span %s", own, want)
	}
	if request.Name != "black_list_delete" || request.Kind != "SPAN_KIND_SERVER" || request.Parent != "" || request.Status != "" {
		t.Errorf("%+v", request)
	}
	want(t, request.Attributes, map[string]string{
		"kith.api": "rest", "kith.sdkappid": "1600077123", "kith.command": "black_list_delete", "kith.error_code": "0", "kith.accounts": "3",
	})
	if r := request.Resource; r["service.name"] != "kith" || r["service.version"] != "v1" || r["service.instance.id"] != "n1" {
		t.Errorf("resource %v", r)
	}

	_, end = tracer.StartCall("blocklist.add")
	end(0, api.CodeServiceTimeout, 0)
	call := collector.Next(t)
	want(t, call.Attributes, map[string]string{"kith.api": "gateway", "kith.command": "blocklist.add", "kith.error_code": "60008"})
	if call.Status != "error" {
		t.Errorf("a fault of the server has status %q", call.Status)
	}
}

func want(t *testing.T, got, want map[string]string) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("attributes\n%v, want\n%v", got, want)
	}
}

// A caller who sends a traceparent has decided; what is none decides nothing.
func TestCallerDecides(t *testing.T) {
	collector := tracetest.Start(t)
	never := start(t, tracing.Options{Endpoint: collector.URL, Sample: 0})
	own, end := never.StartRequest("black_list_add", caller)
	if !strings.HasPrefix(own, "00-4bf92f3577b34da6a3ce929d0e0e4736-") || own == caller {
		t.Fatalf("the call of a caller who follows it has the traceparent %q", own)
	}
	end(appID, api.CodeParameter, 1)
	span := collector.Next(t)
	if span.Parent != "00f067aa0ba902b7" || span.Status != "" {
		t.Errorf("%+v", span)
	}
	if own, end := never.StartRequest("black_list_add", ""); own != "" || end != nil {
		t.Errorf("a call that nobody follows has the traceparent %q", own)
	}
	always := start(t, tracing.Options{Endpoint: collector.URL, Sample: 1})
	if own, end := always.StartRequest("black_list_add", strings.TrimSuffix(caller, "1")+"0"); own != "" || end != nil {
		t.Errorf("the call of a caller who does not want it followed has the traceparent %q", own)
	}
	for _, odd := range []string{"x", caller[:54], caller + "-x", "ff" + caller[2:], strings.ToUpper(caller), "00-" + strings.Repeat("0", 32) + caller[35:]} {
		own, end := always.StartRequest("black_list_add", odd)
		if end == nil || strings.Contains(own, "4bf92f35") {
			t.Fatalf("%q decided: %q", odd, own)
		}
		end(0, api.OK, 0)
		if s := collector.Next(t); s.Parent != "" {
			t.Errorf("%q is the parent %s", odd, s.Parent)
		}
	}
}

// FuzzCaller: whatever is sent as traceparent, a call that is followed has a good one of its own.
func FuzzCaller(f *testing.F) {
	for _, seed := range []string{"", caller, "00-", caller + "x", "01" + caller[2:] + "-more", strings.ToUpper(caller)} {
		f.Add(seed)
	}
	nowhere := httptest.NewServer(http.NotFoundHandler())
	f.Cleanup(nowhere.Close)
	tracer := start(f, tracing.Options{Endpoint: nowhere.URL, Sample: 1})
	f.Fuzz(func(t *testing.T, text string) {
		own, end := tracer.StartRequest("black_list_add", text)
		if end == nil {
			if len(text) < 55 {
				t.Fatalf("%q says that the call is not to be followed", text)
			}
			return
		}
		end(0, api.OK, 0)
		next, ended := tracer.StartAttempt(event(own), "")
		if ended == nil || len(next) != 55 || next[3:35] != own[3:35] || next == own {
			t.Fatalf("%q led to %q, that to %q", text, own, next)
		}
		ended("delivered", http.StatusOK)
	})
}

func TestAttempt(t *testing.T) {
	collector := tracetest.Start(t)
	tracer := start(t, tracing.Options{Endpoint: collector.URL})
	e := event(caller)
	e.Attempts = 2
	own, end := tracer.StartAttempt(e, "")
	end("status", http.StatusBadGateway)
	span := collector.Next(t)
	if span.Trace != caller[3:35] || span.Parent != caller[36:52] || !strings.Contains(own, span.Trace+"-"+span.ID) {
		t.Errorf("the attempt is no child of the call: %+v, %s", span, own)
	}
	if span.Kind != "SPAN_KIND_CLIENT" || span.Name != "Sns.CallbackBlackListDelete" || span.Status != "status" || len(span.Links) > 0 {
		t.Errorf("%+v", span)
	}
	want(t, span.Attributes, map[string]string{
		"kith.sdkappid": "1600077123", "kith.command": "Sns.CallbackBlackListDelete", "kith.event": e.ID,
		"kith.attempt": "3", "kith.outcome": "status", "http.response.status_code": "502",
	})
	for _, trace := range []string{"", "damaged", strings.TrimSuffix(caller, "1") + "0"} {
		if own, end := tracer.StartAttempt(event(trace), ""); own != "" || end != nil {
			t.Errorf("an event with trace %q has an attempt that is followed: %q", trace, own)
		}
	}
}

// A late attempt and a replay have traces of their own, with a link to the call.
func TestLateAttempt(t *testing.T) {
	collector := tracetest.Start(t)
	tracer := start(t, tracing.Options{Endpoint: collector.URL, Sample: 0})
	late := event(caller)
	late.Created = late.Created.Add(-2 * time.Minute)
	for _, c := range []struct {
		what   string
		event  *relation.Event
		replay string
	}{{"late", late, ""}, {"replayed", event(caller), "r7"}} {
		own, end := tracer.StartAttempt(c.event, c.replay)
		end("delivered", http.StatusOK)
		span := collector.Next(t)
		if span.Parent != "" || span.Trace == caller[3:35] || len(span.Links) != 1 || span.Links[0] != caller[3:52] {
			t.Errorf("%s: %+v", c.what, span)
		}
		if !strings.HasPrefix(own, "00-"+span.Trace+"-"+span.ID) || span.Attributes["kith.replay"] != c.replay || span.Status != "" {
			t.Errorf("%s: %q, %+v", c.what, own, span)
		}
	}
}

// logged collects what is logged.
type logged struct{ *leaktest.Watch }

func (l logged) count(what string) int { return strings.Count(l.Text(), what) }

// account counts what became of spans.
type account struct{ sent, lost atomic.Int64 }

func (a *account) exported(n int, sent bool) {
	if sent {
		a.sent.Add(int64(n))
	} else {
		a.lost.Add(int64(n))
	}
}

// A collector that refuses is told of once in a while, and again when it takes spans.
func TestRefused(t *testing.T) {
	collector := tracetest.Start(t)
	collector.Answer(http.StatusForbidden)
	log, clock, a := logged{leaktest.NewWatch(t)}, time.Now(), &account{}
	var mu sync.Mutex
	asked := 0 // for the time, by each failure
	tracer := start(t, tracing.Options{
		Endpoint: collector.URL, Sample: 1, Log: slog.New(slog.NewTextHandler(log, nil)), Exported: a.exported,
		Now: func() time.Time { mu.Lock(); defer mu.Unlock(); asked++; return clock },
	})
	failures := func() int { mu.Lock(); defer mu.Unlock(); return asked }
	one := func(until func() bool) {
		t.Helper()
		_, end := tracer.StartRequest("kick", "")
		end(0, api.OK, 0)
		for deadline := time.Now().Add(time.Minute); !until(); time.Sleep(time.Millisecond) { // spans go by a timer
			if time.Now().After(deadline) {
				t.Fatal("the span was neither sent nor lost")
			}
		}
	}
	const line = "traces cannot be sent"
	one(func() bool { return log.count(line) == 1 })
	one(func() bool { return failures() == 2 }) // it counts as lost a moment before that
	mu.Lock()
	clock = clock.Add(time.Hour)
	mu.Unlock()
	one(func() bool { return log.count(line) == 2 })
	collector.Answer(http.StatusOK)
	one(func() bool { return log.count("traces are sent again") == 1 })
	if n := log.count(line); n != 2 || a.sent.Load() != 1 || a.lost.Load() != 3 {
		t.Errorf("%d lines, sent %d, lost %d", n, a.sent.Load(), a.lost.Load())
	}
}

// A collector that takes connections and never answers holds up neither calls nor the stop, and no more memory than Queue spans.
func TestHangingCollector(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	a := &account{}
	log := logged{leaktest.NewWatch(t)}
	tracer := start(t, tracing.Options{
		Endpoint: "http://" + listener.Addr().String(), Sample: 1, Exported: a.exported, Log: slog.New(slog.NewTextHandler(log, nil)),
		Linger: time.Hour,
	})
	const calls = tracing.Queue + 100
	for range calls {
		_, end := tracer.StartRequest("kick", "")
		end(0, api.OK, 0)
	}
	if lost := a.lost.Load(); lost != calls-tracing.Queue {
		t.Errorf("%d spans found no room, want %d", lost, calls-tracing.Queue)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	tracer.Stop(ctx) // returns at once
	tracer.Stop(t.Context())
	if log.count("traces that waited at the stop are lost") != 1 {
		t.Errorf("the log does not tell: %s", log.Text())
	}
}

// A collector that makes something else of the connection, and holds it open, takes nothing and holds nothing up.
func TestSwitchingCollector(t *testing.T) {
	collector := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
		_, _ = io.Copy(io.Discard, conn) // until the other side closes it
		_ = conn.Close()
	}))
	t.Cleanup(collector.Close)
	log, a := logged{leaktest.NewWatch(t)}, &account{}
	tracer := start(t, tracing.Options{
		Endpoint: collector.URL, Sample: 1, Log: slog.New(slog.NewTextHandler(log, nil)), Exported: a.exported, Linger: time.Hour,
	})
	_, end := tracer.StartRequest("kick", "")
	end(0, api.OK, 0)
	tracer.Stop(t.Context())
	if a.lost.Load() != 1 || log.count("the collector answered 101") != 1 {
		t.Errorf("lost %d; the log: %s", a.lost.Load(), log.Text())
	}
}

// What waits at the stop is sent.
func TestStopSends(t *testing.T) {
	collector := tracetest.Start(t)
	tracer := start(t, tracing.Options{Endpoint: collector.URL, Sample: 1, Linger: time.Hour})
	for range 600 { // more than one batch
		_, end := tracer.StartRequest("kick", "")
		end(0, api.OK, 0)
	}
	tracer.Stop(t.Context())
	for range 600 {
		collector.Next(t)
	}
	_, end := tracer.StartRequest("kick", "") // afterwards it is harmless
	if end != nil {
		end(0, api.OK, 0)
	}
	collector.None(t)
}

// A path of the endpoint is kept.
func TestEndpoint(t *testing.T) {
	collector := tracetest.Start(t)
	for _, path := range []string{"/", "/v1/traces"} {
		tracer := start(t, tracing.Options{Endpoint: collector.URL + path, Sample: 1})
		_, end := tracer.StartRequest("kick", "")
		end(0, api.OK, 0)
		collector.Next(t)
	}
	for _, bad := range []string{"", "127.0.0.1:4318", "ftp://collector", "http://"} {
		if _, err := tracing.New(t.Context(), tracing.Options{Endpoint: bad}); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

// What cannot be sent now is sent later, in good time.
func TestRetry(t *testing.T) {
	collector := tracetest.Start(t)
	tried := collector.Answer(http.StatusServiceUnavailable)
	tracer := start(t, tracing.Options{Endpoint: collector.URL, Sample: 1})
	_, end := tracer.StartRequest("kick", "")
	end(0, api.OK, 0)
	<-tried
	collector.Answer(http.StatusOK)
	collector.Next(t)
}

// Where no collector is, the stop does not try for long.
func TestStopWithoutCollector(t *testing.T) {
	log := logged{leaktest.NewWatch(t)}
	tracer := start(t, tracing.Options{Endpoint: "http://127.0.0.1:1", Sample: 1, Log: slog.New(slog.NewTextHandler(log, nil)), Linger: time.Hour})
	_, end := tracer.StartRequest("kick", "")
	end(0, api.OK, 0)
	tracer.Stop(t.Context())
	if log.count("traces cannot be sent") != 1 || log.count("connection refused") != 1 {
		t.Errorf("the log does not tell: %s", log.Text())
	}
}

// Headers that cannot be read are refused, and not quoted.
func TestBadHeaders(t *testing.T) {
	for _, text := range []string{"secret7", "=secret7", "x=%secret7"} {
		t.Setenv("OTEL_EXPORTER_OTLP_HEADERS", text)
		_, err := tracing.New(t.Context(), tracing.Options{Endpoint: "http://127.0.0.1:1"})
		if err == nil || strings.Contains(err.Error(), "secret7") || !strings.Contains(err.Error(), "OTEL_EXPORTER_OTLP_HEADERS") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// The collector's token comes from the environment, as everywhere with OpenTelemetry.
func TestHeaders(t *testing.T) {
	t.Setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-collector=a%20secret, x-other=7 ,")
	t.Setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test")
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
	collector := tracetest.Start(t)
	tracer := start(t, tracing.Options{Endpoint: collector.URL, Sample: 1})
	_, end := tracer.StartRequest("kick", "")
	end(0, api.OK, 0)
	if span := collector.Next(t); span.Resource["deployment.environment.name"] != "test" {
		t.Errorf("resource %v", span.Resource)
	}
	if got := collector.Header().Get("X-Collector"); got != "a secret" {
		t.Errorf("header %q", got)
	}
}

// Calls and attempts that are not followed cost no memory.
func TestNotFollowedIsFree(t *testing.T) {
	tracer := start(t, tracing.Options{Endpoint: "http://127.0.0.1:1", Sample: 0})
	e := event("")
	if n := testing.AllocsPerRun(1000, func() {
		_, _ = tracer.StartRequest("black_list_add", "")
		_, _ = tracer.StartCall("blocklist.add")
		_, _ = tracer.StartAttempt(e, "")
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
