package main

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/kithchat/kith/internal/operator"
)

const (
	// forwardTimeout is how long the local handler may take unless --timeout says otherwise.
	forwardTimeout = 10 * time.Second
	// maxForwards is how many exchanges are with the local handler at a time when it stands in for the app's URL. The
	// server sends one at a time for each account.
	maxForwards = 16
)

func (c *cli) listenCommand() *cobra.Command {
	var app uint32
	var forward string
	var timeout time.Duration
	l := &listener{cli: c}
	cmd := &cobra.Command{
		Use: "listen", Short: "Receive an app's callbacks here, and forward each to a local handler", Args: arguments(),
		Long: "Receive an app's callbacks here, and forward each to a local handler with the same query, headers and body.\n\n" +
			"The app's own endpoint goes on to get them, and decides whether an event is delivered; this is a copy. With --instead " +
			"the local handler decides, which an app without a callback URL needs: listening is switched on for it, and off again at " +
			"the end.\n\nA token of the app is enough, except to switch listening on (`kith app token create`, KITH_OPERATOR_TOKEN).",
	}
	flags := addClientFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) (err error) {
		if l.forwarder, err = newForwarder(forward, timeout); err != nil {
			return err
		}
		defer l.forwarder.client.CloseIdleConnections()
		return l.run(cmd.Context(), flags, app)
	}
	c.addAppFlag(cmd, &app)
	fs := cmd.Flags()
	fs.Lookup("app").Usage = "of the app with this `SDKAPPID`; left out: the one that the token is good for"
	fs.StringVar(&forward, "forward", "", "`URL` of the local handler, as http://localhost:3000/callback")
	fs.BoolVar(&l.instead, "instead", false, "the local handler decides; for an app without a callback URL")
	fs.BoolVar(&l.keep, "keep", false, "with --instead, leave listening switched on at the end, so that events wait for the next listener")
	fs.DurationVar(&timeout, "timeout", forwardTimeout, "time that the local handler has for an answer")
	return cmd
}

// listener receives the callbacks of an app and forwards them.
type listener struct {
	*cli
	forwarder     *forwarder
	instead, keep bool
	lost          int64
	mu            sync.Mutex // held while a line is printed
}

func (l *listener) run(ctx context.Context, flags *clientFlags, app uint32) error {
	mode := operator.ListenMirror
	if l.instead {
		mode = operator.ListenInstead
	}
	client, err := l.client(flags)
	if err != nil {
		return err
	}
	defer client.Close()
	if app, err = appOf(client, app, "--app SDKAPPID"); err != nil {
		return err
	}
	if l.instead {
		off, err := l.switchOn(ctx, client, app)
		if err != nil {
			return err
		}
		defer off()
	}
	return l.follow(ctx, flags, func(ctx context.Context, client *operator.Client, alive func()) error {
		begun := false
		group, ctx := errgroup.WithContext(ctx)
		group.SetLimit(1 + l.forwards())
		group.Go(func() error {
			return client.Listen(ctx, app, mode, func(line operator.ListenLine) error {
				alive()
				if !begun {
					begun = true
					l.say("listening to app %d, forwarding to %s", app, l.forwarder.target.Redacted())
				}
				l.line(group, ctx, client, app, line)
				return nil
			})
		})
		return group.Wait()
	})
}

// forwards is how many exchanges are with the local handler at a time. Copies come in order, one after another.
func (l *listener) forwards() int {
	if l.instead {
		return maxForwards
	}
	return 1
}

func (l *listener) line(group *errgroup.Group, ctx context.Context, client *operator.Client, app uint32, line operator.ListenLine) {
	if line.Lost > l.lost {
		l.say("%d exchanges were not received, because the local handler did not keep up", line.Lost-l.lost)
	}
	l.lost = line.Lost
	if line.Exchange == nil {
		return
	}
	group.Go(func() error {
		begun := time.Now()
		answer := l.forwarder.send(ctx, line.Exchange)
		shown := describe(line, answer)
		shown.DurationMS = time.Since(begun).Milliseconds()
		if ctx.Err() != nil {
			return nil // interrupted: the server tries it again
		}
		if l.instead {
			err := client.AnswerExchange(ctx, app, line.Exchange.ID, answer)
			if refusal, ok := errors.AsType[*operator.Error](err); ok && refusal.Status == http.StatusConflict {
				shown.Verdict += "; too late, the server does not wait any more"
			} else if err != nil {
				shown.Verdict += "; the server did not take the answer: " + err.Error()
			}
		}
		return l.show(shown)
	})
}
