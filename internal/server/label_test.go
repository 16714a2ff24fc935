package server_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/kithchat/kith/api"
	"github.com/kithchat/kith/internal/dispatch"
	"github.com/kithchat/kith/internal/operator"
	"github.com/kithchat/kith/internal/relation"
)

// deadAppID is an app whose endpoint is not there.
const deadAppID = appID + 1

// busy is a server on which everything happened that makes figures: calls and frames that succeed and that fail, callbacks that
// arrive, are retried, are given up.
func busy(t *testing.T) *running {
	t.Helper()
	backend, nobody := startReceiver(t), startReceiver(t)
	nobody.leave()
	c := settings(t)
	c.TraceEndpoint, c.TraceSample = "http://127.0.0.1:1", 1
	s := start(t, c)
	s.newApp(t, backend.url, "mira", "tom")
	s.block(t, "mira", "tom")
	s.unblock(t, "mira", "tom")
	d := connect(t, s.http, s.info.HTTP, nil)
	d.login("mira", api.PlatformWeb)
	s.block(t, "mira", "tom")
	d.unblocks("tom")
	var pong struct{}
	d.call(api.MethodPing, struct{}{}, &pong)
	s.get(t, s.info.HTTP+"/v4/sns/nonsense")
	s.get(t, s.info.HTTP+"/v4/sns/black_list_add?sdkappid=x")
	if _, err := s.operator.CreateApp(t.Context(), operator.CreateApp{SDKAppID: deadAppID, Key: key, Admins: []string{admin}}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.operator.SetCallback(t.Context(), deadAppID, operator.SetCallback{URL: &nobody.url}); err != nil {
		t.Fatal(err)
	}
	s.callAs(t, deadAppID, "im_open_login_svc/multiaccount_import", api.MultiAccountImportRequest{Accounts: []string{"ann", "bob"}})
	s.callAs(t, deadAppID, "sns/black_list_add", api.BlockRequest{FromAccount: "ann", ToAccount: []string{"bob"}})
	retried := fmt.Sprintf(`kith_callback_retries_total{command="Sns.CallbackBlackListAdd",sdkappid="%d"}`, deadAppID)
	s.until(t, func(f map[string]float64) bool { return f[retried] > 0 })
	never := relation.RetryOff
	if _, err := s.operator.SetCallback(t.Context(), deadAppID, operator.SetCallback{Retry: &never}); err != nil {
		t.Fatal(err)
	}
	dead := fmt.Sprintf(`kith_outbox_dead_events{sdkappid="%d"}`, deadAppID)
	s.until(t, func(f map[string]float64) bool { return f[dead] > 0 && f["kith_callback_settle_seconds_count"] > 1 })
	for range 4 {
		backend.next(t)
	}
	return s
}

// until reads /metrics until the figures are as wished.
func (r *running) until(t *testing.T, wished func(map[string]float64) bool) {
	t.Helper()
	deadline := patient()
	for figures := r.figures(t); !wished(figures); figures = r.figures(t) {
		if deadline() {
			t.Fatalf("the figures stay\n%v", figures)
		}
	}
}

// families reads /metrics as Prometheus does.
func (r *running) families(t *testing.T) map[string]*dto.MetricFamily {
	t.Helper()
	_, text := r.get(t, r.info.Operator+"/metrics")
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return families
}

// number reports whether a text is a whole number.
func number(text string) bool {
	_, err := strconv.Atoi(text)
	return err == nil
}

// oneOf reports whether a text is one of a closed list.
func oneOf[T ~string](all ...T) func(string) bool {
	return func(text string) bool { return slices.Contains(all, T(text)) }
}

// allowed says which values each label may have: each from a closed list, or an app that exists.
func allowed() map[string]func(string) bool {
	words := []string{
		"unknown", "account_import", "multiaccount_import", "account_check", "account_delete", "kick",
		"black_list_add", "black_list_delete", "black_list_get", "black_list_check", "query_online_status",
	}
	for _, kind := range relation.EventKinds() {
		words = append(words, string(kind))
	}
	methods := []string{
		"unknown", api.MethodLogin, api.MethodLogout, api.MethodPing, api.MethodSessionGet, api.MethodSessionRenew,
		api.MethodBlocklistAdd, api.MethodBlocklistRemove, api.MethodBlocklistGet, api.MethodBlocklistCheck,
	}
	return map[string]func(string) bool{
		"sdkappid": oneOf(fmt.Sprint(appID), fmt.Sprint(deadAppID)),
		"command":  oneOf(words...),
		"method":   oneOf(methods...),
		"code":     number,
		"refusal":  number,
		"outcome":  oneOf(append(dispatch.Reasons(), "delivered")...),
		"reason":   oneOf(dispatch.Reasons()...),
		"state": oneOf(relation.EndpointOff, relation.EndpointHealthy, relation.EndpointFailing, relation.EndpointRecovering,
			relation.EndpointPaused),
		"result":    oneOf("ok", "failed", "sent", "lost"),
		"cause":     oneOf("age", "size"),
		"version":   oneOf("v1"),
		"goversion": func(text string) bool { return strings.HasPrefix(text, "go1.") },
	}
}

// No label has a value that somebody outside can make up, so the number of series is bounded.
func TestLabels(t *testing.T) {
	s := busy(t)
	for name, family := range s.families(t) {
		if !strings.HasPrefix(name, "kith_") {
			continue // those of the process and of Go
		}
		for _, m := range family.GetMetric() {
			for _, label := range m.GetLabel() {
				if ok, known := allowed()[label.GetName()]; !known || !ok(label.GetValue()) {
					t.Errorf("%s has the label %s=%q", name, label.GetName(), label.GetValue())
				}
			}
		}
	}
}

// A deleted app has no figures, also none of what was under way at its deletion.
func TestLabelsOfDeletedApp(t *testing.T) {
	s := busy(t)
	slow := startReceiver(t)
	slow.hold = make(chan struct{})
	if _, err := s.operator.SetCallback(t.Context(), appID, operator.SetCallback{URL: &slow.url}); err != nil {
		t.Fatal(err)
	}
	s.block(t, "mira", "tom")
	slow.next(t)
	for _, app := range []uint32{appID, deadAppID} {
		if _, err := s.operator.DeleteApp(t.Context(), app); err != nil {
			t.Fatal(err)
		}
	}
	ended := `kith_callback_attempt_seconds_count{command="Sns.CallbackBlackListAdd"}`
	before := s.figures(t)[ended]
	close(slow.hold)
	s.until(t, func(f map[string]float64) bool { return f[ended] > before })
	for name, family := range s.families(t) {
		for _, m := range family.GetMetric() {
			for _, label := range m.GetLabel() {
				if label.GetName() == "sdkappid" {
					t.Errorf("%s still has the app %s", name, label.GetValue())
				}
			}
		}
	}
}

// Names, units and help are as Prometheus wants them.
func TestMetricNames(t *testing.T) {
	s := busy(t)
	_, text := s.get(t, s.info.Operator+"/metrics")
	problems, err := promlint.New(strings.NewReader(text)).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
	for name, family := range s.families(t) {
		if strings.HasPrefix(name, "kith_") && name != "kith_build_info" && !strings.HasSuffix(family.GetHelp(), ".") {
			t.Errorf("the help of %s is no sentence: %s", name, family.GetHelp())
		}
	}
}
