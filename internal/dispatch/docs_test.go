package dispatch

import (
	"fmt"
	"math"
	"os"
	"strings"
	"testing"
	"time"
)

// TestGoldenTablesOfTheOperationsPage holds the tables of docs/operations.md. With -update it rewrites them.
func TestGoldenTablesOfTheOperationsPage(t *testing.T) {
	const file = "../../docs/operations.md"
	page, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	text := string(page)
	for name, want := range map[string]string{"schedule": scheduleTable(), "reasons": reasonTable()} {
		begin, end := "<!-- "+name+", printed by internal/dispatch -->\n", "<!-- end of "+name+" -->"
		before, rest, found := strings.Cut(text, begin)
		got, after, ended := strings.Cut(rest, end)
		if !found || !ended {
			t.Fatalf("%s has not the markers of the %s", file, name)
		}
		text = before + begin + want + end + after
		if got != want && !*update {
			t.Errorf("%s of %s:\n%s\nwant\n%s", name, file, got, want)
		}
	}
	if *update {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// scheduleTable returns the retry schedule as a table in Markdown, computed by Backoff.
func scheduleTable() string {
	var b strings.Builder
	b.WriteString("| failed attempts | next attempt after | since the first, about |\n| --- | --- | --- |\n")
	since := time.Duration(0)
	for n := 1; ; n++ {
		low, high := Backoff(n, 0), Backoff(n, math.Nextafter(1, 0))
		since += Backoff(n, 0.5)
		last := Backoff(n+1, 0) == low
		number, total := fmt.Sprint(n), inWords(since)
		if last {
			number, total = fmt.Sprint(n, " and more"), "and so on"
		}
		fmt.Fprintf(&b, "| %s | %s – %s | %s |\n", number, inWords(low), inWords(high), total)
		if last {
			return b.String()
		}
	}
}

// reasonTable returns the reasons of failed attempts as a table in Markdown.
func reasonTable() string {
	var b strings.Builder
	b.WriteString("| reason | means |\n| --- | --- |\n")
	for _, r := range reasons {
		fmt.Fprintf(&b, "| `%s` | %s |\n", r.reason, r.means)
	}
	return b.String()
}

// inWords writes a time in seconds with at most two decimals.
func inWords(d time.Duration) string {
	text := strings.TrimRight(fmt.Sprintf("%.2f", d.Seconds()), "0")
	return strings.TrimSuffix(text, ".") + " s"
}
