package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/kithchat/kith/api"
	"github.com/kithchat/kith/examples/appbackend/app"
	"github.com/kithchat/kith/internal/config"
	"github.com/kithchat/kith/internal/operator"
	"github.com/kithchat/kith/internal/server"
)

const (
	callbackToken = "demo-callback-token"
	// stopTime bounds the end of the demo.
	stopTime = 2 * time.Second
	// outboxPoll is how often the outbox is looked at while it empties.
	outboxPoll = 5 * time.Millisecond
)

// stage is a server and an app backend, connected.
type stage struct {
	dir      string
	server   *server.Server
	info     server.Info
	operator *operator.Client
	app      operator.AppSecret
	query    string // of each REST call
	client   *http.Client

	backend     *app.Backend
	backendHTTP *http.Server
	callbackURL string
	arrivals    chan arrival
}

func newStage() *stage {
	return &stage{client: &http.Client{Transport: &http.Transport{}}, arrivals: make(chan arrival, 100)}
}

// open starts everything, or nothing.
func open(ctx context.Context, version string) (_ *stage, err error) {
	s := newStage()
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	for _, start := range []func() error{
		func() error { return s.startServer(ctx, version) },
		func() error { return s.createApp(ctx, operator.CreateApp{Name: "demo"}) },
		func() error { return s.startBackend(ctx, http.HandlerFunc(s.receive)) },
		func() error { return s.connect(ctx) },
	} {
		if err := start(); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// startServer starts Kith on the demo's directory, the first time or again; then at the address that it had.
func (s *stage) startServer(ctx context.Context, version string) (err error) {
	c := config.Default()
	c.Listen, c.ListenHTTP, c.OperatorListen = "", "127.0.0.1:0", "127.0.0.1:0"
	if s.dir == "" {
		if s.dir, err = os.MkdirTemp("", "kith-demo-*"); err != nil {
			return err
		}
	} else {
		c.ListenHTTP = strings.TrimPrefix(s.info.HTTP, "http://")
	}
	c.Data, c.FirstApp = filepath.Join(s.dir, "data"), false
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	if s.server, err = server.New(ctx, server.Options{Config: c, Log: log, Version: version}); err != nil {
		return err
	}
	if err := s.server.Start(ctx); err != nil {
		return err
	}
	s.info = s.server.Info()
	s.operator, err = operator.FromDataDir(c.Data, "")
	return err
}

func (s *stage) createApp(ctx context.Context, app operator.CreateApp) (err error) {
	if s.app, err = s.operator.CreateApp(ctx, app); err != nil {
		return err
	}
	admin := s.app.Admins[0]
	sig, err := s.operator.MakeUserSig(ctx, s.app.SDKAppID, operator.MakeUserSig{UserID: admin, ExpireSeconds: 60})
	if err != nil {
		return err
	}
	s.query = url.Values{
		"sdkappid": {strconv.FormatUint(uint64(s.app.SDKAppID), 10)}, "identifier": {admin},
		"usersig": {sig.UserSig}, "random": {"1"}, "contenttype": {"json"},
	}.Encode()
	return nil
}

// startBackend starts the app backend. Its requests come to handler, which lets it answer.
func (s *stage) startBackend(ctx context.Context, handler http.Handler) (err error) {
	s.backend, err = app.New(app.Options{SDKAppID: s.app.SDKAppID, Tokens: []string{callbackToken}})
	if err != nil {
		return err
	}
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("the app backend cannot listen: %w", err)
	}
	s.callbackURL = "http://" + listener.Addr().String() + app.CallbackPath
	s.backendHTTP = &http.Server{Handler: handler, ReadHeaderTimeout: limit}
	go func() { _ = s.backendHTTP.Serve(listener) }() // ends when close closes it
	return nil
}

// connect tells the server where callbacks go, as `kith app callback set` does.
func (s *stage) connect(ctx context.Context) error {
	url, token := s.callbackURL, callbackToken
	timeout := limit.Milliseconds() // on a busy machine a second attempt would be shown
	_, err := s.operator.SetCallback(ctx, s.app.SDKAppID, operator.SetCallback{URL: &url, Token: &token, TimeoutMS: &timeout})
	return err
}

// close stops what open started and removes the directory.
func (s *stage) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), stopTime)
	defer cancel()
	var errs []error
	s.client.CloseIdleConnections()
	if s.operator != nil {
		s.operator.Close()
	}
	if s.server != nil {
		errs = append(errs, s.server.Stop(ctx))
	}
	if s.backendHTTP != nil {
		errs = append(errs, s.backendHTTP.Close())
	}
	if s.dir != "" {
		errs = append(errs, os.RemoveAll(s.dir))
	}
	return errors.Join(errs...)
}

// call makes a step's REST call.
func (s *stage) call(ctx context.Context, step step) (Call, error) {
	call := Call{Command: step.command}
	var err error
	if call.Body, err = json.Marshal(step.body); err != nil {
		return call, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.info.HTTP+"/v4/"+step.command+"?"+s.query, bytes.NewReader(call.Body))
	if err != nil {
		return call, err
	}
	sent := time.Now()
	response, err := s.client.Do(request)
	if err != nil {
		return call, errors.New("the server did not answer") // the error holds the URL, and so the UserSig
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	call.Answer, call.TookUS = bytes.TrimSpace(text), time.Since(sent).Microseconds()
	return call, err
}

// drained returns when nothing waits in the outbox.
func (s *stage) drained(ctx context.Context) error {
	tick := time.NewTicker(outboxPoll)
	defer tick.Stop()
	for {
		outbox, err := s.operator.Outbox(ctx, 0)
		if err != nil {
			return err
		}
		waiting := outbox.Waiting()
		if waiting == 0 {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("%d callbacks still wait in the outbox: %w", waiting, ctx.Err())
		}
	}
}

// arrival is a request at the app backend.
type arrival struct {
	Callback
	at time.Time
}

func (a arrival) callback(sent time.Time) Callback {
	a.AfterUS = max(0, a.at.Sub(sent).Microseconds())
	return a.Callback
}

// receive lets the app backend answer and notes what came.
func (s *stage) receive(w http.ResponseWriter, r *http.Request) {
	got := arrival{at: time.Now()}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // half a request; it comes again
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	status := &statusWriter{ResponseWriter: w, status: http.StatusOK}
	s.backend.ServeHTTP(status, r)
	got.Callback = Callback{
		Query: r.URL.RawQuery, Body: body, Status: status.status,
		ID: r.Header.Get(api.HeaderWebhookID), Attempt: r.Header.Get(api.HeaderAttempt),
	}
	s.arrivals <- got
}

// statusWriter remembers the status.
type statusWriter struct {
	http.ResponseWriter
	status int
}

// WriteHeader implements http.ResponseWriter.
func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}
