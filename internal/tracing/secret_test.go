package tracing_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/kithchat/kith/api"
	"github.com/kithchat/kith/internal/leaktest"
	"github.com/kithchat/kith/internal/tracing"
)

// A collector that repeats what it was sent, as some do when they refuse it, does not bring the token for it into the log.
func TestEchoOfACollectorTellsNoToken(t *testing.T) {
	t.Setenv("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20otlp-token-11,x-key=otlp-key,x-long=otlp-key-and-more")
	collector := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = fmt.Fprintf(w, "bad %q, %s, %s, %s", r.Header, r.Header.Get("X-Key"), strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "),
			strings.Repeat(r.Header.Get("X-Long"), 100))
	}))
	defer collector.Close()
	log := logged{leaktest.NewWatch(t)}
	tracer := start(t, tracing.Options{Endpoint: collector.URL, Sample: 1, Log: slog.New(slog.NewTextHandler(log, nil)), Linger: time.Hour})
	_, end := tracer.StartRequest("kick", "")
	end(0, api.OK, 0)
	tracer.Stop(t.Context())
	if log.count("the collector answered 400") != 1 || log.count("[secret]") == 0 {
		t.Errorf("the log does not tell: %s", log.Text())
	}
	for _, secret := range []string{"otlp-token", "otlp-key", "and-more"} {
		if log.count(secret) != 0 {
			t.Errorf("the log tells %s: %s", secret, log.Text())
		}
	}
}
