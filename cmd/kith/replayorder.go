package main

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/kithchat/kith/internal/operator"
	"github.com/kithchat/kith/internal/relation"
)

func (c *cli) replayListCommand() *cobra.Command {
	var q operator.ReplayQuery
	cmd := c.clientCommand("list", "List replays, newest first", nil,
		func(ctx context.Context, client *operator.Client, _ []string) error {
			if q.Limit < 1 {
				return misuse("--limit must be 1 or more, not %d", q.Limit)
			}
			replays, err := listReplays(ctx, client, q)
			if err != nil {
				return err
			}
			return c.print(replays, func(w io.Writer) { writeReplays(w, replays, q.Limit) })
		})
	c.addAppFlag(cmd, &q.SDKAppID)
	cmd.Flags().IntVar(&q.Limit, "limit", operator.DefaultReplayPage, "list at most `N`")
	return cmd
}

// listReplays reads pages until it has as many as q.Limit, or all.
func listReplays(ctx context.Context, client *operator.Client, q operator.ReplayQuery) (operator.ReplayList, error) {
	all, most := operator.ReplayList{Replays: []operator.Replay{}}, q.Limit
	for {
		q.Limit = min(most-len(all.Replays), operator.MaxReplayPage)
		page, err := client.Replays(ctx, q)
		if err != nil {
			return all, err
		}
		all.Replays, all.Next, q.Before = append(all.Replays, page.Replays...), page.Next, page.Next
		if page.Next == "" || len(all.Replays) >= most {
			return all, nil
		}
	}
}

func (c *cli) replayShowCommand() *cobra.Command {
	return c.replayOrderCommand("show", "Show how far a replay is", (*operator.Client).Replay)
}

// replayOrderCommand makes a command that does something with a replay and shows it.
func (c *cli) replayOrderCommand(verb, short string, order func(*operator.Client, context.Context, string) (operator.Replay, error)) *cobra.Command {
	return c.clientCommand(verb+" ID", short, []string{"ID"},
		func(ctx context.Context, client *operator.Client, args []string) error {
			replay, err := order(client, ctx, args[0])
			if err != nil {
				return err
			}
			return c.printReplay(replay)
		})
}

func (c *cli) replayRateCommand() *cobra.Command {
	return c.clientCommand("rate ID RATE", "Send at most RATE events a second from now on; 0: as fast as the endpoint takes them", []string{"ID", "RATE"},
		func(ctx context.Context, client *operator.Client, args []string) error {
			rate, err := strconv.ParseFloat(args[1], 64)
			if err != nil {
				return misuse("RATE must be a number of events a second, not %q", args[1])
			}
			if err := checkRate("RATE", rate); err != nil {
				return err
			}
			replay, err := client.UpdateReplay(ctx, args[0], operator.UpdateReplay{Rate: &rate})
			if err != nil {
				return err
			}
			return c.printReplay(replay)
		})
}

func (c *cli) printReplay(replay operator.Replay) error {
	return c.print(replay, func(w io.Writer) { writeReplay(w, replay) })
}

func writeReplay(w io.Writer, r operator.Replay) {
	row(w, "id", r.ID)
	row(w, "app", r.SDKAppID)
	row(w, "sends", selects(r.Selection))
	row(w, "state", r.State)
	row(w, "progress", progress(r))
	row(w, "rate", replayRate(r.Rate))
	row(w, "created", when(r.Created))
	row(w, "updated", when(r.Updated))
	if r.Note != "" {
		row(w, "note", r.Note)
	}
}

func writeReplays(w io.Writer, found operator.ReplayList, limit int) {
	if len(found.Replays) == 0 {
		row(w, "There are no replays.")
		return
	}
	row(w, "CREATED", "SDKAPPID", "STATE", "SENDS", "PROGRESS", "ID")
	for _, r := range found.Replays {
		row(w, when(r.Created), r.SDKAppID, r.State, selects(r.Selection), progress(r), r.ID)
	}
	if found.Next != "" {
		row(w, fmt.Sprintf("There are more; see --limit, now %d.", limit))
	}
}

func progress(r operator.Replay) string {
	text := fmt.Sprintf("%d of %d", r.Delivered, r.Total)
	if r.Failed > 0 {
		text += fmt.Sprintf(", %d failed", r.Failed)
	}
	return text
}

func replayRate(rate float64) string {
	if rate == 0 {
		return "as the endpoint takes them"
	}
	return fmt.Sprintf("%g a second", rate)
}

// selects says in words what a replay sends.
func selects(s relation.ReplaySelection) string {
	if s.ID != "" {
		return "event " + s.ID
	}
	text := "all events"
	if s.Dead {
		text = "dead letters"
	}
	if s.Kind != "" {
		text += " " + string(s.Kind)
	}
	if s.Account != "" {
		text += " of " + s.Account
	}
	if !s.From.IsZero() {
		text += " from " + s.From.UTC().Format(time.RFC3339)
	}
	if !s.To.IsZero() {
		text += " to " + s.To.UTC().Format(time.RFC3339)
	}
	if s.After != "" {
		text += " after " + s.After
	}
	return text
}
