package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/kithchat/kith/internal/operator"
	"github.com/kithchat/kith/internal/relation"
)

const (
	engineSQLite   = "sqlite"
	enginePostgres = "postgres"

	benchApp   = 1400000001
	crowdApp   = 1400000002 // beside it
	benchAdmin = "administrator"

	readyTime = time.Minute
	readyPoll = 5 * time.Millisecond
)

// buildKith builds the program as `make build` does, but for the paths in it.
func buildKith(ctx context.Context, dir string) (string, error) {
	program := filepath.Join(dir, "kith")
	cmd := exec.CommandContext(ctx, "go", "build", "-o", program, "github.com/kithchat/kith/cmd/kith")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build kith: %w; run this from the repository, or name a program with -kith\n%s", err, out)
	}
	return program, nil
}

// kith is a running server with one app.
type kith struct {
	program string
	dir     string // data directory
	store   string // URL of PostgreSQL; empty: SQLite
	cmd     *exec.Cmd
	client  *operator.Client
	address string // of the REST API over plain HTTP
	ticket  string
	key     string        // of the app
	extra   []string      // further arguments of serve
	token   string        // of the operator API
	startup time.Duration // from the start of the process to readiness
}

// start starts the server on its data directory and returns once it is ready.
func (k *kith) start(ctx context.Context) error {
	ready := filepath.Join(k.dir, "ready.json")
	args := []string{
		"serve", "--data", k.dir, "--first-app=false", "--log-level", "warn", "--ready-file", ready,
		"--listen", "", "--listen-http", "127.0.0.1:0", "--operator-listen", "127.0.0.1:0",
		"--call-timeout", "1m", // a call that takes long is a figure, and no failure of the measurement
	}
	if k.store != "" {
		args = append(args, "--store", k.store)
	}
	args = append(args, k.extra...)
	if err := os.MkdirAll(k.dir, 0o700); err != nil {
		return err
	}
	log, err := os.OpenFile(k.logFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	began := time.Now()
	k.cmd = exec.CommandContext(ctx, k.program, args...)
	k.cmd.Cancel = func() error { return k.cmd.Process.Signal(syscall.SIGTERM) }
	k.cmd.WaitDelay = 20 * time.Second
	k.cmd.Stdout, k.cmd.Stderr = log, log
	if k.token == "" {
		k.token = rand.Text()
	}
	k.cmd.Env = append(os.Environ(), "KITH_OPERATOR_TOKEN="+k.token)
	if err := k.cmd.Start(); err != nil {
		return fmt.Errorf("start kith: %w", err)
	}
	if k.address, err = awaitReady(ctx, ready); err != nil {
		return errors.Join(err, k.stop(), k.logTail())
	}
	k.startup = time.Since(began)
	k.client, err = operator.FromDataDir(k.dir, "")
	return err
}

func (k *kith) logFile() string { return filepath.Join(k.dir, "kith.log") }

// logTail returns the end of the server's log as an error.
func (k *kith) logTail() error {
	text, _ := os.ReadFile(k.logFile())
	return fmt.Errorf("kith's log ends with:\n%s", bytes.TrimSpace(text[max(0, len(text)-2000):]))
}

// awaitReady polls for the ready file and returns the REST API's host and port.
func awaitReady(ctx context.Context, path string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, readyTime)
	defer cancel()
	tick := time.NewTicker(readyPoll)
	defer tick.Stop()
	for {
		var ready struct{ HTTP string }
		if text, err := os.ReadFile(path); err == nil && json.Unmarshal(text, &ready) == nil {
			if u, err := url.Parse(ready.HTTP); err == nil && u.Host != "" {
				return u.Host, nil
			}
			return ready.HTTP, nil
		}
		select {
		case <-ctx.Done():
			return "", fmt.Errorf("kith was not ready within %s", readyTime)
		case <-tick.C:
		}
	}
}

// createApp makes the app that is measured and an admin's ticket.
func (k *kith) createApp(ctx context.Context) error {
	app, err := k.client.CreateApp(ctx, operator.CreateApp{SDKAppID: benchApp, Name: "bench", Admins: []string{benchAdmin}})
	if err != nil {
		return err
	}
	k.key = app.Key
	return k.makeTicket(ctx)
}

func (k *kith) makeTicket(ctx context.Context) error {
	sig, err := k.client.MakeUserSig(ctx, benchApp, operator.MakeUserSig{UserID: benchAdmin})
	k.ticket = sig.UserSig
	return err
}

// setCallback sends events of removals to url; an empty one switches events off.
func (k *kith) setCallback(ctx context.Context, url string) error {
	return k.sendRemovals(ctx, benchApp, url)
}

func (k *kith) sendRemovals(ctx context.Context, app uint32, url string) error {
	_, err := k.client.SetCallback(ctx, app, operator.SetCallback{
		URL: &url, Enable: []relation.EventKind{relation.EventBlockDelete}, Disable: []relation.EventKind{relation.EventBlockAdd},
	})
	return err
}

// path returns the target of a REST command, as in sns/black_list_delete.
func (k *kith) path(command string) string { return pathOf(benchApp, k.ticket, command) }

func pathOf(app uint32, ticket, command string) string {
	q := url.Values{
		"sdkappid": {strconv.FormatUint(uint64(app), 10)}, "identifier": {benchAdmin}, "usersig": {ticket},
		"random": {"99999999"}, "contenttype": {"json"},
	}
	return "/v4/" + command + "?" + q.Encode()
}

func (k *kith) pid() int { return k.cmd.Process.Pid }

// stop ends the server in order.
func (k *kith) stop() error {
	if k.cmd == nil {
		return nil
	}
	cmd := k.cmd
	k.cmd = nil
	if k.client != nil {
		k.client.Close()
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("kith: %w", errors.Join(err, k.logTail()))
	}
	return nil
}

// metrics returns the text of the server's /metrics.
func (k *kith) metrics(ctx context.Context) (string, error) {
	text, err := k.get(ctx, "/metrics")
	return string(text), err
}

// profile writes a CPU profile of the server to a file while do runs.
func (k *kith) profile(ctx context.Context, path string, d time.Duration, do func() error) error {
	var text []byte
	var group errgroup.Group
	group.Go(func() (err error) {
		text, err = k.get(ctx, fmt.Sprintf("/debug/pprof/profile?seconds=%d", int(d.Seconds())))
		return err
	})
	if err := errors.Join(do(), group.Wait()); err != nil {
		return err
	}
	return os.WriteFile(path, text, 0o600)
}

// get fetches a page of the operator listener.
func (k *kith) get(ctx context.Context, path string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, k.client.URL()+path, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+k.token)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s answered %s", path, response.Status)
	}
	return text, err
}
