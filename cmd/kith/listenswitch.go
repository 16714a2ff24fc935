package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/kithchat/kith/internal/operator"
)

// switchOffTime is how long the end of a command may take to switch listening off.
const switchOffTime = 5 * time.Second

// switchOn lets an app without a callback URL make events for listeners, unless it does already. It returns what takes that
// back at the end.
func (l *listener) switchOn(ctx context.Context, client *operator.Client, app uint32) (off func(), err error) {
	callback, err := client.Callback(ctx, app)
	switch {
	case err != nil:
		return nil, err
	case callback.URL != "":
		return nil, misuse("app %d has a callback URL, which gets its events; leave --instead out to get a copy, or take the URL away", app)
	case callback.Listen:
		return func() {}, nil
	}
	if err := setListen(ctx, client, app, true); err != nil {
		if refusal, ok := errors.AsType[*operator.Error](err); ok && refusal.Status == http.StatusForbidden {
			return nil, fmt.Errorf("app %d makes no events for listeners, and this token cannot change that; "+
				"whoever runs the server can, with `kith app callback set %d --listen`", app, app)
		}
		return nil, err
	}
	if l.keep {
		return func() {}, nil
	}
	return func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), switchOffTime)
		defer cancel()
		if err := setListen(ctx, client, app, false); err != nil {
			l.say("listening could not be switched off (%v): events of app %d wait for a listener until `kith app callback set %d --listen=false`", err, app, app)
		}
	}, nil
}

func setListen(ctx context.Context, client *operator.Client, app uint32, on bool) error {
	_, err := client.SetCallback(ctx, app, operator.SetCallback{Listen: &on})
	return err
}
