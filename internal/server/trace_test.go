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

// caller is the traceparent of somebody who follows the call.
const caller = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

// A call is told to the collector, with what an operator may see and nothing else. The caller's traceparent counts.
func TestTraceOfCall(t *testing.T) {
	collector := tracetest.Start(t)
	s := start(t, traced(t, collector.URL, 0))
	backend := startReceiver(t)
	s.newApp(t, backend.url, "mira", "tom")
	s.block(t, "mira", "tom") // not followed
	s.unblockAs(t, caller, "mira", "tom")
	span := collector.Named(t, "black_list_delete")
	if span.Trace != caller[3:35] || span.Parent != caller[36:52] || span.Attributes["kith.sdkappid"] != "1600077123" ||
		span.Resource["service.version"] != "v1" || span.Resource["service.instance.id"] != "n1" {
		t.Errorf("%+v", span)
	}
	for name, value := range span.Attributes {
		if strings.Contains(value, "mira") || strings.Contains(value, key) || strings.Contains(value, admin) {
			t.Errorf("the span tells %s %s", name, value)
		}
	}
	backend.next(t)
	backend.next(t)
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
