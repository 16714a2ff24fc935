// Command kith runs the server and controls it.
//
// `kith serve` is the server. The other commands talk to a running one through its operator API and never open a
// database that a server holds; `kith check` opens one that no server holds, and `kith demo` brings its own server.
//
// Exit status: 0 done, 1 failed, 2 wrong use. Errors are sentences on standard error that begin with "kith: ". With
// --json a command prints JSON, and nothing else, on standard output.
package main

import (
	"context"
	"log"
	"os"
	"os/signal"
	"syscall"
)

// version is set by the linker: -ldflags "-X main.version=v1.2.3". Empty: what the build recorded.
var version string

func main() {
	log.SetOutput(library{os.Stderr})
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	c := &cli{program: os.Args[0], in: os.Stdin, out: os.Stdout, err: os.Stderr, env: os.LookupEnv}
	os.Exit(c.run(ctx, os.Args[1:]))
}
