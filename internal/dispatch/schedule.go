package dispatch

import (
	"fmt"
	"io"
	"math"
	"strings"
	"time"
)

// WriteSchedule prints the retry schedule as a table in Markdown, computed by Backoff.
func WriteSchedule(w io.Writer) error {
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
			_, err := io.WriteString(w, b.String())
			return err
		}
	}
}

// WriteReasons prints the reasons of failed attempts as a table in Markdown.
func WriteReasons(w io.Writer) error {
	var b strings.Builder
	b.WriteString("| reason | means |\n| --- | --- |\n")
	for _, r := range reasons {
		fmt.Fprintf(&b, "| `%s` | %s |\n", r.reason, r.explain)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// inWords writes a time in seconds with at most two decimals.
func inWords(d time.Duration) string {
	text := strings.TrimRight(fmt.Sprintf("%.2f", d.Seconds()), "0")
	return strings.TrimSuffix(text, ".") + " s"
}
