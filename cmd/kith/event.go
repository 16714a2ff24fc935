package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/kithchat/kith/internal/operator"
	"github.com/kithchat/kith/internal/relation"
)

func (c *cli) eventsCommand() *cobra.Command {
	var app uint32
	cmd := c.clientCommand("events", "Show how many events wait for each app; find events, follow them", nil,
		func(ctx context.Context, client *operator.Client, _ []string) error {
			return c.outbox(ctx, client, app)
		})
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		return misuse("there is no command %q; `%s --help` lists them", args[0], cmd.CommandPath())
	}
	c.addAppFlag(cmd, &app)
	cmd.AddCommand(c.eventsListCommand(), c.eventsShowCommand(), c.eventsTailCommand(), c.eventsParkCommand(), c.eventsRetryCommand())
	return cmd
}

func (c *cli) outbox(ctx context.Context, client *operator.Client, app uint32) error {
	outbox, err := client.Outbox(ctx, app)
	if err != nil {
		return err
	}
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

func (c *cli) eventsListCommand() *cobra.Command {
	var q operator.EventQuery
	cmd := c.clientCommand("list", "List events, newest first", nil,
		func(ctx context.Context, client *operator.Client, _ []string) error {
			if q.Limit < 1 {
				return misuse("--limit must be 1 or more, not %d", q.Limit)
			}
			found, err := listEvents(ctx, client, q)
			if err != nil {
				return err
			}
			return c.print(found, func(w io.Writer) { writeEvents(w, found, q) })
		})
	c.addEventFlags(cmd, &q)
	fs := cmd.Flags()
	fs.StringVar(&q.ToAccount, "to-account", "", "only of this To_Account (`UserID`), one that entered or left the list")
	fs.StringVar((*string)(&q.State), "state", "", "only in this `state`: "+list(relation.States()))
	fs.StringVar(&q.From, "from", "", "only made since this `time`, as 2026-01-31T12:00:00Z, or that long ago, as 2h or 7d")
	fs.StringVar(&q.To, "to", "", "only made before this `time`")
	fs.IntVar(&q.Limit, "limit", operator.DefaultEventPage, "list at most `N`")
	complete(cmd, "state", texts(relation.States()))
	return cmd
}

// addEventFlags adds what narrows a search and a stream alike.
func (c *cli) addEventFlags(cmd *cobra.Command, q *operator.EventQuery) {
	c.addAppFlag(cmd, &q.SDKAppID)
	cmd.Flags().StringVar(&q.Account, "account", "", "only of this From_Account (`UserID`)")
	addCommandFlag(cmd, (*string)(&q.Command))
}

func addCommandFlag(cmd *cobra.Command, command *string) {
	cmd.Flags().StringVar(command, "command", "", "only of this callback `command`: "+list(relation.EventKinds()))
	complete(cmd, "command", texts(relation.EventKinds()))
}

// listEvents reads pages until it has as many as q.Limit, or all.
func listEvents(ctx context.Context, client *operator.Client, q operator.EventQuery) (operator.EventPage, error) {
	all, most := operator.EventPage{Events: []operator.Event{}}, q.Limit
	for {
		q.Limit = min(most-len(all.Events), operator.MaxEventPage)
		page, err := client.Events(ctx, q)
		if err != nil {
			return all, err
		}
		all.Events, all.Next, q.Before = append(all.Events, page.Events...), page.Next, page.Next
		if page.Next == "" || len(all.Events) >= most {
			return all, nil
		}
	}
}

func writeEvents(w io.Writer, found operator.EventPage, q operator.EventQuery) {
	if len(found.Events) == 0 {
		text := "No event matches."
		if q.Account != "" {
			text = fmt.Sprintf("No event matches that has %s as From_Account; --to-account finds those that tell of it.", q.Account)
		}
		row(w, text)
		return
	}
	row(w, "CREATED", "SDKAPPID", "STATE", "SETTLED", "COMMAND", "ACCOUNT", "TELLS", "ATTEMPTS", "REASON", "ID")
	for _, e := range found.Events {
		row(w, exactly(e.Created), e.SDKAppID, e.State, settled(e), e.Command, e.FromAccount, tells(e), e.Attempts, brief(e.Reason), e.ID)
	}
	if found.Next != "" {
		row(w, fmt.Sprintf("There may be more; see --limit, now %d.", q.Limit))
	}
}

// settled is how long after its making an event was delivered or given up.
func settled(e operator.Event) string {
	if e.Settled.IsZero() {
		return "-"
	}
	return "+" + span(e.Settled.Sub(e.Created))
}

// tells says in short what an event tells.
func tells(e operator.Event) string {
	switch {
	case e.Change != nil && len(e.Change.Kicked) > 0:
		return fmt.Sprintf("%s, %s, put out %s", e.Change.Action, e.Change.Reason, list(e.Change.Kicked))
	case e.Change != nil:
		return e.Change.Action + ", " + e.Change.Reason
	}
	return targets(e.ToAccount)
}

// targets names the first of many accounts.
func targets(names []string) string {
	if len(names) <= 1 {
		return list(names)
	}
	return fmt.Sprintf("%s +%d", names[0], len(names)-1)
}

// brief is the beginning of the first clause of a reason, for a table.
func brief(reason string) string {
	first, _, _ := strings.Cut(reason, ";")
	return dash(cut(first, 80))
}

func dash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}
