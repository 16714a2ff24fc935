package main

import (
	"context"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/kithchat/kith/cmd/kith/internal/demo"
)

// demoPause is the wait between steps when a person watches.
const demoPause = 350 * time.Millisecond

func (c *cli) demoCommand() *cobra.Command {
	var web bool
	var listen string
	cmd := &cobra.Command{
		Use: "demo", Short: "Show a block, an unblock and the callbacks they cause, on a server of its own",
		Args: arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if web {
				return c.webDemo(cmd.Context(), listen)
			}
			if cmd.Flags().Changed("web-listen") {
				return misuse("--web-listen goes with --web")
			}
			_, plain := c.env("NO_COLOR")
			watched := isTerminal(c.out) && !c.json
			options := demo.Options{Out: c.out, Version: buildVersion(), Color: watched && !plain}
			if watched {
				options.Pause = demoPause
			}
			if c.json {
				options.Out = io.Discard
			}
			report, err := demo.Run(cmd.Context(), options)
			if err == nil && c.json {
				err = c.print(report, nil)
			}
			if err == nil {
				err = report.Err()
			}
			return err
		},
	}
	cmd.Flags().BoolVar(&web, "web", false, "serve it as a web page, until interrupted")
	cmd.Flags().StringVar(&listen, "web-listen", "127.0.0.1:0", "loopback `address` of the page; port 0 takes a free one")
	return cmd
}

// webDemo serves the page until the program is interrupted.
func (c *cli) webDemo(ctx context.Context, listen string) error {
	var printing error
	err := demo.RunWeb(ctx, demo.WebOptions{
		Listen: listen, Version: buildVersion(),
		Started: func(info demo.WebInfo) {
			printing = c.print(info, func(w io.Writer) {
				row(w, "page", info.Page+"  (open it in a browser)")
				row(w, "Kith", info.Kith+"  (its data goes away with it; Ctrl-C ends both)")
			})
		},
	})
	if err == nil {
		err = printing
	}
	return err
}

// isTerminal reports whether a stream belongs to a person.
func isTerminal(stream any) bool {
	file, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}
