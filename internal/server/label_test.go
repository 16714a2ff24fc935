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
		"sdkappid": oneOf(fmt.Sprint(appID), fmt.Sprint(deadAppID), fmt.Sprint(certAppID)),
		"command":  oneOf(words...),
		"method":   oneOf(methods...),
		"code":     number,
		"refusal":  number,
		"outcome":  oneOf(append(dispatch.Reasons(), "delivered")...),
		"reason":   oneOf(dispatch.Reasons()...),
		"state": oneOf(relation.EndpointOff, relation.EndpointHealthy, relation.EndpointFailing, relation.EndpointRecovering,
			relation.EndpointPaused, relation.EndpointState(relation.ReplayRunning)),
		"result":    oneOf("ok", "failed", "sent", "lost", "delivered", "left"),
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
	for _, app := range []uint32{appID, deadAppID, certAppID} {
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
