// Command soak runs kith for a long time while everything around it is killed and broken, and verifies at the end that
// nothing was lost, invented or told in the wrong order. See package proof for what is verified.
//
//	go run ./bench/soak -for 1h -engine postgres
//
// It prints one line that sums up, and ends with status 1 when a promise was broken.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/kithchat/kith/internal/pgtest"
	"github.com/kithchat/kith/internal/proof"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == proof.ReceiverRole {
		if err := proof.RunReceiver(os.Args[2:], os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, "soak:", err)
			os.Exit(1)
		}
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(1)
	}
}

// errBroken says that the summary tells of broken promises.
var errBroken = errors.New("promises were broken")

func run(ctx context.Context, args []string, out, errs io.Writer) (err error) {
	o, engine, err := parse(args, errs)
	if err != nil {
		return err
	}
	parent := o.Dir
	if o.Dir, err = os.MkdirTemp(parent, "kith-soak-"); err != nil {
		return err
	}
	kept := false
	defer func() {
		if !kept {
			err = errors.Join(err, os.RemoveAll(o.Dir))
		}
	}()
	if engine == "postgres" {
		server, err := pgtest.Launch(pgtest.Options{})
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, server.Close()) }()
		if o.Store, err = server.CreateDatabase(); err != nil {
			return err
		}
		o.RestartStore = server.Relaunch
	}
	o.Say = func(format string, args ...any) { fmt.Fprintf(errs, format+"\n", args...) }
	o.Say("seed %d", o.Seed)
	sum, err := proof.Soak(ctx, o)
	for _, problem := range sum.Problems {
		fmt.Fprintln(errs, problem)
	}
	if err == nil && !sum.Passed() {
		err = errBroken
	}
	if err != nil {
		kept = true
		fmt.Fprintf(errs, "data and journal stay in %s\n", o.Dir)
	}
	fmt.Fprintln(out, sum)
	return err
}

// parse reads the flags.
func parse(args []string, errs io.Writer) (proof.SoakOptions, string, error) {
	o := proof.SoakOptions{}
	var engine string
	flags := flag.NewFlagSet("soak", flag.ContinueOnError)
	flags.SetOutput(errs)
	flags.DurationVar(&o.For, "for", 10*time.Minute, "how long everything is broken")
	flags.DurationVar(&o.Drain, "drain", 10*time.Minute, "how long the backlog may take afterwards")
	flags.StringVar(&engine, "engine", "sqlite", "sqlite, or postgres on a throw-away cluster")
	flags.StringVar(&o.Dir, "dir", "", "where the data goes; empty: the temporary directory")
	flags.Uint64Var(&o.Seed, "seed", rand.Uint64(), "seed of what is random")
	flags.IntVar(&o.Owners, "owners", 100, "accounts that block and unblock, of each of two apps")
	flags.Float64Var(&o.Rate, "rate", 300, "REST calls a second")
	if err := flags.Parse(args); err != nil {
		return o, "", err
	}
	switch {
	case flags.NArg() > 0:
		return o, "", fmt.Errorf("what is %q? There are only flags, see -help", flags.Arg(0))
	case engine != "sqlite" && engine != "postgres":
		return o, "", fmt.Errorf("there is no engine %q; it is sqlite or postgres", engine)
	case o.For <= 0 || o.Drain <= 0 || o.Owners <= 0 || o.Rate <= 0:
		return o, "", errors.New("-for, -drain, -owners and -rate must be above zero")
	}
	return o, engine, nil
}
