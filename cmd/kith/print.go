package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
)

// timeLayout is how people are shown a time; it is always UTC.
const timeLayout = "2006-01-02 15:04:05 UTC"

// print writes value as JSON with --json, else what human writes, with tabs turned into aligned columns.
func (c *cli) print(value any, human func(w io.Writer)) error {
	if c.json {
		enc := c.encoder()
		enc.SetIndent("", "  ")
		return printed(enc.Encode(value))
	}
	w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	human(w)
	return printed(w.Flush())
}

func printed(err error) error {
	if err != nil {
		return fmt.Errorf("cannot print: %w", err)
	}
	return nil
}

// row writes the cells of one line. What is not visible in them is made so.
func row(w io.Writer, cells ...any) {
	texts := make([]string, len(cells))
	for i, cell := range cells {
		texts[i] = visible(fmt.Sprint(cell))
	}
	_, _ = fmt.Fprintln(w, strings.TrimRight(strings.Join(texts, "\t"), "\t"))
}

// oneLine puts text of several lines, as a web page is, on one.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// exactly shows a time to the millisecond.
func exactly(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05.000 UTC") }

// when shows a time, and a dash for none.
func when(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format(timeLayout)
}

// span shows a duration in at most two units: 3d4h, 29m5s, 12ms.
func span(d time.Duration) string {
	day := 24 * time.Hour
	switch {
	case d < 0:
		return "-" + span(-d)
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < time.Minute:
		return d.Round(100 * time.Millisecond).String()
	case d < time.Hour:
		return d.Round(time.Second).String()
	case d < day:
		return strings.TrimSuffix(d.Round(time.Minute).String(), "0s")
	}
	return fmt.Sprintf("%dd%dh", d/day, d%day/time.Hour)
}

// list joins items, with a dash for none.
func list[T ~string](items []T) string {
	if len(items) == 0 {
		return "-"
	}
	texts := make([]string, len(items))
	for i, item := range items {
		texts[i] = string(item)
	}
	return strings.Join(texts, ", ")
}

// cut shortens a text to a number of characters, the last of which says that there is more.
func cut(text string, most int) string {
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return text
}

// count is a number with its noun.
func count(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
