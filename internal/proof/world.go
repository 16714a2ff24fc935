package proof

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/kithchat/kith/internal/operator"
)

const (
	// firstApp is the id of the first app; the others follow.
	firstApp = 1600000001
	// healEvery is the pause between two looks at a backlog that drains.
	healEvery = 200 * time.Millisecond
	// callbackToken signs callbacks, so that each tells when it was sent.
	callbackToken = "proof-callback-token"
)

// Endpoint is an app to create, with where its callbacks go.
type Endpoint struct {
	Receiver string                        // address behind the link
	URL      func(address string) string   // of the callback, through the link
	Callback func(c *operator.SetCallback) // further settings; nil: none
	// Parks says that failed events become dead letters by the app's policy. Otherwise there must be none.
	Parks bool
	// Direct says that no network is between that could fail: there is no link.
	Direct bool
}

// Options says what a World is made of.
type Options struct {
	Launcher  Launcher
	Endpoints []Endpoint
	Owners    int // of each app
	Seed      uint64
	// Timeout is for an attempt of a callback.
	Timeout time.Duration
	// Say gets a line now and then; nil: nobody does.
	Say func(format string, args ...any)
}

// World is a server, what is around it, and its users. Its methods are not safe for concurrent use.
type World struct {
	Server *Process
	Apps   []*App
	Links  []*Link // of each app; nil for one that is reached directly
	Owners []*Owner
	Kills  int
	Memory int64 // highest resident memory of any server so far, in bytes; known on Linux

	o       Options
	replays []string        // ids of those that may still run
	parked  map[string]bool // ids of events that were dead letters at a verification
	client  *operator.Client
}

// NewWorld starts a server, creates the apps and imports the accounts.
func NewWorld(ctx context.Context, o Options) (w *World, err error) {
	if o.Say == nil {
		o.Say = func(string, ...any) {}
	}
	w = &World{o: o, parked: map[string]bool{}}
	defer func() {
		if err != nil {
			err = errors.Join(err, w.Close())
		}
	}()
	if err := w.start(ctx); err != nil {
		return w, err
	}
	accounts := make([]string, 0, o.Owners+targets)
	for i := range o.Owners {
		accounts = append(accounts, OwnerName(i))
	}
	for i := range targets {
		accounts = append(accounts, TargetName(i))
	}
	token := callbackToken
	for i, e := range o.Endpoints {
		address, err := w.join(e)
		if err != nil {
			return w, err
		}
		url, timeout := e.URL(address), o.Timeout.Milliseconds()
		set := operator.SetCallback{URL: &url, TimeoutMS: &timeout, Token: &token}
		if e.Callback != nil {
			e.Callback(&set)
		}
		app, err := NewApp(ctx, w.client, firstApp+uint32(i), set)
		if err != nil {
			return w, err
		}
		app.Connect(w.Server.Ready.HTTP)
		w.Apps = append(w.Apps, app)
		if err := app.Import(ctx, accounts); err != nil {
			return w, err
		}
		for n := range o.Owners {
			w.Owners = append(w.Owners, NewOwner(app, OwnerName(n), o.Seed+uint64(i*o.Owners+n)))
		}
	}
	return w, nil
}

// join lays the link to a receiver and returns the address at its near end.
func (w *World) join(e Endpoint) (string, error) {
	if e.Direct {
		w.Links = append(w.Links, nil)
		return e.Receiver, nil
	}
	link, err := NewLink(e.Receiver)
	if err != nil {
		return "", err
	}
	w.Links = append(w.Links, link)
	return link.Address(), nil
}

// start starts a server and connects everybody to it.
func (w *World) start(ctx context.Context) (err error) {
	if w.Server, err = w.o.Launcher.Start(ctx); err != nil {
		w.Server = nil
		return err
	}
	if w.client, err = operator.FromDataDir(w.o.Launcher.Data, ""); err != nil {
		return err
	}
	for _, a := range w.Apps {
		a.Connect(w.Server.Ready.HTTP)
	}
	return nil
}

// Kill kills the server (kill -9) and starts it again. For so long another one, in between, is killed while it starts;
// 0: there is none.
func (w *World) Kill(ctx context.Context, starting time.Duration) error {
	w.client.Close()
	if err := errors.Join(w.weigh(), w.Server.Kill()); err != nil {
		return err
	}
	w.Kills++
	if starting > 0 {
		p, err := w.o.Launcher.Spawn()
		if err != nil {
			return err
		}
		select {
		case <-time.After(starting):
		case <-ctx.Done():
		}
		if err := p.Kill(); err != nil {
			return err
		}
		w.Kills++
	}
	return w.start(ctx)
}

// weigh notes the server's memory. It is an error when the server has ended by itself.
func (w *World) weigh() error {
	if w.Server.HasEnded() {
		return fmt.Errorf("kith ended by itself:\n%s", w.Server.Log())
	}
	n, err := peakMemory(w.Server.PID())
	w.Memory = max(w.Memory, n)
	return err
}

// Restart stops the server in order and starts it again, as an operator does whose disk has failed. How it ends is not
// looked at, only that it does in time.
func (w *World) Restart(ctx context.Context) error {
	w.client.Close()
	if err := w.weigh(); err != nil {
		return err
	}
	if err := w.Server.Stop(); err != nil && !w.Server.HasEnded() {
		return err
	}
	return w.start(ctx)
}

// Stop stops the server in order.
func (w *World) Stop() error {
	p, err := w.Server, w.weigh()
	w.Server = nil
	w.client.Close()
	return errors.Join(err, p.Stop())
}

// Close ends whatever still runs.
func (w *World) Close() error {
	var err error
	if w.Server != nil {
		if w.client != nil {
			w.client.Close()
		}
		err = w.Server.Kill()
	}
	for _, a := range w.Apps {
		a.Close()
	}
	for _, l := range w.Links {
		if l != nil {
			l.Cut()
		}
	}
	return err
}
