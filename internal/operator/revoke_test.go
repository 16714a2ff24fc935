package operator_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/kithchat/kith/internal/operator"
	"github.com/kithchat/kith/internal/relation"
)

// revoking are the ways to take from the holder of app 7's token what it opened.
var revoking = map[string]struct {
	revoke func(context.Context, *fixture) error
	end    string
}{
	"token dropped": {func(ctx context.Context, f *fixture) error {
		app, err := f.App(ctx, 7)
		if err == nil {
			_, err = f.DropToken(ctx, 7, app.Tokens[0].ID)
		}
		return err
	}, "the token was dropped"},
	"app disabled": {func(ctx context.Context, f *fixture) error {
		_, err := f.UpdateApp(ctx, 7, operator.UpdateApp{Disabled: ptr(true)})
		return err
	}, "the app is disabled"},
	"app deleted": {func(ctx context.Context, f *fixture) error {
		_, err := f.DeleteApp(ctx, 7)
		return err
	}, "the app was deleted"},
}

// TestRevokedTokenReadsNothingMore holds that a stream shows nothing that happened after its token was taken back.
func TestRevokedTokenReadsNothingMore(t *testing.T) {
	for name, way := range revoking {
		t.Run("tail, "+name, func(t *testing.T) {
			f, seven, _ := appTokens(t)
			r := read(t, func(ctx context.Context, each func(operator.TailLine) error) error {
				return seven.Tail(ctx, operator.EventQuery{}, each)
			})
			r.next(t)
			revokeAndSend(t, f, way.revoke)
			if line := r.next(t); line.Activity != nil || !strings.Contains(line.End, way.end) {
				t.Errorf("line %+v, want the end: %s", line, way.end)
			}
			endsWith(t, <-r.ended, way.end)
		})
		t.Run("listen, "+name, func(t *testing.T) {
			f, seven, _ := appTokens(t)
			r := read(t, func(ctx context.Context, each func(operator.ListenLine) error) error {
				return seven.Listen(ctx, 7, operator.ListenMirror, each)
			})
			r.next(t)
			revokeAndSend(t, f, way.revoke)
			if line := r.next(t); line.Exchange != nil || !strings.Contains(line.End, way.end) {
				t.Errorf("line %+v, want the end: %s", line, way.end)
			}
			endsWith(t, <-r.ended, way.end)
		})
	}
}

func revokeAndSend(t *testing.T, f *fixture, revoke func(context.Context, *fixture) error) {
	t.Helper()
	if err := revoke(t.Context(), f); err != nil {
		t.Fatal(err)
	}
	sent := activity(1, relation.Delivered)
	sent.Exchange = exchange(1)
	feed := <-f.sends.watch
	feed.c <- sent
}

func endsWith(t *testing.T, err error, why string) {
	t.Helper()
	if !errors.Is(err, operator.ErrStreamEnded) || !strings.Contains(err.Error(), why) {
		t.Errorf("err = %v, want the end: %s", err, why)
	}
}

// TestRevokedTokenIsCutOff holds that a stream on which nothing happens does not stay open for ever either.
func TestRevokedTokenIsCutOff(t *testing.T) {
	f := serve(t, func(o *operator.Options) { o.Heartbeat = time.Millisecond })
	f.newApp(t)
	c, id := f.holder(t, 7)
	dropped := false
	err := c.Tail(t.Context(), operator.EventQuery{}, func(operator.TailLine) error {
		if dropped {
			return nil
		}
		dropped = true
		_, err := f.DropToken(t.Context(), 7, id)
		return err
	})
	endsWith(t, err, "the token was dropped")
}

