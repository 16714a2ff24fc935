package tracing_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/kithchat/kith/api"
	"github.com/kithchat/kith/internal/tracing"
)

// BenchmarkCall measures a call with an attempt: followed by nobody, and followed. Spans that find no room are lost, as they are
// under such a load in life.
func BenchmarkCall(b *testing.B) {
	for _, c := range []struct {
		name   string
		sample float64
	}{{"none", 0}, {"all", 1}} {
		b.Run(c.name, func(b *testing.B) {
			taker := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
			b.Cleanup(taker.Close)
			tracer, e := start(b, tracing.Options{Endpoint: taker.URL, Sample: c.sample}), event("")
			b.ReportAllocs()
			for b.Loop() {
				own, end := tracer.StartRequest("black_list_delete", "")
				e.Origin.Trace = own
				if _, ended := tracer.StartAttempt(e, ""); ended != nil {
					ended("delivered", 200)
				}
				if end != nil {
					end(appID, api.OK, 1)
				}
			}
		})
	}
}
