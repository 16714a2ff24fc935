package dispatch

import (
	"io"
	"os"
	"strings"
	"testing"
)

// TestOperationsPageHasWhatTheCodePrints holds the tables of docs/operations.md. With -update it rewrites them.
func TestOperationsPageHasWhatTheCodePrints(t *testing.T) {
	const file = "../../docs/operations.md"
	page, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	text := string(page)
	for name, write := range map[string]func(io.Writer) error{"schedule": WriteSchedule, "reasons": WriteReasons} {
		begin, end := "<!-- "+name+", printed by internal/dispatch -->\n", "<!-- end of "+name+" -->"
		before, rest, found := strings.Cut(text, begin)
		got, after, ended := strings.Cut(rest, end)
		if !found || !ended {
			t.Fatalf("%s has not the markers of the %s", file, name)
		}
		var want strings.Builder
		if err := write(&want); err != nil {
			t.Fatal(err)
		}
		text = before + begin + want.String() + end + after
		if got != want.String() && !*update {
			t.Errorf("%s of %s:\n%s\nwant\n%s", name, file, got, &want)
		}
	}
	if *update {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
