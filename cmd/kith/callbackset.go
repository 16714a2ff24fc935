package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/kithchat/kith/internal/operator"
	"github.com/kithchat/kith/internal/relation"
)

// callbackFlags are what can be set of an endpoint.
type callbackFlags struct {
	url, token, ca           string
	enable, disable          []string
	timeout, maxAge          time.Duration
	retry, appError          string
	maxAttempts, concurrency int
	mutualTLS, listen        bool
}

func (c *cli) callbackSetCommand() *cobra.Command {
	var flags callbackFlags
	var cmd *cobra.Command
	cmd = c.appClientCommand("set SDKAPPID", "Change where an app's callbacks go; what is not given stays", nil,
		func(ctx context.Context, client *operator.Client, id uint32, _ []string) error {
			req, err := flags.request(cmd.Flags().Changed)
			if err != nil {
				return err
			}
			if _, err := c.readSecret(ctx, "token", &flags.token); err != nil { // which req points at
				return err
			}
			callback, err := client.SetCallback(ctx, id, req)
			if err != nil {
				return err
			}
			return c.printCallback(callback)
		})
	flags.add(cmd)
	return cmd
}

func (f *callbackFlags) add(cmd *cobra.Command) {
	fs := cmd.Flags()
	fs.StringVar(&f.url, "url", "", "`URL` of the app backend; empty switches callbacks off")
	fs.StringVar(&f.token, "token", "", "`token` that signs each callback; - reads it from standard input, which nobody else can see; empty for none")
	fs.StringSliceVar(&f.enable, "enable", nil, "`commands` to send, of: "+commands(func(relation.EventKind) bool { return true }))
	fs.StringSliceVar(&f.disable, "disable", nil, "`commands` not to send; off until enabled: "+commands(relation.EventKind.OptIn))
	fs.DurationVar(&f.timeout, "timeout", 0, "time for an attempt, such as 500ms or 2s; 0 for the server's callback-timeout")
	fs.StringVar(&f.retry, "retry", "", "the `policy` for failed attempts: failures (all are tried again), timeouts (only those) or off")
	fs.IntVar(&f.maxAttempts, "max-attempts", 0, "`attempts` after which an event is given up; 0 for no limit but time")
	fs.DurationVar(&f.maxAge, "max-age", 0, "how long after its first failed attempt an event is tried, such as 36h; 0 for the server's retry-budget")
	fs.StringVar(&f.appError, "app-error", "", "the `policy` for answers with an ErrorCode other than 0: retry, accept (delivered) or park (given up)")
	fs.IntVar(&f.concurrency, "concurrency", 0, "`attempts` under way at a time; 0 for the server's callback-concurrency")
	fs.StringVar(&f.ca, "ca", "", "`file` with the certificates in PEM that the endpoint's is verified against; empty for the system's")
	fs.BoolVar(&f.mutualTLS, "mutual-tls", false, "show the endpoint a client certificate of the app; --mutual-tls=false ends it")
	fs.BoolVar(&f.listen, "listen", false, "send callbacks to who listens, instead of to a URL; --listen=false ends it")
}

// request returns the change that the flags describe.
func (f *callbackFlags) request(given func(string) bool) (operator.SetCallback, error) {
	req := operator.SetCallback{Enable: kinds(f.enable), Disable: kinds(f.disable)}
	for name, d := range map[string]time.Duration{"timeout": f.timeout, "max-age": f.maxAge} {
		if d%time.Millisecond != 0 {
			return req, misuse("--%s must be whole milliseconds, not %s", name, d)
		}
	}
	if given("ca") && f.ca != "" {
		bundle, err := readBundle(f.ca)
		if err != nil {
			return req, err
		}
		f.ca = bundle
	}
	timeout, maxAge := f.timeout.Milliseconds(), f.maxAge.Milliseconds()
	retry, appError := relation.RetryPolicy(f.retry), relation.AppErrorPolicy(f.appError)
	take(&req.URL, &f.url, given("url"))
	take(&req.Token, &f.token, given("token"))
	take(&req.TimeoutMS, &timeout, given("timeout"))
	take(&req.Retry, &retry, given("retry"))
	take(&req.MaxAttempts, &f.maxAttempts, given("max-attempts"))
	take(&req.MaxAgeMS, &maxAge, given("max-age"))
	take(&req.AppError, &appError, given("app-error"))
	take(&req.Concurrency, &f.concurrency, given("concurrency"))
	take(&req.CA, &f.ca, given("ca"))
	take(&req.MutualTLS, &f.mutualTLS, given("mutual-tls"))
	take(&req.Listen, &f.listen, given("listen"))
	return req, nil
}

// maxBundle is the longest CA bundle in bytes. The server takes no longer body.
const maxBundle = 1 << 20

func readBundle(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("read the CA bundle: %w", err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxBundle+1))
	switch {
	case err != nil:
		return "", fmt.Errorf("read the CA bundle: %w", err)
	case len(text) > maxBundle:
		return "", misuse("%s is larger than %d bytes, so it is no CA bundle; name a PEM file of certificates", path, maxBundle)
	}
	return string(text), nil
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
