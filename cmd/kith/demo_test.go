package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/kithchat/kith/cmd/kith/internal/demo"
)

func TestDemoJSON(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	r := execute(t, nil, "demo", "--json")
	if r.status != exitDone || r.err != "" {
		t.Fatalf("%+v", r)
	}
	var report demo.Report
	decode(t, r.out, &report)
	if !report.OK || len(report.Calls) != 4 || len(report.Callbacks) != 2 || len(report.Problems) != 0 || report.TookMS > 30_000 {
		t.Errorf("%+v", report)
	}
	if left, err := filepath.Glob(filepath.Join(temp, "*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

// What a person sees, with everything replaced that differs from run to run.
func TestGoldenDemo(t *testing.T) {
	r := execute(t, nil, "demo")
	if r.status != exitDone || r.err != "" {
		t.Fatalf("%+v", r)
	}
	text := r.out
	for _, mask := range []struct{ pattern, with string }{
		{`^Kith [^:]+:`, "Kith VERSION:"},
		{`127\.0\.0\.1:\d+`, "127.0.0.1:PORT"},
		{`[\d.]+ ms`, "N ms"},
		{`SdkAppid=\d+`, "SdkAppid=N"},
		{`Sign=[0-9a-f]+…`, "Sign=HEX…"},
		{`RequestTime=\d+`, "RequestTime=N"},
		{`[0-9a-f]{8}-[0-9a-f-]{27}`, "UUID"},
	} {
		text = regexp.MustCompile(mask.pattern).ReplaceAllString(text, mask.with)
	}
	golden(t, "demo.txt", text)
	if strings.Contains(r.out, "\x1b") {
		t.Error("there are colours without a terminal")
	}
}

func TestWebDemoServesThePageUntilItIsInterrupted(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	reader, writer := io.Pipe()
	errs := &lockedBuffer{}
	c := &cli{program: "kith", in: strings.NewReader(""), out: writer, err: errs, env: func(string) (string, bool) { return "", false }}
	status := make(chan int, 1)
	go func() {
		status <- c.run(ctx, []string{"demo", "--web", "--json"})
		_ = writer.Close()
	}()
	var info demo.WebInfo
	if err := json.NewDecoder(reader).Decode(&info); err != nil {
		t.Fatalf("%v\n%s", err, errs)
	}
	go func() { _, _ = io.Copy(io.Discard, reader) }()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Get(info.Page)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusOK || response.Header.Get("Content-Security-Policy") == "" {
		t.Errorf("the page: %d %v", response.StatusCode, response.Header)
	}
	interrupt()
	if got := <-status; got != exitDone || errs.String() != "" {
		t.Errorf("status %d, %s", got, errs)
	}
	if left, err := filepath.Glob(filepath.Join(temp, "*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

func TestWebDemoIsMisused(t *testing.T) {
	for want, args := range map[string][]string{
		"--web-listen goes with --web": {"demo", "--web-listen", "127.0.0.1:0"},
		"loopback":                     {"demo", "--web", "--web-listen", "0.0.0.0:0"},
	} {
		if r := execute(t, nil, args...); r.status == exitDone || !strings.Contains(r.err, want) {
			t.Errorf("%v: %+v", args, r)
		}
	}
}

func TestIsTerminal(t *testing.T) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	if isTerminal(null) || isTerminal(strings.NewReader("")) {
		t.Error("something that is no terminal is taken for one")
	}
}
