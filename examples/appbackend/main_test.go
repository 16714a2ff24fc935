package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"flag"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kithchat/kith/api"
	"github.com/kithchat/kith/webhook"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	testSecret = "whsk_VEVTVFNJR05JTkdLRVlET05PVFVTRVRISVNGT1JBTlk="
	testPublic = "whpk_ZlN4eg7dSSqi0moX9hQUk3orrOouK3QVQSlJa248c/g="
)

// environment is what getenv returns.
type environment map[string]string

func (e environment) get(name string) string { return e[name] }

// The whole program over a real socket: it says where it listens, prints a signed change, and stops when asked to.
func TestRun(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	reader, stdout := io.Pipe()
	var stderr bytes.Buffer
	env := environment{"CALLBACK_TOKEN": "wh-token-7", "CALLBACK_SECRET": testPublic}
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, []string{"-listen", "127.0.0.1:0", "-sdkappid", "1600077123"}, env.get, stdout, &stderr)
		stdout.Close()
	}()
	lines := bufio.NewScanner(reader)
	if !lines.Scan() {
		t.Fatalf("nothing printed: %v, %s", <-ended, &stderr)
	}
	address, found := strings.CutPrefix(lines.Text(), "listening  ")
	if !found {
		t.Fatalf("first line %q", lines.Text())
	}
	var sending sync.WaitGroup
	sending.Go(func() { sendUnblock(t, address) })
	if !lines.Scan() || lines.Text() != "unblocked  mira.k -> troll_77   (no change in this copy, event e1, attempt 1, from 127.0.0.1 RESTAPI)" {
		t.Errorf("printed %q", lines.Text())
	}
	sending.Wait()
	stop()
	if err := <-ended; err != nil {
		t.Errorf("run: %v", err)
	}
	if stderr.Len() != 0 {
		t.Errorf("stderr: %s", &stderr)
	}
}

func sendUnblock(t *testing.T, address string) {
	target, err := webhook.NewTarget(webhook.TargetOptions{URL: address, SDKAppID: 1600077123, Token: "wh-token-7"})
	if err != nil {
		t.Error(err)
		return
	}
	signer, err := webhook.NewSigner([]string{testSecret})
	if err != nil {
		t.Error(err)
		return
	}
	now := time.Now()
	url := target.URL(webhook.Call{
		Command: api.CallbackBlackListDelete, ClientIP: "127.0.0.1", OptPlatform: api.PlatformREST,
		RequestTime: now.Unix(),
	})
	body := webhook.EncodeBlackList(api.CallbackBlackListDelete, []api.Pair{{FromAccount: "mira.k", ToAccount: "troll_77"}})
	r, err := http.NewRequest(http.MethodPost, url.String(), bytes.NewReader(body))
	if err != nil {
		t.Error(err)
		return
	}
	r.Header.Set(api.HeaderWebhookID, "e1")
	r.Header.Set(api.HeaderAttempt, "1")
	r.Header.Set(api.HeaderWebhookTimestamp, strconv.FormatInt(now.Unix(), 10))
	r.Header.Set(api.HeaderWebhookSignature, signer.Sign("e1", now, body))
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(r)
	if err != nil {
		t.Error(err)
		return
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Error(err)
	}
	if answer, err := webhook.ParseAnswer(text); err != nil || answer.ErrorCode != 0 {
		t.Errorf("%d %s, %v", response.StatusCode, text, err)
	}
}

