package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/kithchat/kith/api"
	"github.com/kithchat/kith/internal/config"
	"github.com/kithchat/kith/internal/operator"
	"github.com/kithchat/kith/internal/tracing/tracetest"
)

// traced are the settings of a server that follows this share of calls.
func traced(t *testing.T, endpoint string, sample float64) config.Config {
	c := settings(t)
	c.TraceEndpoint, c.TraceSample, c.NodeName = endpoint, sample, "n1"
	return c
}

// unblockAs unblocks with a traceparent.
func (r *running) unblockAs(t *testing.T, traceparent, owner string, targets ...string) {
	t.Helper()
	body, err := json.Marshal(api.BlockRequest{FromAccount: owner, ToAccount: targets})
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequest(http.MethodPost, restURL(t, r.info.HTTP, "sns/black_list_delete"), bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if traceparent != "" {
		request.Header.Set("traceparent", traceparent)
	}
	response, err := r.http.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var answer api.Envelope
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil || answer.ErrorCode != api.OK {
		t.Fatalf("%v %+v", err, answer)
	}
}

// collector takes the traces of a server.
type collector struct{ *tracetest.Collector }

func startCollector(t *testing.T) collector { return collector{tracetest.Start(t)} }

// pair returns the spans of an unblock and of its attempt, which arrive in either order.
func (c collector) pair(t *testing.T) (request, attempt tracetest.Span) {
	t.Helper()
	for request.Name == "" || attempt.Name == "" {
		switch span := c.Next(t); span.Name {
		case "black_list_delete":
			request = span
		case api.CallbackBlackListDelete:
			attempt = span
		default:
			t.Logf("also arrived: %s", span.Name)
		}
	}
	return request, attempt
}

// caller is the traceparent of somebody who follows the call.
const caller = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

// A call and the attempt at its callback are one trace, which the app backend can go on with. The spans tell what an operator
// may see and nothing else. The caller's traceparent counts.
func TestTrace(t *testing.T) {
	collector := startCollector(t)
	s := start(t, traced(t, collector.URL, 0))
	backend := startReceiver(t)
	s.newApp(t, backend.url, "mira", "tom")
	s.block(t, "mira", "tom") // not followed
	if got := backend.next(t).traceparent; got != "" {
		t.Errorf("the app backend was sent the traceparent %s of a call that nobody follows", got)
	}
	s.unblockAs(t, caller, "mira", "tom")
	request, attempt := collector.pair(t)
	if request.Trace != caller[3:35] || request.Parent != caller[36:52] || request.Attributes["kith.sdkappid"] != "1600077123" ||
		request.Resource["service.version"] != "v1" || request.Resource["service.instance.id"] != "n1" {
		t.Errorf("the call: %+v", request)
	}
	got := backend.next(t)
	if attempt.Trace != request.Trace || attempt.Parent != request.ID || got.traceparent != "00-"+attempt.Trace+"-"+attempt.ID+"-01" {
		t.Errorf("the attempt: %+v, the header: %s", attempt, got.traceparent)
	}
	if a := attempt.Attributes; a["kith.event"] != got.id || a["kith.attempt"] != "1" || a["kith.outcome"] != "delivered" || a["http.response.status_code"] != "200" {
		t.Errorf("the attempt: %v", a)
	}
	for _, span := range []tracetest.Span{request, attempt} {
		for name, value := range span.Attributes {
			for _, secret := range []string{"mira", key, admin, callbackToken, "127.0.0.1"} {
				if strings.Contains(value, secret) {
					t.Errorf("the span tells %s %s", name, value)
				}
			}
		}
	}
	collector.None(t)
}

// With a share of 1 every call is followed, and a traceparent that is none counts for nothing.
func TestTraceAll(t *testing.T) {
	collector := startCollector(t)
	s := start(t, traced(t, collector.URL, 1))
	backend := startReceiver(t)
	s.newApp(t, backend.url, "mira", "tom")
	s.block(t, "mira", "tom")
	collector.Named(t, api.CallbackBlackListAdd)
	s.unblockAs(t, caller+"-more", "mira", "tom")
	request, attempt := collector.pair(t)
	if request.Parent != "" || request.Trace == caller[3:35] || attempt.Trace != request.Trace {
		t.Errorf("%+v, %+v", request, attempt)
	}
}

// An attempt that the next process makes belongs to the trace of the call.
func TestTraceAcrossRestart(t *testing.T) {
	collector := startCollector(t)
	c := traced(t, collector.URL, 0)
	s := start(t, c)
	backend := startReceiver(t)
	s.newApp(t, backend.url, "mira", "tom")
	s.block(t, "mira", "tom")
	backend.next(t)
	s.drained(t)
	backend.leave()
	s.unblockAs(t, caller, "mira", "tom")
	request, failed := collector.pair(t)
	if failed.Parent != request.ID || failed.Attributes["kith.outcome"] != "connect" || failed.Status != "connect" {
		t.Errorf("the failed attempt: %+v", failed)
	}
	s.stop(t)
	backend.listen(t)
	start(t, c)
	got := backend.next(t)
	for {
		span := collector.Named(t, api.CallbackBlackListDelete)
		if span.Trace != caller[3:35] || span.Parent != request.ID {
			t.Fatalf("an attempt is not of the call's trace: %+v", span)
		}
		if span.Attributes["kith.outcome"] == "delivered" {
			if got.traceparent[:52] != "00-"+span.Trace+"-"+span.ID || span.Attributes["kith.event"] != got.id {
				t.Errorf("delivered with %q: %+v", got.traceparent, span)
			}
			return
		}
	}
}

// Where traces go nowhere, and for a caller who does not want the call followed, the app backend is sent no traceparent.
func TestNoTrace(t *testing.T) {
	collector := startCollector(t)
	for endpoint, traceparent := range map[string]string{"": caller, collector.URL: caller[:53] + "00"} {
		s := start(t, traced(t, endpoint, 1))
		backend := startReceiver(t)
		s.newApp(t, backend.url, "mira", "tom")
		s.block(t, "mira", "tom")
		backend.next(t)
		s.unblockAs(t, traceparent, "mira", "tom")
		if got := backend.next(t).traceparent; got != "" {
			t.Errorf("traces to %q: the app backend was sent %s", endpoint, got)
		}
		s.stop(t)
	}
	for range 3 { // the calls before it, and the attempt of the first, which were followed
		if span := collector.Next(t); span.Name == "black_list_delete" || span.Name == api.CallbackBlackListDelete {
			t.Errorf("followed: %+v", span)
		}
	}
	collector.None(t)
}

// A replay has a trace of its own that leads to the call's.
func TestTraceOfReplay(t *testing.T) {
	collector := startCollector(t)
	s := start(t, traced(t, collector.URL, 0))
	backend := startReceiver(t)
	s.newApp(t, backend.url, "mira", "tom")
	s.block(t, "mira", "tom")
	backend.next(t)
	s.unblockAs(t, caller, "mira", "tom")
	request, _ := collector.pair(t)
	first := backend.next(t)
	s.drained(t)
	replay, err := s.operator.CreateReplay(t.Context(), operator.CreateReplay{SDKAppID: appID, ID: first.id})
	if err != nil {
		t.Fatal(err)
	}
	again, span := backend.next(t), collector.Named(t, api.CallbackBlackListDelete)
	if again.id != first.id || again.traceparent != "00-"+span.Trace+"-"+span.ID+again.traceparent[52:] {
		t.Errorf("replayed %+v", again)
	}
	if span.Trace == request.Trace || span.Parent != "" || len(span.Links) != 1 || span.Links[0] != request.Trace+"-"+request.ID ||
		replay.Replay == nil || span.Attributes["kith.replay"] != replay.Replay.ID {
		t.Errorf("the replay's attempt: %+v, the call %+v", span, request)
	}
}

// Without a collector everything works, and the stop is not held up.
func TestTraceToNobody(t *testing.T) {
	s := start(t, traced(t, "http://127.0.0.1:1", 1))
	backend := startReceiver(t)
	s.newApp(t, backend.url, "mira", "tom")
	s.block(t, "mira", "tom")
	backend.next(t)
	s.drained(t)
	if err := s.Stop(context.Background()); err != nil {
		t.Error(err)
	}
	if !strings.Contains(s.log.String(), "traces cannot be sent") {
		t.Error("the log does not say that traces are lost")
	}
}
