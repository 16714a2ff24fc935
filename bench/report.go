package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"
)

// report is one run.
type report struct {
	Date     time.Time     `json:"date"`
	Short    bool          `json:"short"`
	Took     time.Duration `json:"took_ns"`
	Machine  machine       `json:"machine"`
	Sections []section     `json:"sections"`
}

type section struct {
	Name    string   `json:"name"`
	Title   string   `json:"title"`
	Results []result `json:"results"`
}

// result is one line: a figure of Kith and, where there is one, what the same machine did without Kith's work.
type result struct {
	Engine string  `json:"engine"`
	Case   string  `json:"case"`
	Unit   string  `json:"unit"`
	Kith   float64 `json:"kith"`
	Beside string  `json:"beside,omitempty"` // what Peer is; empty: there is none
	Peer   float64 `json:"peer,omitempty"`
	// Ratio is Kith to Peer: the median of the rounds, with the lowest and the highest.
	Ratio   float64  `json:"ratio,omitempty"`
	Low     float64  `json:"ratio_low,omitempty"`
	High    float64  `json:"ratio_high,omitempty"`
	Budgets []budget `json:"budgets,omitempty"`
	Note    string   `json:"note,omitempty"`
}

// budget is a limit of design, on the ratio or on Kith's own figure.
type budget struct {
	OnRatio bool    `json:"on_ratio"`
	AtLeast bool    `json:"at_least"` // else: at most
	Limit   float64 `json:"limit"`
	Kept    bool    `json:"kept"`
}

func ratioAtLeast(limit float64) budget { return budget{OnRatio: true, AtLeast: true, Limit: limit} }
func ratioAtMost(limit float64) budget  { return budget{OnRatio: true, Limit: limit} }
func atMost(limit float64) budget       { return budget{Limit: limit} }

// add puts a line into the report and judges its budgets.
func (r *rig) add(engine string, res result) {
	res.Engine = engine
	if res.Peer > 0 && res.Ratio == 0 {
		res.Ratio = res.Kith / res.Peer
	}
	for i := range res.Budgets {
		b := &res.Budgets[i]
		value := res.Kith
		if b.OnRatio {
			value = res.Ratio
		}
		b.Kept = value <= b.Limit
		if b.AtLeast {
			b.Kept = value >= b.Limit
		}
	}
	r.results = append(r.results, res)
	r.say("  %s: %s, %s %s %s", res.Case, quantity(res.Kith, res.Unit), besideOf(res), ratioOf(res), verdictOf(res))
}

func besideOf(res result) string {
	if res.Beside == "" {
		return "-"
	}
	return res.Beside + " " + quantity(res.Peer, res.Unit)
}

func ratioOf(res result) string {
	switch {
	case res.Ratio == 0:
		return "-"
	case res.High > 0:
		return fmt.Sprintf("%.2f (%.2f–%.2f)", res.Ratio, res.Low, res.High)
	}
	return fmt.Sprintf("%.2f", res.Ratio)
}

func verdictOf(res result) string {
	if len(res.Budgets) == 0 {
		return "-"
	}
	var parts []string
	for _, b := range res.Budgets {
		sign, limit, word := "≤", quantity(b.Limit, res.Unit), "missed"
		if b.AtLeast {
			sign = "≥"
		}
		if b.OnRatio {
			limit = fmt.Sprintf("%.2gx", b.Limit)
		}
		if b.Kept {
			word = "kept"
		}
		parts = append(parts, fmt.Sprintf("%s %s %s", sign, limit, word))
	}
	return strings.Join(parts, ", ")
}

// Units of figures.
const (
	perSecond = "/s"
	millis    = "ms"
	micros    = "µs"
	seconds   = "s"
	mebibytes = "MiB"
	bytesEach = "bytes"
)

// quantity prints a figure with its unit.
func quantity(v float64, unit string) string {
	switch unit {
	case perSecond:
		return thousands(int64(v+0.5)) + unit
	case millis:
		return strconv.FormatFloat(v, 'f', 2, 64) + " " + unit
	}
	return strconv.FormatFloat(v, 'f', 1, 64) + " " + unit
}

// thousands prints 1234567 as 1,234,567.
func thousands(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// writeMarkdown prints the report as it stands in README.md.
func writeMarkdown(w io.Writer, rep report) error {
	var b bytes.Buffer
	m := rep.Machine
	fmt.Fprintf(&b, "%s, commit %s, %s. %d cores (%s), %.1f GiB, %s. A synced write of 4 KiB takes %.2f ms (p99 %.2f ms).\n",
		rep.Date.Format("2006-01-02 15:04 UTC"), m.Commit, m.Go, m.Cores, m.Processor, float64(m.Memory)/(1<<30), m.Kernel,
		ms(m.SyncP50), ms(m.SyncP99))
	fmt.Fprintf(&b, "The run took %s; the load average before it was %.2f.\n", rep.Took, m.Load)
	if rep.Short {
		b.WriteString("\n**Made with -short: too little and too brief to be a result.**\n")
	}
	for _, s := range rep.Sections {
		fmt.Fprintf(&b, "\n### %s\n\n", s.Title)
		b.WriteString("| engine | case | Kith | beside it | ratio | budget | notes |\n| --- | --- | ---: | --- | --- | --- | --- |\n")
		for _, res := range s.Results {
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s | %s |\n",
				res.Engine, res.Case, quantity(res.Kith, res.Unit), besideOf(res), ratioOf(res), verdictOf(res), res.Note)
		}
	}
	_, err := w.Write(b.Bytes())
	return err
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// Markers around the part of README.md that a run replaces.
const (
	resultsBegin = "<!-- results: written by `go run ./bench -write`, do not edit -->\n"
	resultsEnd   = "<!-- end of results -->\n"
)

// writeResults replaces the results in a document.
func writeResults(path string, rep report) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	head, rest, ok := bytes.Cut(text, []byte(resultsBegin))
	_, tail, ended := bytes.Cut(rest, []byte(resultsEnd))
	if !ok || !ended {
		return errors.New(path + " has no markers around its results; restore them")
	}
	var b bytes.Buffer
	b.Write(head)
	b.WriteString(resultsBegin + "\n")
	if err := writeMarkdown(&b, rep); err != nil {
		return err
	}
	b.WriteString("\n" + resultsEnd)
	b.Write(tail)
	return os.WriteFile(path, b.Bytes(), 0o644)
}
