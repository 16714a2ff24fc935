package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/kithchat/kith/internal/operator"
	"github.com/kithchat/kith/internal/relation"
)

func (c *cli) triggerCommand() *cobra.Command {
	var app uint32
	var req operator.Trigger
	cmd := c.clientCommand("trigger COMMAND", "Send a marked test callback with the documented shape", []string{"COMMAND"},
		func(ctx context.Context, client *operator.Client, args []string) error {
			id, err := appOf(client, app, "--app SDKAPPID")
			if err != nil {
				return err
			}
			req.Command = relation.EventKind(args[0])
			report, err := client.Trigger(ctx, id, req)
			if err != nil {
				return err
			}
			return c.printCallbackReport(report)
		})
	cmd.Long = cmd.Short + ".\n\nIt carries the header kith-test: 1, is no event, and is not retried. Commands: " + list(relation.EventKinds()) + "."
	cmd.ValidArgs = texts(relation.EventKinds())
	c.addAppFlag(cmd, &app)
	cmd.Flags().Lookup("app").Usage = "of the app with this `SDKAPPID`; left out: the one that the token is good for"
	cmd.Flags().StringVar(&req.FromAccount, "from", "", "From_Account (`UserID`); one that says that it is a test unless given")
	cmd.Flags().StringSliceVar(&req.ToAccount, "to", nil, "To_Account of each pair (`UserIDs`, with commas between); one that says that it is a test unless given")
	return cmd
}

// appOf returns the app that a command is about: the given one, or the one that the token is good for. how is how to name one.
func appOf(client *operator.Client, given uint32, how string) (uint32, error) {
	if given != 0 {
		return given, nil
	}
	if own := client.OwnApp(); own != 0 {
		return own, nil
	}
	return 0, misuse("name the app with %s", how)
}
