package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/kithchat/kith/internal/operator"
)

func (c *cli) callbackCommand() *cobra.Command {
	return c.group("callback", "Show, change and test where an app's callbacks go",
		c.callbackSetCommand(), c.callbackShowCommand(), c.callbackTestCommand(), c.callbackPauseCommand(), c.callbackResumeCommand(),
		c.signingKeysCommand(), c.callbackCertCommand())
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
	cmd := &cobra.Command{
		Use: "test [SDKAPPID]", Short: "Send a test callback with no changes in it, and say what came of it",
		Long: "Send a test callback with no changes in it, and say what came of each step. " +
			"Without SDKAPPID it is to the app that the token is good for.",
	}
	flags := addClientFlags(cmd)
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		return arguments("SDKAPPID")(cmd, args)
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		var given uint32
		if len(args) > 0 {
			var err error
			if given, err = parseSDKAppID(args[0]); err != nil {
				return err
			}
		}
		client, err := c.client(flags)
		if err != nil {
			return err
		}
		defer client.Close()
		app, err := appOf(client, given, "SDKAPPID")
		if err != nil {
			return err
		}
		report, err := client.TestCallback(cmd.Context(), app)
		if err != nil {
			return err
		}
		return c.printCallbackReport(report)
	}
	return cmd
}

// printCallbackReport prints what came of a test callback, which is an error unless it was delivered.
func (c *cli) printCallbackReport(report operator.CallbackReport) error {
	err := c.print(report, func(w io.Writer) { writeCallbackReport(w, report) })
	if err == nil && !report.Delivered {
		err = errors.New("the test callback failed: " + report.Reason + detail(report.Detail))
	}
	return err
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
	if report.Answer != "" {
		row(w, "answered", oneLine(report.Answer))
	}
	if text := hint(report); text != "" {
		row(w, "hint", text)
	}
}

func detail(text string) string {
	if text == "" {
		return ""
	}
	return " (" + visible(text) + ")"
}

func (c *cli) printCallback(callback operator.Callback) error {
	return c.print(callback, func(w io.Writer) { writeCallback(w, callback) })
}

func writeCallback(w io.Writer, callback operator.Callback) {
	row(w, "callback URL", callbackURL(callback))
	if callback.URL == "" && !callback.Listen {
		return
	}
	if e := callback.Endpoint; e != nil {
		row(w, "endpoint", endpointState(*e))
		if e.LastFailure != "" {
			row(w, "last failure", when(e.LastFailureAt)+detail(e.LastFailure))
		}
	}
	if callback.Paused != nil {
		row(w, "paused", "since "+when(callback.Paused.Since)+", by the "+callback.Paused.By+detail(callback.Paused.Reason))
	}
	row(w, "token", signed(callback))
	for i, key := range callback.SigningKeys {
		row(w, first(i, "signing keys"), key.ID+"  "+key.Kind+until(key))
	}
	if len(callback.SigningKeys) == 0 {
		row(w, "signing keys", "none")
	}
	row(w, "enabled", list(callback.Enabled))
	row(w, "disabled", list(callback.Disabled))
	row(w, "timeout", span(milliseconds(callback.TimeoutMS)))
	row(w, "retry", callback.Retry)
	row(w, "max attempts", orElse(callback.MaxAttempts > 0, strconv.Itoa(callback.MaxAttempts), "no limit but time"))
	row(w, "max age", orElse(callback.MaxAgeMS > 0, span(milliseconds(callback.MaxAgeMS)), "the server's (retry-budget)"))
	row(w, "app error", callback.AppError)
	row(w, "concurrency", callback.Concurrency)
	for i, cert := range callback.CA {
		row(w, first(i, "CA"), showCertificate(cert))
	}
	if callback.ClientCert != nil {
		row(w, "client cert", showCertificate(*callback.ClientCert))
	}
}

func signed(callback operator.Callback) string {
	return orElse(callback.TokenSet, "set", orElse(len(callback.SigningKeys) > 0, "no", "no, unsigned"))
}

func until(key operator.SigningKey) string {
	if key.Expires.IsZero() {
		return ""
	}
	return "  until " + when(key.Expires)
}

func showCertificate(cert operator.Certificate) string {
	return fmt.Sprintf("%s  until %s  SHA-256 %s", cert.Subject, when(cert.NotAfter), cert.Fingerprint)
}

func callbackURL(callback operator.Callback) string {
	return cmp.Or(callback.URL, orElse(callback.Listen, "none, who listens gets them", "none"))
}

// first labels the first of several lines.
func first(i int, label string) string { return orElse(i == 0, label, "") }

func orElse(ok bool, text, otherwise string) string {
	if ok {
		return text
	}
	return otherwise
}

func milliseconds(n int64) time.Duration { return time.Duration(n) * time.Millisecond }
