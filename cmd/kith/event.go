package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/kithchat/kith/internal/operator"
)

func (c *cli) eventsCommand() *cobra.Command {
	var dead bool
	var app uint32
	var limit int
	cmd := c.clientCommand("events", "Show how many events wait for each app, or list dead letters", nil,
		func(ctx context.Context, client *operator.Client, _ []string) error {
			if limit < 1 {
				return misuse("--limit must be 1 or more, not %d", limit)
			}
			if dead {
				return c.deadEvents(ctx, client, app, limit)
			}
			return c.outbox(ctx, client, app)
		})
	cmd.Flags().BoolVar(&dead, "dead", false, "list events that were given up, newest first")
	cmd.Flags().Uint32Var(&app, "app", 0, "only of the app with this `SDKAppID`")
	cmd.Flags().IntVar(&limit, "limit", operator.DefaultDeadPage, "list at most `N` dead letters")
	return cmd
}

func (c *cli) outbox(ctx context.Context, client *operator.Client, app uint32) error {
	outbox, err := client.Outbox(ctx)
	if err != nil {
		return err
	}
	if app != 0 {
		if _, err := client.App(ctx, app); err != nil {
			return err
		}
	}
	outbox.Apps = slices.DeleteFunc(outbox.Apps, func(s operator.OutboxStats) bool { return app != 0 && s.SDKAppID != app })
	return c.print(outbox, func(w io.Writer) {
		if len(outbox.Apps) == 0 {
			row(w, "Nothing waits, and there are no dead letters.")
			return
		}
		row(w, "SDKAPPID", "WAITING", "OLDEST", "DEAD")
		for _, s := range outbox.Apps {
			oldest := "-"
			if s.Waiting > 0 {
				oldest = span(time.Duration(s.AgeMS) * time.Millisecond)
			}
			row(w, s.SDKAppID, s.Waiting, oldest, s.Dead)
		}
	})
}

func (c *cli) deadEvents(ctx context.Context, client *operator.Client, app uint32, limit int) error {
	all := operator.DeadPage{Events: []operator.DeadEvent{}}
	for {
		page, err := client.DeadEvents(ctx, operator.DeadQuery{
			SDKAppID: app, Before: all.Next, Limit: min(limit-len(all.Events), operator.MaxDeadPage),
		})
		if err != nil {
			return err
		}
		all.Events, all.Next = append(all.Events, page.Events...), page.Next
		if page.Next == "" || len(all.Events) >= limit {
			break
		}
	}
	return c.print(all, func(w io.Writer) {
		if len(all.Events) == 0 {
			row(w, "There are no dead letters.")
			return
		}
		row(w, "PARKED", "SDKAPPID", "COMMAND", "ACCOUNT", "TELLS", "ATTEMPTS", "REASON", "ID")
		for _, e := range all.Events {
			row(w, when(e.Parked), e.SDKAppID, e.Command, e.FromAccount, tells(e), e.Attempts, e.Reason, e.ID)
		}
		if all.Next != "" {
			row(w, fmt.Sprintf("There may be more; see --limit, now %d.", limit))
		}
	})
}

// tells says in short what an event would have told.
func tells(e operator.DeadEvent) string {
	switch {
	case e.State != nil && len(e.State.Kicked) > 0:
		return fmt.Sprintf("%s, %s, put out %s", e.State.Action, e.State.Reason, list(e.State.Kicked))
	case e.State != nil:
		return e.State.Action + ", " + e.State.Reason
	case len(e.ToAccount) == 1:
		return "1 pair"
	}
	return fmt.Sprintf("%d pairs", len(e.ToAccount))
}
