// Package tracetest is a collector of traces for tests: it takes OTLP over HTTP as a real one does, and hands out the spans.
package tracetest

import (
	"compress/gzip"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	otlp "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// patience bounds every wait.
const patience = time.Minute

// Span is a span as it arrived. Ids are in hexadecimal, numbers of attributes in decimal.
type Span struct {
	Trace, ID, Parent string
	Name, Kind        string
	Attributes        map[string]string
	Resource          map[string]string
	Links             []string // trace id, a hyphen, span id
	Status            string   // the message of a span that failed, or "error" when it has none; empty: it did not fail
	Took              time.Duration
}

// Collector takes traces at URL. It is safe for concurrent use.
type Collector struct {
	URL     string
	server  *httptest.Server
	arrived chan Span

	mu     sync.Mutex
	status int
	asked  chan struct{} // closed by the next request
	seen   http.Header
}

// Start returns a Collector that runs until the test ends.
func Start(t testing.TB) *Collector {
	c := &Collector{arrived: make(chan Span, 10_000), status: http.StatusOK}
	c.server = httptest.NewServer(c)
	t.Cleanup(c.server.Close)
	c.URL = c.server.URL
	return c
}

// Answer makes the collector answer with a status from now on; spans that are not answered 200 are forgotten. The channel is
// closed when the first request is answered so.
func (c *Collector) Answer(status int) <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.status, c.asked = status, make(chan struct{})
	return c.asked
}

// Header returns the headers of the last request.
func (c *Collector) Header() http.Header {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.seen
}

// Next returns the next span that arrives.
func (c *Collector) Next(t testing.TB) Span {
	t.Helper()
	select {
	case s := <-c.arrived:
		return s
	case <-time.After(patience):
		t.Fatal("no span arrived")
		return Span{}
	}
}

// Named returns the next span with this name, and forgets those before it.
func (c *Collector) Named(t testing.TB, name string) Span {
	t.Helper()
	for {
		if s := c.Next(t); s.Name == name {
			return s
		}
	}
}

// None fails the test if a span has arrived.
func (c *Collector) None(t testing.TB) {
	t.Helper()
	select {
	case s := <-c.arrived:
		t.Errorf("a span arrived: %+v", s)
	default:
	}
}

// ServeHTTP implements http.Handler: POST /v1/traces, protobuf, gzip or not.
func (c *Collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	status := c.status
	c.seen = r.Header.Clone()
	if c.asked != nil {
		close(c.asked)
		c.asked = nil
	}
	c.mu.Unlock()
	request, err := read(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.WriteHeader(status)
	if status != http.StatusOK {
		return
	}
	for _, from := range request.GetResourceSpans() {
		for _, scope := range from.GetScopeSpans() {
			for _, s := range scope.GetSpans() {
				c.arrived <- spanOf(s, from.GetResource().GetAttributes())
			}
		}
	}
}

func read(r *http.Request) (*collector.ExportTraceServiceRequest, error) {
	if r.Method != http.MethodPost || r.URL.Path != "/v1/traces" || r.Header.Get("Content-Type") != "application/x-protobuf" {
		return nil, fmt.Errorf("%s %s with %q is no OTLP", r.Method, r.URL.Path, r.Header.Get("Content-Type"))
	}
	body := io.Reader(r.Body)
	if r.Header.Get("Content-Encoding") == "gzip" {
		unzipped, err := gzip.NewReader(body)
		if err != nil {
			return nil, err
		}
		body = unzipped
	}
	text, err := io.ReadAll(body)
	if err != nil {
		return nil, err
	}
	request := new(collector.ExportTraceServiceRequest)
	return request, proto.Unmarshal(text, request)
}

func spanOf(s *otlp.Span, resource []*common.KeyValue) Span {
	span := Span{
		Trace: hex.EncodeToString(s.GetTraceId()), ID: hex.EncodeToString(s.GetSpanId()),
		Parent: hex.EncodeToString(s.GetParentSpanId()), Name: s.GetName(), Kind: s.GetKind().String(),
		Attributes: attributes(s.GetAttributes()), Resource: attributes(resource),
		Took: time.Duration(s.GetEndTimeUnixNano() - s.GetStartTimeUnixNano()),
	}
	for _, l := range s.GetLinks() {
		span.Links = append(span.Links, hex.EncodeToString(l.GetTraceId())+"-"+hex.EncodeToString(l.GetSpanId()))
	}
	if status := s.GetStatus(); status.GetCode() == otlp.Status_STATUS_CODE_ERROR {
		if span.Status = status.GetMessage(); span.Status == "" {
			span.Status = "error"
		}
	}
	return span
}

func attributes(pairs []*common.KeyValue) map[string]string {
	m := make(map[string]string, len(pairs))
	for _, p := range pairs {
		switch v := p.GetValue().GetValue().(type) {
		case *common.AnyValue_IntValue:
			m[p.GetKey()] = fmt.Sprint(v.IntValue)
		case *common.AnyValue_BoolValue:
			m[p.GetKey()] = fmt.Sprint(v.BoolValue)
		default:
			m[p.GetKey()] = p.GetValue().GetStringValue()
		}
	}
	return m
}
