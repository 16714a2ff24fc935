// Command appbackend is a small, complete app backend on package webhook. It receives callbacks on /callback, keeps its
// own copy of the blocklists in memory, prints one line for each change, and answers GET /blocklist?user=UserID with its
// copy. Start it, then point the app's callback at it:
//
//	go run ./examples/appbackend
//	kith app callback set SDKAPPID --url http://127.0.0.1:9000/callback --enable State.StateChange
//
// Without --enable it sees blocks and unblocks only. With -token and -secret it takes callbacks only that are signed with
// the app's Token and with one of its signing keys. Lines of replays and of tests say so; a test changes nothing.
//
// With -load it begins with the lists of an export; docs/operations.md says what to do with it ("Rebuild a copy").
//
// It stops on an interrupt or SIGTERM, after the requests in flight were answered.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/kithchat/kith/examples/appbackend/app"
)

// These are read when no -token or no -secret is given: other users of a machine can read arguments.
const (
	tokenVariable  = "CALLBACK_TOKEN"
	secretVariable = "CALLBACK_SECRET"
)

// stopTimeout is how long requests in flight may take once the program was asked to stop. Kith waits 2 seconds for an
// answer, so a longer time helps nobody.
const stopTimeout = 2 * time.Second

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr)
	stop()
	switch {
	case errors.Is(err, flag.ErrHelp):
	case errors.Is(err, errUsage):
		os.Exit(2)
	case err != nil:
		fmt.Fprintln(os.Stderr, "appbackend:", err)
		os.Exit(1)
	}
}

// errUsage says that the flags were wrong; the flag package has already printed why.
var errUsage = errors.New("wrong use")

type settings struct {
	listen  string
	load    string
	options app.Options
}

func parse(args []string, getenv func(string) string, stderr io.Writer) (settings, error) {
	var s settings
	flags := flag.NewFlagSet("appbackend", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&s.listen, "listen", "127.0.0.1:9000", "`address` to listen on")
	sdkAppID := flags.Uint("sdkappid", 0, "take callbacks of this `app` only; 0 takes any")
	flags.StringVar(&s.load, "load", "", "begin with the lists of this export, a `file` of kith export blocklists")
	o := &s.options
	flags.Func("token", "callback `token` of the app; repeat it while the token changes (default $"+tokenVariable+")",
		appendTo(&o.Tokens, "a token"))
	flags.Func("secret", "shared `secret` (whsec_) or public key (whpk_) of a signing key of the app; repeat it while the key changes "+
		"(default $"+secretVariable+")", appendTo(&o.Secrets, "a secret"))
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return settings{}, err
	} else if err != nil {
		return settings{}, errUsage
	}
	s.options.SDKAppID = uint32(*sdkAppID)
	if uint(s.options.SDKAppID) != *sdkAppID || flags.NArg() > 0 {
		fmt.Fprintln(stderr, "-sdkappid must fit 32 bits, and there are no other arguments than flags")
		flags.Usage()
		return settings{}, errUsage
	}
	if token := getenv(tokenVariable); len(o.Tokens) == 0 && token != "" {
		o.Tokens = []string{token}
	}
	if secret := getenv(secretVariable); len(o.Secrets) == 0 && secret != "" {
		o.Secrets = []string{secret}
	}
	return s, nil
}

// appendTo returns the function of a flag that can be repeated.
func appendTo(list *[]string, what string) func(string) error {
	return func(value string) error {
		if value == "" {
			return errors.New(what + " must not be empty")
		}
		*list = append(*list, value)
		return nil
	}
}

// run serves until ctx ends. The first line on stdout is the callback URL.
func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) error {
	s, err := parse(args, getenv, stderr)
	if err != nil {
		return err
	}
	s.options.Out = stdout
	s.options.Logger = slog.New(slog.NewTextHandler(stderr, nil))
	backend, err := app.New(s.options)
	if err != nil {
		return err
	}
	if s.load != "" {
		position, err := load(backend, s.load)
		if err != nil {
			return err
		}
		fmt.Fprintf(stdout, "loaded     up to %s; now replay what came after it\n", position)
	}
	listener, err := net.Listen("tcp", s.listen)
	if err != nil {
		return fmt.Errorf("cannot listen, choose another -listen: %w", err)
	}
	fmt.Fprintf(stdout, "listening  http://%s%s\n", listener.Addr(), app.CallbackPath)
	if len(s.options.Tokens) == 0 && len(s.options.Secrets) == 0 {
		fmt.Fprintln(stderr, "no token and no secret: whoever reaches this address can send callbacks; set -token or $"+tokenVariable+
			", or -secret or $"+secretVariable)
	}
	return serve(ctx, listener, backend)
}

func load(backend *app.Backend, path string) (position string, err error) {
	export, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer export.Close()
	return backend.Rebuild(export)
}

func serve(ctx context.Context, listener net.Listener, handler http.Handler) error {
	server := &http.Server{Handler: handler, ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	err := server.Shutdown(grace)
	if err != nil {
		_ = server.Close()
		err = fmt.Errorf("stopped with requests in flight: %w", err)
	}
	<-served
	return err
}