// A request in flight is answered before the program ends.
func TestServeStopsGracefully(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		stop() // asked to stop while this request runs
		_, _ = io.WriteString(w, "answered")
	})
	ended := make(chan error, 1)
	go func() { ended <- serve(ctx, listener, handler) }()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Get("http://" + listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if text, err := io.ReadAll(response.Body); string(text) != "answered" {
		t.Errorf("answer %q, %v", text, err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestRunReportsTakenAddress(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	err = run(t.Context(), []string{"-listen", listener.Addr().String()}, environment{}.get, io.Discard, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "choose another -listen") {
		t.Errorf("%v", err)
	}
}

// What cannot be a secret ends the program, without a word of it on the screen.
func TestRunRefusesAnUnusableSecret(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	stop() // so that it ends at once if the secret is taken
	var stderr bytes.Buffer
	err := run(ctx, []string{"-listen", "127.0.0.1:0", "-secret", testSecret}, environment{}.get, io.Discard, &stderr)
	if err == nil || !strings.Contains(err.Error(), "give the receiver its public key") || strings.Contains(err.Error()+stderr.String(), testSecret[5:]) {
		t.Errorf("%v, printed %q", err, &stderr)
	}
}

// With -load the program answers with the lists of an export from the start, and says what to replay.
func TestRunLoadsAnExport(t *testing.T) {
	file := filepath.Join(t.TempDir(), "lists.jsonl")
	export := `{"kith_export":"blocklists","sdkappid":1600077123,"position":"e4","taken":"2026-01-01T00:00:00Z"}
{"From_Account":"mira.k","Sequence":9,"BlackList":[{"To_Account":"spam"},{"To_Account":"ad"}]}
{"end":true,"lists":1,"entries":2}
`
	if err := os.WriteFile(file, []byte(export), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	reader, stdout := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, []string{"-listen", "127.0.0.1:0", "-sdkappid", "1600077123", "-load", file}, environment{}.get, stdout, io.Discard)
		stdout.Close()
	}()
	lines := bufio.NewScanner(reader)
	if !lines.Scan() || lines.Text() != "loaded     up to e4; now replay what came after it" {
		t.Fatalf("first line %q", lines.Text())
	}
	lines.Scan()
	address, _ := strings.CutPrefix(lines.Text(), "listening  ")
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Get(strings.TrimSuffix(address, "/callback") + "/blocklist?user=mira.k")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if text, err := io.ReadAll(response.Body); err != nil || !strings.Contains(string(text), `["ad","spam"]`) {
		t.Errorf("the list is %s, err %v", text, err)
	}
	stop()
	if err := <-ended; err != nil {
		t.Errorf("run: %v", err)
	}
}

// What cannot be loaded ends the program before it listens, so that it does not begin with a wrong copy.
func TestRunRefusesWhatIsNoExport(t *testing.T) {
	dir := t.TempDir()
	cut := filepath.Join(dir, "cut.jsonl")
	if err := os.WriteFile(cut, []byte(`{"kith_export":"blocklists","sdkappid":1600077123,"position":"e4"}`+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		cut: "the export was cut off", filepath.Join(dir, "none"): "no such file", os.DevNull: "no export of blocklists",
	} {
		var stdout bytes.Buffer
		err := run(t.Context(), []string{"-listen", "127.0.0.1:0", "-load", path}, environment{}.get, &stdout, io.Discard)
		if err == nil || !strings.Contains(err.Error(), want) || stdout.Len() > 0 {
			t.Errorf("%s: %v, printed %q", path, err, &stdout)
		}
	}
}

func TestParse(t *testing.T) {
	both := environment{"CALLBACK_TOKEN": "env", "CALLBACK_SECRET": testPublic}
	for _, row := range []struct {
		name    string
		args    []string
		env     environment
		listen  string
		app     uint32
		tokens  []string
		secrets []string
		err     error
	}{
		{"nothing", nil, nil, "127.0.0.1:9000", 0, nil, nil, nil},
		{"from the environment", nil, both, "127.0.0.1:9000", 0, []string{"env"}, []string{testPublic}, nil},
		{
			"flags come first",
			[]string{"-listen", ":1", "-sdkappid", "7", "-token", "a", "-token", "b", "-secret", "c", "-secret", "d"},
			both,
			":1", 7,
			[]string{"a", "b"},
			[]string{"c", "d"},
			nil,
		},
		{"help", []string{"-h"}, nil, "", 0, nil, nil, flag.ErrHelp},
		{"empty token", []string{"-token", ""}, nil, "", 0, nil, nil, errUsage},
		{"empty secret", []string{"-secret", ""}, nil, "", 0, nil, nil, errUsage},
		{"unknown flag", []string{"-x"}, nil, "", 0, nil, nil, errUsage},
		{"further argument", []string{"x"}, nil, "", 0, nil, nil, errUsage},
		{"app beyond 32 bits", []string{"-sdkappid", "4294967296"}, nil, "", 0, nil, nil, errUsage},
	} {
		var stderr bytes.Buffer
		got, err := parse(row.args, row.env.get, &stderr)
		if !errors.Is(err, row.err) || got.listen != row.listen || got.options.SDKAppID != row.app ||
			!reflect.DeepEqual(got.options.Tokens, row.tokens) || !reflect.DeepEqual(got.options.Secrets, row.secrets) {
			t.Errorf("%s: %+v, %v", row.name, got, err)
		}
		if (row.err != nil) != (stderr.Len() > 0) {
			t.Errorf("%s: printed %q", row.name, &stderr)
		}
	}
}
