package server

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/kithchat/kith/internal/relation"
)

// shop and gone are apps of which the first exists.
const shop, gone = 1600077123, 1600077124

// told is what parts tell at a scrape.
type told struct {
	endpoints []relation.EndpointStatus
	records   []relation.RecordStats
	replays   []relation.Replay
	apps      []*relation.App
	err       error
}

func (o told) Endpoints() []relation.EndpointStatus { return o.endpoints }

func (o told) Watchers() (now int, lost int64) { return 2, 7 }

func (o told) RecordStats(context.Context) ([]relation.RecordStats, error) { return o.records, o.err }

func (o told) Replays(_ context.Context, sdkAppID uint32) ([]relation.Replay, error) {
	if sdkAppID != 0 {
		return nil, errors.New("of all apps")
	}
	return o.replays, o.err
}

func (o told) All() []*relation.App { return o.apps }

// collecting returns metrics with one app.
func collecting() *metrics {
	m := newMetrics("v1")
	m.apps.set([]*relation.App{{SDKAppID: shop}})
	return m
}

// compare reads /metrics and compares the series of some names.
func compare(t *testing.T, m *metrics, want string, names ...string) {
	t.Helper()
	if err := testutil.GatherAndCompare(m.registry, strings.NewReader(want), names...); err != nil {
		t.Error(err)
	}
	if problems, err := testutil.GatherAndLint(m.registry, names...); err != nil || len(problems) > 0 {
		t.Errorf("%v %v", problems, err)
	}
}

func TestEndpointFigures(t *testing.T) {
	m := collecting()
	m.watchDispatcher(told{endpoints: []relation.EndpointStatus{
		{SDKAppID: shop, State: relation.EndpointFailing, Since: time.Unix(1700000000, 0), Limit: 1, InFlight: 1, Listeners: 3},
		{SDKAppID: gone, State: relation.EndpointHealthy},
	}})
	compare(t, m, `
# HELP kith_endpoint_in_flight Attempts under way at an app's callback endpoint.
# TYPE kith_endpoint_in_flight gauge
kith_endpoint_in_flight{sdkappid="1600077123"} 1
# HELP kith_endpoint_limit Attempts that may be under way at an app's callback endpoint now, by its health.
# TYPE kith_endpoint_limit gauge
kith_endpoint_limit{sdkappid="1600077123"} 1
# HELP kith_endpoint_listeners Listeners that receive an app's callbacks through the operator API.
# TYPE kith_endpoint_listeners gauge
kith_endpoint_listeners{sdkappid="1600077123"} 3
# HELP kith_endpoint_state 1 for the state that an app's callback endpoint is in, 0 for the others.
# TYPE kith_endpoint_state gauge
kith_endpoint_state{sdkappid="1600077123",state="failing"} 1
kith_endpoint_state{sdkappid="1600077123",state="healthy"} 0
kith_endpoint_state{sdkappid="1600077123",state="off"} 0
kith_endpoint_state{sdkappid="1600077123",state="paused"} 0
kith_endpoint_state{sdkappid="1600077123",state="recovering"} 0
# HELP kith_endpoint_state_since_timestamp_seconds When an app's callback endpoint came into its state, in Unix seconds; the start of the process if it has always been in it.
# TYPE kith_endpoint_state_since_timestamp_seconds gauge
kith_endpoint_state_since_timestamp_seconds{sdkappid="1600077123"} 1.7e+09
# HELP kith_watch_lost_total Attempts that were not told to a watcher because it fell behind.
# TYPE kith_watch_lost_total counter
kith_watch_lost_total 7
# HELP kith_watchers Operators who watch attempts.
# TYPE kith_watchers gauge
kith_watchers 2
`, "kith_endpoint_in_flight", "kith_endpoint_limit", "kith_endpoint_listeners", "kith_endpoint_state",
		"kith_endpoint_state_since_timestamp_seconds", "kith_watch_lost_total", "kith_watchers")
}

func TestRecordFigures(t *testing.T) {
	m := collecting()
	m.watchRecords(told{records: []relation.RecordStats{{SDKAppID: shop, Events: 5, Bytes: 2000}, {SDKAppID: gone, Events: 1}}}, 1<<20)
	m.forgotten(3, false)
	m.forgotten(2, true)
	compare(t, m, `
# HELP kith_record_bytes Size of the delivered events that are kept, about.
# TYPE kith_record_bytes gauge
kith_record_bytes{sdkappid="1600077123"} 2000
# HELP kith_record_events Delivered events that are kept.
# TYPE kith_record_events gauge
kith_record_events{sdkappid="1600077123"} 5
# HELP kith_record_forgotten_total Delivered events removed from the record, by cause: age (record-retention) or size (record-size).
# TYPE kith_record_forgotten_total counter
kith_record_forgotten_total{cause="age"} 3
kith_record_forgotten_total{cause="size"} 2
# HELP kith_record_limit_bytes Most that the record of delivered events may take (record-size).
# TYPE kith_record_limit_bytes gauge
kith_record_limit_bytes 1.048576e+06
`, "kith_record_bytes", "kith_record_events", "kith_record_limit_bytes", "kith_record_forgotten_total")
}

