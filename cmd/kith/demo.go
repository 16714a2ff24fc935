package main

import (
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/kithchat/kith/cmd/kith/internal/demo"
)

// demoPause is the wait between steps when a person watches.
const demoPause = 350 * time.Millisecond

func (c *cli) demoCommand() *cobra.Command {
	return &cobra.Command{
		Use: "demo", Short: "Show a block, an unblock and the callbacks they cause, on a server of its own",
		Args: arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
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
}

// isTerminal reports whether a stream belongs to a person.
func isTerminal(stream any) bool {
	file, ok := stream.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return false
	}
	null, err := os.Stat(os.DevNull) // the one character device that programs are often given instead
	return err != nil || !os.SameFile(info, null)
}
