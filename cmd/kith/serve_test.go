package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/kithchat/kith/internal/server"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// golden compares text with a file of testdata.
func golden(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if text != string(want) {
		t.Errorf("%s differs; run make golden and review. Got:\n%s", path, text)
	}
}

func TestGoldenWelcome(t *testing.T) {
	info := server.Info{
		Version: "v1.0.0", HTTP: "http://127.0.0.1:8080", HTTPS: "https://127.0.0.1:8443", Operator: "http://127.0.0.1:8081", Gateway: "ws://127.0.0.1:8080/v4/ws",
		SelfSigned: "/srv/kith/tls/cert.pem", Data: "/srv/kith", Engine: "sqlite", Apps: 1,
		FirstApp: &server.FirstApp{SDKAppID: 1600077123, Key: "SECRET-KEY", Admin: "administrator", UserSig: "USER*SIG_", Expires: testTime},
	}
	httpsOnly := info
	httpsOnly.HTTP = ""
	second := info
	second.FirstApp, second.Apps = nil, 3
	for name, w := range map[string]welcome{
		"welcome-first.txt":      {info, "bin/kith", "data"},
		"welcome-https-only.txt": {httpsOnly, "kith", "/srv/my kith"},
		"welcome-second.txt":     {second, "kith", "/srv/kith"},
	} {
		var out bytes.Buffer
		c := &cli{out: &out}
		if err := c.print(w.Info, w.write); err != nil {
			t.Fatal(err)
		}
		golden(t, name, out.String())
	}
}

// serving is a serve command that runs.
type serving struct {
	status chan int
	out    *io.PipeReader
	cancel context.CancelFunc
	errs   *lockedBuffer
}

func serveCommand(t *testing.T, args ...string) *serving {
	ctx, cancel := context.WithCancel(t.Context())
	reader, writer := io.Pipe()
	s := &serving{status: make(chan int, 1), out: reader, cancel: cancel, errs: &lockedBuffer{}}
	c := &cli{program: "kith", in: strings.NewReader(""), out: writer, err: s.errs, env: func(string) (string, bool) { return "", false }}
	args = append([]string{"serve", "--listen", "127.0.0.1:0", "--listen-http", "127.0.0.1:0", "--operator-listen", "127.0.0.1:0"}, args...)
	go func() {
		s.status <- c.run(ctx, args)
		_ = writer.Close()
	}()
	t.Cleanup(cancel)
	return s
}

func (s *serving) stop(t *testing.T) {
	t.Helper()
	go func() { _, _ = io.Copy(io.Discard, s.out) }() // or the command would wait for a reader
	s.cancel()
	select {
	case status := <-s.status:
		if status != exitDone {
			t.Errorf("status %d\n%s", status, s.errs)
		}
	case <-time.After(processStop):
		t.Fatalf("the server does not stop\n%s", s.errs)
	}
}

func TestServePrintsTheFirstAppOnce(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	s := serveCommand(t, "--data", data, "--json", "--log-format", "json")
	var info server.Info
	if err := json.NewDecoder(s.out).Decode(&info); err != nil {
		t.Fatalf("%v\n%s", err, s.errs)
	}
	app := info.FirstApp
	if app == nil || app.Key == "" || info.Data != data || info.HTTPS == "" {
		t.Fatalf("first start: %+v", info)
	}
	shell{t, data}.run("usersig", "check", fmt.Sprint(app.SDKAppID), app.Admin, app.UserSig)
	s.stop(t)
	if strings.Contains(s.errs.String(), app.Key) || strings.Contains(s.errs.String(), app.UserSig) {
		t.Errorf("the log tells a secret:\n%s", s.errs)
	}

	s = serveCommand(t, "--data", data)
	text := make([]byte, 4096)
	var printed string
	for !strings.Contains(printed, "apps: ") {
		n, err := s.out.Read(text)
		if err != nil {
			t.Fatalf("%v after %q\n%s", err, printed, s.errs)
		}
		printed += string(text[:n])
	}
	if !regexp.MustCompile(`(?m)^  apps: 1$`).MatchString(printed) || strings.Contains(printed, "secret key") {
		t.Errorf("second start printed\n%s", printed)
	}
	s.stop(t)
}

func TestServeFailsWithASentence(t *testing.T) {
	data, info := startServer(t)
	r := execute(t, nil, "serve", "--data", data, "--listen", "", "--listen-http", "127.0.0.1:0", "--operator-listen", "127.0.0.1:0")
	checkFailure(t, r, exitFailed, "another kith uses the data directory", []string{"serve"})
	address := strings.TrimPrefix(info.HTTP, "http://")
	r = execute(t, nil, "serve", "--data", filepath.Join(t.TempDir(), "d"), "--listen", "", "--listen-http", address, "--operator-listen", "127.0.0.1:0")
	checkFailure(t, r, exitFailed, "cannot listen on "+address, []string{"serve"})
}
