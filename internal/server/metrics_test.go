package server_test

import (
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/kithchat/kith/api"
)

// figures reads /metrics: the value of each series by name and labels.
func (r *running) figures(t *testing.T) map[string]float64 {
	t.Helper()
	_, text := r.get(t, r.info.Operator+"/metrics")
	figures := make(map[string]float64)
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		cut := strings.LastIndexByte(line, ' ')
		if strings.HasPrefix(line, "#") || cut < 0 {
			continue
		}
		value, err := strconv.ParseFloat(line[cut+1:], 64)
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		figures[line[:cut]] = value
	}
	return figures
}

// Where no call is held back, no figure says that none is.
func TestIsolateApps(t *testing.T) {
	for _, isolate := range []bool{true, false} {
		c := settings(t)
		c.IsolateApps = isolate
		s := start(t, c)
		s.newApp(t, startReceiver(t).url, "mira")
		if _, there := s.figures(t)[`kith_held_back_calls{sdkappid="1600077123"}`]; there != isolate {
			t.Errorf("isolate-apps %t: the figure is there: %t", isolate, there)
		}
	}
}

func TestMetrics(t *testing.T) {
	backend := startReceiver(t)
	s := start(t, settings(t))
	s.newApp(t, backend.url, "mira", "tom", "ann")
	s.block(t, "mira", "tom")
	backend.next(t)
	s.unblock(t, "mira", "tom")
	backend.next(t)
	for _, path := range []string{"/v4/sns/nonsense", "/wp-login.php", "/v4/sns/other"} {
		s.get(t, s.info.HTTP+path)
	}
	// A verdict is committed after the callback has arrived, and an attempt is counted before that.
	figures := s.figures(t)
	for deadline := time.Now().Add(time.Minute); figures[`kith_outbox_events{sdkappid="1600077123"}`] != 0; figures = s.figures(t) {
		if time.Now().After(deadline) {
			t.Fatal("an event still waits")
		}
	}
	for series, want := range map[string]float64{
		`kith_rest_requests_total{code="0",command="black_list_add"}`:                                                   1,
		`kith_rest_requests_total{code="0",command="black_list_delete"}`:                                                1,
		`kith_rest_requests_total{code="60009",command="unknown"}`:                                                      3,
		`kith_rest_request_seconds_count{command="black_list_add"}`:                                                     1,
		`kith_callback_latency_seconds_count{sdkappid="1600077123"}`:                                                    2,
		`kith_callback_attempts_total{command="Sns.CallbackBlackListDelete",outcome="delivered",sdkappid="1600077123"}`: 1,
		`kith_held_back_calls{sdkappid="1600077123"}`:                                                                   0,
		`kith_apps`:        1,
		`kith_store_ready`: 1,
	} {
		if got, ok := figures[series]; !ok || got != want {
			t.Errorf("%s is %v (%t), want %v", series, got, ok, want)
		}
	}
	for _, series := range []string{"kith_store_size_bytes", `kith_store_commits_total{result="ok"}`, "kith_store_commit_calls_count", "go_goroutines", "process_open_fds"} {
		if figures[series] <= 0 {
			t.Errorf("%s is %v", series, figures[series])
		}
	}
	if build := regexp.MustCompile(`^kith_build_info\{goversion="go[^"]+",version="v1"\}$`); !anyMatch(figures, build) {
		t.Error("there is no kith_build_info")
	}
}

func anyMatch(figures map[string]float64, series *regexp.Regexp) bool {
	for name := range figures {
		if series.MatchString(name) {
			return true
		}
	}
	return false
}

// While events wait, the outbox has a depth and an age; an app that is deleted takes its series along.
func TestOutboxMetrics(t *testing.T) {
	backend := startReceiver(t)
	backend.leave()
	s := start(t, settings(t))
	s.newApp(t, backend.url, "mira", "tom")
	s.block(t, "mira", "tom")
	failed := `kith_callback_attempts_total{command="` + api.CallbackBlackListAdd + `",outcome="connect",sdkappid="1600077123"}`
	figures := s.figures(t)
	for figures[failed] == 0 {
		figures = s.figures(t)
	}
	if figures[`kith_outbox_events{sdkappid="1600077123"}`] != 1 {
		t.Errorf("depth: %v", figures)
	}
	if _, ok := figures[`kith_outbox_oldest_seconds{sdkappid="1600077123"}`]; !ok {
		t.Error("there is no age of the oldest event")
	}
	if _, err := s.operator.DeleteApp(t.Context(), appID); err != nil {
		t.Fatal(err)
	}
	for figures[failed] != 0 || figures["kith_apps"] != 0 {
		figures = s.figures(t)
	}
}