func TestReplayFigures(t *testing.T) {
	m := collecting()
	m.watchReplays(told{replays: []relation.Replay{
		{SDKAppID: shop, State: relation.ReplayRunning, Total: 100, Delivered: 60, Failed: 5},
		{SDKAppID: shop, State: relation.ReplayRunning, Total: 10, Delivered: 11}, // repeated after a restart
		{SDKAppID: shop, State: relation.ReplayPaused, Total: 7},
		{SDKAppID: shop, State: relation.ReplayDone, Total: 1000, Delivered: 1000},
		{SDKAppID: gone, State: relation.ReplayRunning, Total: 9},
	}})
	compare(t, m, `
# HELP kith_replay_events Events of replays that have not ended: delivered, failed, or left to do.
# TYPE kith_replay_events gauge
kith_replay_events{result="delivered",sdkappid="1600077123"} 71
kith_replay_events{result="failed",sdkappid="1600077123"} 5
kith_replay_events{result="left",sdkappid="1600077123"} 42
# HELP kith_replays Replays that have not ended.
# TYPE kith_replays gauge
kith_replays{sdkappid="1600077123",state="paused"} 1
kith_replays{sdkappid="1600077123",state="running"} 2
`, "kith_replays", "kith_replay_events")
}

func TestCertificateFigures(t *testing.T) {
	m := collecting()
	shown := &relation.ClientCertificate{NotAfter: time.Unix(1800000000, 0)}
	m.watchCertificates(told{apps: []*relation.App{
		{SDKAppID: shop, Callback: relation.Callback{MutualTLS: true, ClientCert: shown}},
		{SDKAppID: gone, Callback: relation.Callback{ClientCert: shown}}, // not shown any more
	}}, nil)
	compare(t, m, `
# HELP kith_callback_client_certificate_expiry_timestamp_seconds When the client certificate that an app's callback endpoint is shown expires, in Unix seconds.
# TYPE kith_callback_client_certificate_expiry_timestamp_seconds gauge
kith_callback_client_certificate_expiry_timestamp_seconds{sdkappid="1600077123"} 1.8e+09
`, "kith_callback_client_certificate_expiry_timestamp_seconds")
}

// Figures that cannot be read are missing, and counted; the others are there.
func TestFiguresOfBrokenStore(t *testing.T) {
	broken := told{err: errors.New("the disk is gone")}
	m := collecting()
	m.watchRecords(broken, 1)
	m.watchReplays(broken)
	answer := httptest.NewRecorder()
	for range 2 { // the second tells of the first
		answer = httptest.NewRecorder()
		m.handler().ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	}
	for _, series := range []string{"kith_build_info{", "kith_record_limit_bytes 1\n", `promhttp_metric_handler_errors_total{cause="gathering"} 1`} {
		if text := answer.Body.String(); answer.Code != http.StatusOK || !strings.Contains(text, series) || strings.Contains(text, "kith_replays") {
			t.Errorf("status %d, or no %s in\n%s", answer.Code, series, text)
		}
	}
}

// An app that is deleted takes its series along, and gets none afterwards.
func TestSeriesOfApps(t *testing.T) {
	m := collecting()
	m.Attempt(shop, relation.EventBlockAdd, "delivered", time.Second, true)
	m.Retried(shop, relation.EventBlockAdd)
	m.Dead(shop, relation.EventBlockAdd, "timeout")
	m.Dead(gone, relation.EventBlockAdd, "timeout")
	m.FirstByte(shop, time.Second)
	m.FirstByte(gone, time.Second)
	for name, counter := range map[string]prometheus.Collector{"attempts": m.attempts, "reused": m.reused, "retries": m.retries, "deaths": m.deaths, "first bytes": m.firstByte} {
		if n := testutil.CollectAndCount(counter); n != 1 {
			t.Errorf("%s: %d series", name, n)
		}
	}
	m.apps.set(nil)
	m.Attempt(shop, relation.EventBlockAdd, "delivered", time.Second, true)
	for _, counter := range m.apps.of {
		if n := testutil.CollectAndCount(counter); n != 0 {
			t.Errorf("%d series of a deleted app", n)
		}
	}
}
