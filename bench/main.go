// Command bench measures Kith and says whether the budgets are kept. `make bench` runs all of it.
//
// What counts are ratios: each figure of Kith stands beside one that the same machine gave in the same minute without
// Kith's work, the two measured in turns. README.md says what each scenario means and holds the last results.
//
// Every part is a process of its own, so that none borrows another's CPU or memory: the server under test, the load
// generator, the null handler and the receiver of callbacks. The last three are this program again, started with a role
// as its first argument; they take commands as JSON on standard input (child.go) and end when it closes. Everything
// listens on loopback, on ports the system picks. All files are below one temporary directory, which is removed.
//
// Nothing imports this package. With bench/soak below it, it is the only part of the module, besides tests, that may import
// internal/pgtest.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"syscall"
	"time"
)

func main() {
	if err := run(os.Args[1:], os.Stdout, os.Stderr); err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(os.Stderr, "bench:", err)
		}
		os.Exit(1)
	}
}

// run is the whole program: a role when the first argument names one, the measurement otherwise.
func run(args []string, stdout, stderr io.Writer) error {
	if len(args) > 0 {
		if role, ok := roles()[args[0]]; ok {
			// A Ctrl-C reaches the whole process group; children end when the parent closes their input.
			signal.Ignore(os.Interrupt)
			return role(os.Stdin, stdout)
		}
	}
	o, err := parseOptions(args, stderr)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	report, err := measure(ctx, o)
	if err != nil {
		return err
	}
	if o.write != "" {
		if err := writeResults(o.write, report); err != nil {
			return err
		}
	}
	if o.json {
		e := json.NewEncoder(stdout)
		e.SetIndent("", "  ")
		return e.Encode(report)
	}
	return writeMarkdown(stdout, report)
}

// options is the command line.
type options struct {
	short   bool
	json    bool
	write   string // file whose Results section is replaced; empty: none
	only    *regexp.Regexp
	engines []string
	kith    string // program to measure; empty: built from cmd/kith
	dir     string // where files go
	pairs   int    // pairs on disk in the footprint scenario
	events  int    // events in the backlog that a live server collects
	waiting int    // events waiting at a start
	// profiles is the directory for CPU profiles of Kith; empty: none are made.
	profiles string
	// brief bounds the length of phases; 0: no bound. Only the test of the benchmark itself sets it.
	brief time.Duration
	log   io.Writer
}

func parseOptions(args []string, stderr io.Writer) (options, error) {
	o := options{log: stderr}
	var only, engine string
	var write bool
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.BoolVar(&o.short, "short", false, "small sizes and short phases: about two minutes, for a first look only")
	f.BoolVar(&o.json, "json", false, "print JSON instead of Markdown")
	f.BoolVar(&write, "write", false, "also replace the Results section of bench/README.md; run it from the top of the repository")
	f.StringVar(&only, "only", "", "run only scenarios whose name matches this `regexp`: "+scenarioNames())
	f.StringVar(&engine, "engine", "both", "sqlite, postgres or both")
	f.StringVar(&o.kith, "kith", "", "`path` of the kith program; built from cmd/kith when empty")
	f.StringVar(&o.dir, "dir", "", "`directory` for data, on the disk that is to be measured; the system's temporary one when empty")
	f.StringVar(&o.profiles, "profile", "", "`directory` for CPU profiles of kith, one for each throughput case, made in a round that does not count")
	f.IntVar(&o.pairs, "pairs", 0, "`pairs` on disk for the footprint (default 10 million, with -short 50,000)")
	f.IntVar(&o.events, "backlog", 0, "`events` in the backlog (default 200,000, with -short 10,000)")
	f.IntVar(&o.waiting, "waiting", 0, "`events` waiting at a start (default 1 million, with -short 20,000)")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if f.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q; see -help", f.Arg(0))
	}
	var err error
	if o.only, err = regexp.Compile(only); err != nil {
		return o, fmt.Errorf("-only is not a regular expression: %w", err)
	}
	switch engine {
	case "both":
		o.engines = []string{engineSQLite, enginePostgres}
	case engineSQLite, enginePostgres:
		o.engines = []string{engine}
	default:
		return o, fmt.Errorf("-engine is sqlite, postgres or both, not %q", engine)
	}
	if write {
		o.write = "bench/README.md"
	}
	o.sizes()
	return o, nil
}

// sizes fills in the sizes that were not given.
func (o *options) sizes() {
	pick := func(value *int, full, short int) {
		if *value <= 0 {
			*value = full
			if o.short {
				*value = short
			}
		}
	}
	pick(&o.pairs, 10_000_000, 50_000)
	pick(&o.events, 200_000, 10_000)
	pick(&o.waiting, 1_000_000, 20_000)
}
