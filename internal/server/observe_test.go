package server_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// docs is where the dashboard and the alert rules are.
const docs = "../../docs/"

// panel is a panel of a Grafana dashboard.
type panel struct {
	ID          int    `json:"id"`
	Type        string `json:"type"`
	Title       string `json:"title"`
	Description string `json:"description"`
	Datasource  source `json:"datasource"`
	Grid        struct {
		H, W, X, Y int
	} `json:"gridPos"`
	Targets []struct {
		Expr       string `json:"expr"`
		Datasource source `json:"datasource"`
	} `json:"targets"`
	FieldConfig struct {
		Defaults struct {
			Unit string `json:"unit"`
		} `json:"defaults"`
	} `json:"fieldConfig"`
}

type source struct{ Type, UID string }

// dashboard returns the panels of the dashboard and the names of its variables.
func dashboard(t *testing.T) (panels []panel, variables []string) {
	t.Helper()
	var d struct {
		Title      string  `json:"title"`
		UID        string  `json:"uid"`
		Panels     []panel `json:"panels"`
		Templating struct {
			List []struct {
				Name, Type string
			} `json:"list"`
		} `json:"templating"`
	}
	if err := json.Unmarshal(read(t, "grafana-dashboard.json"), &d); err != nil {
		t.Fatal(err)
	}
	if d.Title != "Kith" || d.UID != "kith" || len(d.Panels) == 0 {
		t.Errorf("dashboard %q (%s) with %d panels", d.Title, d.UID, len(d.Panels))
	}
	for _, v := range d.Templating.List {
		variables = append(variables, v.Name+" "+v.Type)
	}
	return d.Panels, variables
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(docs + name)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// rule is an alert.
type rule struct {
	Alert       string            `yaml:"alert"`
	Expr        string            `yaml:"expr"`
	For         string            `yaml:"for,omitempty"`
	Labels      map[string]string `yaml:"labels,omitempty"`
	Annotations map[string]string `yaml:"annotations,omitempty"`
}

// rules is a file of rules.
type rules struct {
	Groups []group `yaml:"groups"`
}

type group struct {
	Name  string `yaml:"name"`
	Rules []rule `yaml:"rules"`
}

// alerts returns the rules of docs/alerts.yml.
func alerts(t *testing.T) []rule {
	t.Helper()
	var file rules
	if err := yaml.Unmarshal(read(t, "alerts.yml"), &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Groups) != 1 || len(file.Groups[0].Rules) == 0 {
		t.Fatalf("%d groups of rules", len(file.Groups))
	}
	return file.Groups[0].Rules
}

// promtool runs Prometheus's checks.
func promtool(t *testing.T, args ...string) {
	t.Helper()
	program, err := exec.LookPath("promtool")
	if err != nil {
		t.Fatal("promtool is missing; install Debian's package prometheus, as scripts/test-deps.sh does")
	}
	if out, err := exec.Command(program, args...).CombinedOutput(); err != nil {
		t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// Every rule is valid, fires when it should and is quiet when it should, and says what to do.
func TestAlerts(t *testing.T) {
	promtool(t, "check", "rules", docs+"alerts.yml")
	promtool(t, "test", "rules", docs+"alerts_test.yml")
	headings := headings(t)
	tests := string(read(t, "alerts_test.yml"))
	for _, r := range alerts(t) {
		for _, kind := range []string{" fires\n", " is quiet\n"} {
			if !strings.Contains(tests, "name: "+r.Alert+kind) {
				t.Errorf("%s has no test that it%s", r.Alert, kind)
			}
		}
		if !slices.Contains([]string{"critical", "warning", "info"}, r.Labels["severity"]) {
			t.Errorf("%s has severity %q", r.Alert, r.Labels["severity"])
		}
		page, anchor, _ := strings.Cut(r.Annotations["runbook_url"], "#")
		if !strings.HasSuffix(page, "/docs/operations.md") || !slices.Contains(headings, anchor) {
			t.Errorf("%s leads to %s, which is no place in docs/operations.md", r.Alert, r.Annotations["runbook_url"])
		}
		if r.Annotations["summary"] == "" || r.Annotations["description"] == "" {
			t.Errorf("%s does not say what it means: %v", r.Alert, r.Annotations)
		}
	}
}

// headings returns the anchors of docs/operations.md.
func headings(t *testing.T) (anchors []string) {
	t.Helper()
	for _, m := range regexp.MustCompile(`(?m)^#+ (.+)$`).FindAllStringSubmatch(string(read(t, "operations.md")), -1) {
		anchors = append(anchors, strings.ReplaceAll(strings.ToLower(m[1]), " ", "-"))
	}
	return anchors
}

// twice matches sums of what each node reads from the store.
var twice = regexp.MustCompile(`sum (by \([a-z, ]+\) )?\(kith_(outbox|record_(events|bytes))|sum\(kith_(outbox|record_(events|bytes))`)

// Every panel has what a reader needs, and its queries are valid.
func TestDashboard(t *testing.T) {
	panels, variables := dashboard(t)
	if want := []string{"datasource datasource", "instance query", "app query"}; !slices.Equal(variables, want) {
		t.Errorf("variables %q", variables)
	}
	var file rules
	seen, cells := make(map[int]bool), make(map[[2]int]string)
	for _, p := range panels {
		if seen[p.ID] {
			t.Errorf("two panels have the id %d", p.ID)
		}
		seen[p.ID] = true
		for x := p.Grid.X; x < p.Grid.X+p.Grid.W; x++ {
			for y := p.Grid.Y; y < p.Grid.Y+p.Grid.H; y++ {
				if other := cells[[2]int{x, y}]; other != "" || x >= 24 {
					t.Fatalf("%s lies on %q, or beside the page", p.Title, other)
				}
				cells[[2]int{x, y}] = p.Title
			}
		}
		if p.Title == "" || p.Type != "row" && (p.Description == "" || p.FieldConfig.Defaults.Unit == "" || len(p.Targets) == 0) {
			t.Errorf("panel %d %q lacks title, description, unit or query", p.ID, p.Title)
		}
		for _, q := range p.Targets {
			if p.Datasource.UID != "${datasource}" || q.Datasource.UID != "${datasource}" {
				t.Errorf("%s does not use the variable of the data source", p.Title)
			}
			if twice.MatchString(q.Expr) {
				t.Errorf("%s counts what is in the store once for each node: %s", p.Title, q.Expr)
			}
			if strings.Contains(q.Expr, "increase(kith_callback_dead_total") && !strings.Contains(q.Expr, " unless ") {
				t.Errorf("%s does not show the first event that is given up, since increase sees nothing of a new counter: %s", p.Title, q.Expr)
			}
			expr := strings.ReplaceAll(q.Expr, "$__rate_interval", "5m")
			file.Groups = append(file.Groups, group{fmt.Sprint(len(file.Groups)), []rule{{Alert: "Valid", Expr: expr}}})
		}
	}
	text, err := yaml.Marshal(file)
	if err != nil {
		t.Fatal(err)
	}
	queries := filepath.Join(t.TempDir(), "queries.yml")
	if err := os.WriteFile(queries, text, 0o600); err != nil {
		t.Fatal(err)
	}
	promtool(t, "check", "rules", queries)
}

// metricName is a name of a metric in an expression, without what a histogram adds.
var metricName = regexp.MustCompile(`\b(?:kith|promhttp|process)_[a-z_]+`)

// named returns the metrics in an expression.
func named(expr string) (names []string) {
	for _, name := range metricName.FindAllString(expr, -1) {
		for _, part := range []string{"_bucket", "_sum", "_count"} {
			name = strings.TrimSuffix(name, part)
		}
		names = append(names, name)
	}
	return names
}

// What the dashboard, the alerts and the operator's page name is what a server that was busy shows, and it shows no more.
func TestMetricsThatDocumentsName(t *testing.T) {
	families := busy(t).families(t)
	check := func(where, expr string) {
		for _, name := range named(expr) {
			if families[name] == nil {
				t.Errorf("%s names %s, which /metrics does not have", where, name)
			}
		}
	}
	panels, _ := dashboard(t)
	shown := ""
	for _, p := range panels {
		for _, q := range p.Targets {
			check("panel "+p.Title, q.Expr)
			shown += q.Expr
		}
	}
	for _, r := range alerts(t) {
		check("alert "+r.Alert, r.Expr)
	}
	page := string(read(t, "operations.md"))
	check("docs/operations.md", strings.ReplaceAll(page, `json:"kith_export"`, "")) // the mark of an export is none
	for name := range families {
		if !strings.HasPrefix(name, "kith_") {
			continue
		}
		if !strings.Contains(page, "`"+strings.TrimPrefix(name, "kith_")+"`") {
			t.Errorf("docs/operations.md does not say what %s means", name)
		}
		if !slices.Contains(named(shown), name) && name != "kith_apps" {
			t.Errorf("no panel shows %s", name)
		}
	}
}
