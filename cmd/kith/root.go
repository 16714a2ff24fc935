package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kithchat/kith/internal/operator"
)

// Exit statuses.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
)

// cli is one call of the program: what surrounds it, and the flags that all commands have.
type cli struct {
	program  string // how the program was called
	in       io.Reader
	out, err io.Writer
	env      func(string) (string, bool)
	json     bool
}

// usageError says that the command line is wrong. Its sentence says what to change.
type usageError struct{ error }

func misuse(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// run carries out a command line and returns the exit status.
func (c *cli) run(ctx context.Context, args []string) int {
	root := c.rootCommand()
	root.SetArgs(args)
	root.SetIn(c.in)
	root.SetOut(c.out)
	root.SetErr(c.err)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitDone
	}
	for line := range strings.Lines(err.Error()) {
		_, _ = fmt.Fprintf(c.err, "kith: %s\n", visible(strings.TrimSuffix(line, "\n")))
	}
	if _, ok := errors.AsType[usageError](err); ok {
		return exitUsage
	}
	if refusal, ok := errors.AsType[*operator.Error](err); ok && refusal.Code == operator.CodeInvalid {
		return exitUsage
	}
	return exitFailed
}

// parsing is what Go says of a number that is none, before the reason.
var parsing = regexp.MustCompile(`strconv\.\w+: parsing "(\\.|[^"\\])*": `)

func (c *cli) rootCommand() *cobra.Command {
	root := c.group("kith", "Kith keeps who blocks whom, and tells your app backend about every change",
		c.serveCommand(),
		c.appCommand(),
		c.caCommand(),
		c.userSigCommand(),
		c.eventsCommand(),
		c.replayCommand(),
		c.exportCommand(),
		c.endpointsCommand(),
		c.listenCommand(),
		c.triggerCommand(),
		c.backupCommand(),
		c.checkCommand(),
		c.configCommand(),
		c.demoCommand(),
		c.versionCommand(),
	)
	root.SilenceErrors, root.SilenceUsage = true, true
	root.PersistentFlags().BoolVar(&c.json, "json", false, "print JSON")
	addExamples(root)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		text := parsing.ReplaceAllString(err.Error(), "")
		return misuse("%s; see `%s --help`", text, cmd.CommandPath())
	})
	return root
}

// group is a command that only holds others.
func (c *cli) group(use, short string, commands ...*cobra.Command) *cobra.Command {
	group := &cobra.Command{
		Use: use, Short: short,
		Args: cobra.ArbitraryArgs, // unknown commands are told below, with the exit status of wrong use
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				cmd.SetOut(c.err)
				_ = cmd.Help()
				return misuse("name one of the commands above")
			}
			hint := ""
			if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
				hint = fmt.Sprintf("; did you mean %q?", near[0])
			}
			return misuse("there is no command %q%s; `%s --help` lists them", args[0], hint, cmd.CommandPath())
		},
	}
	group.AddCommand(commands...)
	return group
}

// arguments takes exactly the named arguments.
func arguments(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == len(names) {
			if i := slices.Index(args, ""); i >= 0 { // as of a variable that is not set
				return misuse("%s is empty; see `%s --help`", names[i], cmd.CommandPath())
			}
			return nil
		}
		want := "no arguments"
		if len(names) > 0 {
			want = strings.Join(names, " ")
		}
		name := strings.TrimPrefix(cmd.CommandPath(), cmd.Root().Name()+" ")
		return misuse("%s takes %s, but got %d; see `%s --help`", name, want, len(args), cmd.CommandPath())
	}
}

// parseSDKAppID reads the argument that names an app.
func parseSDKAppID(text string) (uint32, error) {
	id, err := strconv.ParseUint(text, 10, 32)
	if err != nil || id == 0 {
		return 0, misuse("%q is not an SDKAppID; give a whole number from 1 to 4294967295", text)
	}
	return uint32(id), nil
}
