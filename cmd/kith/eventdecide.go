package main

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	"github.com/kithchat/kith/internal/operator"
	"github.com/kithchat/kith/internal/relation"
)

func (c *cli) eventsParkCommand() *cobra.Command {
	return c.eventOrderCommand("park", "Give up the event that its account waits for: it is a dead letter now, and later events go on",
		(*operator.Client).ParkEvent)
}

func (c *cli) eventsRetryCommand() *cobra.Command {
	return c.eventOrderCommand("retry", "Try the event that its account waits for at once, instead of when it is due",
		(*operator.Client).RetryEvent)
}

// eventOrderCommand makes a command that does something with an event and shows it. The shell completes events that wait for
// another attempt.
func (c *cli) eventOrderCommand(
	verb, short string, order func(*operator.Client, context.Context, uint32, string) (operator.EventDetail, error),
) *cobra.Command {
	var app uint32
	cmd := c.clientCommand(verb+" ID", short, []string{"ID"},
		func(ctx context.Context, client *operator.Client, args []string) error {
			event, err := order(client, ctx, app, args[0])
			if err != nil {
				return err
			}
			return c.print(event, func(w io.Writer) { writeEvent(w, event) })
		})
	c.addAppFlag(cmd, &app)
	cmd.Flags().Lookup("app").Usage = eventAppUsage
	cmd.ValidArgsFunction = func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return c.completeRetrying(cmd, app), cobra.ShellCompDirectiveNoFileComp
	}
	return cmd
}

// completeRetrying returns events that failed and are tried again, with their accounts.
func (c *cli) completeRetrying(cmd *cobra.Command, app uint32) []string {
	client, err := c.client(flagsOf(cmd))
	if err != nil {
		return nil
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(cmd.Context(), completeTime)
	defer cancel()
	page, err := client.Events(ctx, operator.EventQuery{SDKAppID: app, State: relation.StateRetrying})
	if err != nil {
		return nil
	}
	found := []string{}
	for _, e := range page.Events {
		found = append(found, cobra.CompletionWithDesc(e.ID, visible(e.FromAccount)))
	}
	return found
}
