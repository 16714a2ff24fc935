package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/kithchat/kith/internal/operator"
	"github.com/kithchat/kith/internal/relation"
)

func (c *cli) callbackCommand() *cobra.Command {
	return c.group("callback", "Show, change and test where an app's callbacks go",
		c.callbackSetCommand(), c.callbackShowCommand(), c.callbackTestCommand())
}

func (c *cli) callbackSetCommand() *cobra.Command {
	var url, token string
	var enable, disable []string
	var timeout time.Duration
	var retry bool
	var concurrency int
	var cmd *cobra.Command
	cmd = c.appClientCommand("set SDKAPPID", "Change where an app's callbacks go; what is not given stays", nil,
		func(ctx context.Context, client *operator.Client, id uint32, _ []string) error {
			req, given := operator.SetCallback{Enable: kinds(enable), Disable: kinds(disable)}, cmd.Flags().Changed
			if given("timeout") && timeout%time.Millisecond != 0 {
				return misuse("--timeout must be whole milliseconds, not %s", timeout)
			}
			milliseconds := timeout.Milliseconds()
			take(&req.URL, &url, given("url"))
			take(&req.Token, &token, given("token"))
			take(&req.TimeoutMS, &milliseconds, given("timeout"))
			take(&req.Retry, &retry, given("retry"))
			take(&req.Concurrency, &concurrency, given("concurrency"))
			callback, err := client.SetCallback(ctx, id, req)
			if err != nil {
				return err
			}
			return c.printCallback(callback)
		})
	fs := cmd.Flags()
	fs.StringVar(&url, "url", "", "`URL` of the app backend; empty switches callbacks off")
	fs.StringVar(&token, "token", "", "`token` that signs each callback; empty for unsigned ones")
	fs.StringSliceVar(&enable, "enable", nil, "`commands` to send, of: "+commands(func(relation.EventKind) bool { return true }))
	fs.StringSliceVar(&disable, "disable", nil, "`commands` not to send; off until enabled: "+commands(relation.EventKind.OptIn))
	fs.DurationVar(&timeout, "timeout", 0, "time for an attempt; 0 for the default")
	fs.BoolVar(&retry, "retry", true, "retry failed attempts; --retry=false parks an event after the first")
	fs.IntVar(&concurrency, "concurrency", 0, "`attempts` under way at a time; 0 for the default")
	return cmd
}

func (c *cli) callbackShowCommand() *cobra.Command {
	return c.appClientCommand("show SDKAPPID", "Show where an app's callbacks go", nil,
		func(ctx context.Context, client *operator.Client, id uint32, _ []string) error {
			callback, err := client.Callback(ctx, id)
			if err != nil {
				return err
			}
			return c.printCallback(callback)
		})
}

func (c *cli) callbackTestCommand() *cobra.Command {
	return c.appClientCommand("test SDKAPPID", "Send a test callback with no changes in it, and say what came of it", nil,
		func(ctx context.Context, client *operator.Client, id uint32, _ []string) error {
			report, err := client.TestCallback(ctx, id)
			if err != nil {
				return err
			}
			err = c.print(report, func(w io.Writer) { writeCallbackReport(w, report) })
			if err == nil && !report.Delivered {
				err = errors.New("the test callback failed: " + report.Reason + detail(report.Detail))
			}
			return err
		})
}

func writeCallbackReport(w io.Writer, report operator.CallbackReport) {
	for _, step := range report.Steps {
		mark := "ok"
		if !step.OK {
			mark = "failed"
		}
		row(w, step.Name, mark, fmt.Sprintf("%d ms", step.DurationMS), visible(step.Detail))
	}
	if report.Delivered {
		row(w, "delivered", "", fmt.Sprintf("%d ms", report.DurationMS))
	}
}

func detail(text string) string {
	if text == "" {
		return ""
	}
	return " (" + visible(text) + ")"
}

func kinds(texts []string) []relation.EventKind {
	kinds := make([]relation.EventKind, len(texts))
	for i, text := range texts {
		kinds[i] = relation.EventKind(text)
	}
	return kinds
}

// commands lists the callback commands that match.
func commands(match func(relation.EventKind) bool) string {
	return list(slices.DeleteFunc(relation.EventKinds(), func(kind relation.EventKind) bool { return !match(kind) }))
}

func (c *cli) printCallback(callback operator.Callback) error {
	return c.print(callback, func(w io.Writer) { writeCallback(w, callback) })
}

func writeCallback(w io.Writer, callback operator.Callback) {
	row(w, "callback URL", callbackURL(callback))
	if callback.URL == "" {
		return
	}
	signed := "no, unsigned"
	if callback.TokenSet {
		signed = "set"
	}
	retry := "on"
	if !callback.Retry {
		retry = "off"
	}
	row(w, "token", signed)
	row(w, "enabled", list(callback.Enabled))
	row(w, "disabled", list(callback.Disabled))
	row(w, "timeout", span(time.Duration(callback.TimeoutMS)*time.Millisecond))
	row(w, "retry", retry)
	row(w, "concurrency", callback.Concurrency)
}

func callbackURL(callback operator.Callback) string { return cmp.Or(callback.URL, "none") }
