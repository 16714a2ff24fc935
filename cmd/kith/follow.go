package main

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/kithchat/kith/internal/operator"
)

// Pauses between attempts to connect again.
const (
	firstPause = 500 * time.Millisecond
	lastPause  = 15 * time.Second
)

// follow runs a stream until ctx ends, which is no failure, and begins it again when it breaks. A stream that never began,
// and one that the server refuses, end with the error. stream calls alive for each line.
func (c *cli) follow(ctx context.Context, flags *clientFlags, stream func(ctx context.Context, client *operator.Client, alive func()) error) error {
	begun, pause := false, firstPause
	for {
		err := c.once(flags, func(client *operator.Client) error {
			return stream(ctx, client, func() { begun, pause = true, firstPause })
		})
		switch {
		case ctx.Err() != nil:
			return nil
		case !begun || !passing(err):
			return err
		}
		c.say("the connection was lost (%v); trying again in %s", err, pause)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
		pause = min(2*pause, lastPause)
	}
}

// once connects anew: a server that was started again can be elsewhere.
func (c *cli) once(flags *clientFlags, call func(*operator.Client) error) error {
	client, err := c.client(flags)
	if err != nil {
		return noServer{err}
	}
	defer client.Close()
	return call(client)
}

// noServer says that there is no server now.
type noServer struct{ error }

// Unwrap returns the reason.
func (e noServer) Unwrap() error { return e.error }

// passing reports whether another attempt can do better: the server is away, and did not refuse.
func passing(err error) bool {
	if refusal, ok := errors.AsType[*operator.Error](err); ok {
		return refusal.Status == http.StatusServiceUnavailable || refusal.Status == http.StatusInternalServerError
	}
	_, away := errors.AsType[noServer](err)
	return away || errors.Is(err, operator.ErrStreamEnded)
}
