package demo

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/kithchat/kith/api"
	"github.com/kithchat/kith/examples/webclient"
	"github.com/kithchat/kith/internal/operator"
)

const (
	// webUser and webOther stand side by side on the page.
	webUser  = "mira"
	webOther = "troll"
	// webDevices is how many tabs a user can have open at first.
	webDevices = 5
	// restartTime bounds a restart of Kith.
	restartTime = 10 * time.Second
)

// WebOptions says how to serve the demo as a web page.
type WebOptions struct {
	Listen  string // loopback address of the page, as 127.0.0.1:0
	Version string // of the program
	// Started is called once the page can be opened.
	Started func(WebInfo)
}

// WebInfo says where everything is.
type WebInfo struct {
	Page string `json:"page"` // to open in a browser
	Kith string `json:"kith"`
}

// RunWeb serves the demo as a web page until ctx ends: a server on a temporary directory, the example app backend, and
// examples/webclient with two users. It leaves nothing behind.
func RunWeb(ctx context.Context, o WebOptions) error {
	w, err := openWeb(ctx, o)
	if err != nil {
		return err
	}
	o.Started(w.webInfo())
	select {
	case <-ctx.Done():
	case err = <-w.failed:
	}
	return errors.Join(err, w.close())
}

// webStage is a stage with the page's server.
type webStage struct {
	*stage
	version  string
	page     *webclient.Page
	listener net.Listener
	pageHTTP *http.Server
	failed   chan error // the page's server ended by itself

	changing sync.Mutex // held while Kith is restarted or the app changed
}

// openWeb starts everything, or nothing.
func openWeb(ctx context.Context, o WebOptions) (_ *webStage, err error) {
	w := &webStage{stage: newStage(), version: o.Version, failed: make(chan error, 1)}
	defer func() {
		if err != nil {
			err = errors.Join(err, w.close())
		}
	}()
	for _, start := range []func(context.Context) error{
		func(ctx context.Context) error { return w.listen(ctx, o.Listen) },
		func(ctx context.Context) error { return w.startServer(ctx, o.Version) },
		w.createWebApp, w.openPage,
		func(ctx context.Context) error { return w.startBackend(ctx, w.page.Record(w)) },
		w.connect, w.importAccounts,
	} {
		if err := start(ctx); err != nil {
			return nil, err
		}
	}
	w.pageHTTP = &http.Server{Handler: w.page, ReadHeaderTimeout: limit}
	go func() {
		if err := w.pageHTTP.Serve(w.listener); !errors.Is(err, http.ErrServerClosed) {
			w.failed <- fmt.Errorf("the page's server failed: %w", err)
		}
	}()
	return w, nil
}

// listen takes the page's address. It comes first, because the app must know from which origin its page comes.
func (w *webStage) listen(ctx context.Context, address string) (err error) {
	addr, err := net.ResolveTCPAddr("tcp", address)
	if err != nil || !addr.IP.IsLoopback() {
		return errors.New("the page lets whoever opens it act as the demo's users; give it a loopback address, as 127.0.0.1:0")
	}
	var lc net.ListenConfig
	if w.listener, err = lc.Listen(ctx, "tcp", addr.String()); err != nil {
		return fmt.Errorf("the page cannot listen: %w", err)
	}
	return nil
}

func (w *webStage) webInfo() WebInfo {
	return WebInfo{Page: "http://" + w.listener.Addr().String(), Kith: w.info.HTTP}
}

func (w *webStage) createWebApp(ctx context.Context) error {
	return w.createApp(ctx, operator.CreateApp{
		Name: "web demo", DevicesPerPlatform: webDevices, WebOrigins: []string{w.webInfo().Page},
	})
}

func (w *webStage) openPage(context.Context) (err error) {
	w.page, err = webclient.New(webclient.Options{
		Kith: w.info.HTTP, SDKAppID: w.app.SDKAppID, Key: w.app.Key, Admin: w.app.Admins[0], Users: []string{webUser, webOther},
		Restart: w.restart, SetDevices: w.setDevices,
	})
	return err
}

// ServeHTTP lets the app backend answer a callback.
func (w *webStage) ServeHTTP(rw http.ResponseWriter, r *http.Request) { w.backend.ServeHTTP(rw, r) }

// importAccounts makes the accounts that the page can block.
func (w *webStage) importAccounts(ctx context.Context) error {
	call, err := w.call(ctx, step{
		command: "im_open_login_svc/multiaccount_import",
		body:    api.MultiAccountImportRequest{Accounts: []string{webUser, webOther, rob, ann, tom}},
	})
	if err != nil {
		return err
	}
	if problem := (step{command: "multiaccount_import"}).checkAnswer(call); problem != "" {
		return errors.New(problem)
	}
	return nil
}

// restart stops Kith and starts it again on its data and at its address.
func (w *webStage) restart(ctx context.Context) error {
	w.changing.Lock()
	defer w.changing.Unlock()
	// Once it is stopped it must start, even if who asked is gone.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), restartTime)
	defer cancel()
	w.client.CloseIdleConnections()
	w.operator.Close()
	if err := w.server.Stop(ctx); err != nil {
		return err
	}
	return w.startServer(ctx, w.version)
}

// setDevices changes how many tabs a user can have open.
func (w *webStage) setDevices(ctx context.Context, limit int) error {
	w.changing.Lock()
	defer w.changing.Unlock()
	_, err := w.operator.UpdateApp(ctx, w.app.SDKAppID, operator.UpdateApp{DevicesPerPlatform: &limit})
	return err
}

// close stops what openWeb started. The page's server goes first: it streams, and would wait for its readers.
func (w *webStage) close() error {
	w.changing.Lock()
	defer w.changing.Unlock()
	var err error
	if w.pageHTTP != nil {
		err = w.pageHTTP.Close()
	} else if w.listener != nil {
		err = w.listener.Close()
	}
	if w.page != nil {
		w.page.Close()
	}
	return errors.Join(err, w.stage.close())
}
