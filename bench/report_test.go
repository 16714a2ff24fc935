package main

import (
	"bufio"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
)

func TestMessage(t *testing.T) {
	const id = "0197b9c0-0000-7000-8000-000000000000"
	wire := "POST /a?b=c HTTP/1.1\r\nHost: x\r\ncontent-length: 3\r\nWebhook-Id: " + id + "\r\n\r\nabc" +
		"HTTP/1.1 200 OK\nContent-Length: 0\nConnection: close\n\n"
	r := bufio.NewReader(strings.NewReader(wire))
	var m message
	if err := m.read(r); err != nil || string(m.body) != "abc" || string(m.webhookID) != id || m.close {
		t.Fatalf("%+v, %v", m, err)
	}
	if err := m.read(r); err != nil || len(m.body) != 0 || len(m.webhookID) != 0 || !m.close {
		t.Fatalf("%+v, %v", m, err)
	}
	if err := m.read(r); !errors.Is(err, io.EOF) {
		t.Errorf("after the last message: %v", err)
	}
	for _, bad := range []string{
		"HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
		"HTTP/1.1 200 OK\r\nno header\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc", "HTTP/1.1",
	} {
		if err := m.read(bufio.NewReader(strings.NewReader(bad))); err == nil || errors.Is(err, io.EOF) && err == io.EOF {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestMadeAt(t *testing.T) {
	before := time.Now().UnixNano()
	id, err := uuid.NewV7()
	if err != nil {
		t.Fatal(err)
	}
	// The id keeps time in steps of 256 ns.
	if made := madeAt(id); made < before-256 || made > time.Now().UnixNano() {
		t.Errorf("made %d ns after the clock was read", made-before)
	}
	if made := madeAt(uuid.New()); made != 0 {
		t.Errorf("a random id was made at %d", made)
	}
}

func TestQuantiles(t *testing.T) {
	values := make([]int64, 100)
	for i := range values {
		values[i] = int64(100 - i)
	}
	if got := quantiles(values, 0, 0.5, 0.99, 1); !slices.Equal(got, []int64{1, 50, 99, 100}) {
		t.Error(got)
	}
	if got := quantiles(nil, 0.5); got[0] != 0 {
		t.Error(got)
	}
	if a, b, c := median(nil), median([]float64{3, 1, 2}), median([]float64{4, 1, 2, 3}); a != 0 || b != 2 || c != 2.5 {
		t.Error(a, b, c)
	}
}

func TestHistogram(t *testing.T) {
	const text = `# TYPE x_seconds histogram
x_seconds_bucket{command="a",le="0.001"} 10
x_seconds_bucket{command="a",le="0.005"} 30
x_seconds_bucket{command="a",le="+Inf"} 40
x_seconds_bucket{command="b",le="0.001"} 10
x_seconds_bucket{command="b",le="0.005"} 10
x_seconds_bucket{command="b",le="+Inf"} 10
x_seconds_sum{command="a"} 1
`
	h, err := parseHistogram(text, "x_seconds")
	if err != nil {
		t.Fatal(err)
	}
	for q, want := range map[float64]float64{0.2: 0.0005, 0.4: 0.001, 0.6: 0.003, 0.8: 0.005, 0.99: 0.005} {
		if got := h.quantile(q); math.Abs(got-want) > 1e-9 {
			t.Errorf("at %v: %v, want %v", q, got, want)
		}
	}
	if got := h.since(h).quantile(0.5); got != 0 {
		t.Errorf("nothing since, but %v", got)
	}
}

func TestJourney(t *testing.T) {
	calls := []callTimes{{Key: 1, Sent: 100, Answered: 300}, {Key: 2, Sent: 200, Answered: 250}}
	var j journey
	if err := j.join(calls, []arrival{{Key: 2, At: 240, Made: 220}, {Key: 1, At: 900, Made: 150}, {Key: 1, At: 400, Made: 150}}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name      string
		got, want []int64
	}{
		{"called", j.called, []int64{200, 50}},
		{"notified", j.notified, []int64{300, 40}},
		{"committed", j.committed, []int64{250, 20}},
		{"overtaken", j.overtaken, []int64{100, -10}},
	} {
		if !slices.Equal(c.got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, c.got, c.want)
		}
	}
	if err := j.join(calls, []arrival{{Key: 1, At: 400}}); err == nil {
		t.Error("a callback that did not come was not noticed")
	}
}

func TestBudgets(t *testing.T) {
	r := &rig{options: options{log: io.Discard}}
	for _, c := range []struct {
		kith, peer float64
		budget     budget
		kept       bool
	}{
		{60, 100, ratioAtLeast(0.6), true},
		{59, 100, ratioAtLeast(0.6), false},
		{2, 1, ratioAtMost(2), true},
		{3, 1, ratioAtMost(2), false},
		{5, 1, atMost(5), true},
		{6, 1, atMost(5), false},
	} {
		r.add(engineSQLite, result{Kith: c.kith, Peer: c.peer, Budgets: []budget{c.budget}})
		if got := r.results[len(r.results)-1].Budgets[0].Kept; got != c.kept {
			t.Errorf("%v beside %v, %+v: kept is %v", c.kith, c.peer, c.budget, got)
		}
	}
}

func TestWriteResults(t *testing.T) {
	path := filepath.Join(t.TempDir(), "README.md")
	document := "before\n" + resultsBegin + "old\n" + resultsEnd + "after\n"
	if err := os.WriteFile(path, []byte(document), 0o600); err != nil {
		t.Fatal(err)
	}
	rep := report{Sections: []section{{Title: "Things", Results: []result{{Engine: "sqlite", Case: "one", Unit: perSecond, Kith: 1234567}}}}}
	for range 2 { // twice: the markers must survive
		if err := writeResults(path, rep); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text := string(got)
	if !strings.HasPrefix(text, "before\n"+resultsBegin) || !strings.HasSuffix(text, resultsEnd+"after\n") || strings.Contains(text, "old") {
		t.Errorf("%s", text)
	}
	if strings.Count(text, "| sqlite | one | 1,234,567/s |") != 1 {
		t.Errorf("the result is not there once:\n%s", text)
	}
	if err := os.WriteFile(path, []byte("no markers"), 0o600); err != nil {
		t.Fatal(err)
	}
	if writeResults(path, rep) == nil {
		t.Error("a document without markers was not refused")
	}
}