// TestAppsStreamsShutNobodyOut holds that whoever has a token of one app cannot take all streams there may be.
func TestAppsStreamsShutNobodyOut(t *testing.T) {
	f, seven, eight := appTokens(t) // of the 100 streams at most, 20 for an app
	for range 20 {
		read(t, func(ctx context.Context, each func(operator.TailLine) error) error {
			return seven.Tail(ctx, operator.EventQuery{}, each)
		}).next(t)
		<-f.sends.watch
	}
	for name, err := range map[string]error{
		"tail":   seven.Tail(t.Context(), operator.EventQuery{}, nil),
		"listen": seven.Listen(t.Context(), 7, operator.ListenMirror, nil),
	} {
		t.Run(name, func(t *testing.T) { refused(t, err, http.StatusServiceUnavailable, operator.CodeUnavailable) })
	}
	read(t, func(ctx context.Context, each func(operator.TailLine) error) error {
		return eight.Tail(ctx, operator.EventQuery{}, each)
	}).next(t)
	<-f.sends.watch
	f.tail(t, operator.EventQuery{SDKAppID: 7})
}

// TestStreamsOfAllTokensLeaveSomeForTheOperator holds the bound over all apps.
func TestStreamsOfAllTokensLeaveSomeForTheOperator(t *testing.T) {
	f := serve(t, func(o *operator.Options) { o.MaxStreams = 5 }) // 1 for an app, 4 for all
	f.newApp(t)
	for id := uint32(8); id < 13; id++ {
		if _, err := f.CreateApp(t.Context(), operator.CreateApp{SDKAppID: id}); err != nil {
			t.Fatal(err)
		}
		c, _ := f.holder(t, id)
		if id == 12 {
			refused(t, c.Tail(t.Context(), operator.EventQuery{}, nil), http.StatusServiceUnavailable, operator.CodeUnavailable)
			continue
		}
		read(t, func(ctx context.Context, each func(operator.TailLine) error) error {
			return c.Tail(ctx, operator.EventQuery{}, each)
		}).next(t)
		<-f.sends.watch
	}
	f.tail(t, operator.EventQuery{})
}

// TestAppsTestsShutNobodyOut holds the same for tests, each of which has a connection to an endpoint for as long as that likes.
func TestAppsTestsShutNobodyOut(t *testing.T) {
	begun, answer := make(chan struct{}), make(chan struct{})
	f := serve(t, func(o *operator.Options) {
		o.TestCallback = func(context.Context, *relation.App) (operator.CallbackReport, error) {
			begun <- struct{}{}
			<-answer
			return operator.CallbackReport{Delivered: true, Steps: []operator.CallbackStep{}}, nil
		}
	})
	f.newApp(t)
	if _, err := f.SetCallback(t.Context(), 7, operator.SetCallback{URL: ptr("http://x/")}); err != nil {
		t.Fatal(err)
	}
	c, _ := f.holder(t, 7)
	done := make(chan error)
	test := func(c *operator.Client) { _, err := c.TestCallback(t.Context(), 7); done <- err }
	for range 10 {
		go test(c)
		<-begun
	}
	go test(c)
	refused(t, <-done, http.StatusServiceUnavailable, operator.CodeUnavailable)
	go test(f.Client)
	<-begun
	close(answer)
	for range 11 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	go test(c) // there is room again
	<-begun
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestOperatorsStreamOutlivesApps holds that what the operator follows goes on, except for an app that is gone.
func TestOperatorsStreamOutlivesApps(t *testing.T) {
	f := twoApps(t)
	all, feedOfAll := f.tail(t, operator.EventQuery{})
	one, feedOfOne := f.tail(t, operator.EventQuery{SDKAppID: 7})
	if _, err := f.DeleteApp(t.Context(), 7); err != nil {
		t.Fatal(err)
	}
	feedOfAll.c <- activity(1, relation.Delivered)
	feedOfOne.c <- activity(1, relation.Delivered)
	if line := all.next(t); line.Activity == nil || line.End != "" {
		t.Errorf("line %+v", line)
	}
	if line := one.next(t); line.Activity != nil || !strings.Contains(line.End, "deleted") {
		t.Errorf("line %+v", line)
	}
}
