package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/kithchat/kith/internal/operator"
)

// maxShownTargets is how many accounts of an event are shown to people; --json shows all.
const maxShownTargets = 20

func (c *cli) eventsShowCommand() *cobra.Command {
	var app uint32
	cmd := c.clientCommand("show ID", "Show an event with all its attempts, and say why it is in its state", []string{"ID"},
		func(ctx context.Context, client *operator.Client, args []string) error {
			event, err := client.Event(ctx, app, args[0])
			if err != nil {
				return err
			}
			return c.print(event, func(w io.Writer) { writeEvent(w, event) })
		})
	c.addAppFlag(cmd, &app)
	cmd.Flags().Lookup("app").Usage = eventAppUsage
	return cmd
}

func writeEvent(w io.Writer, e operator.EventDetail) {
	row(w, "id", e.ID)
	row(w, "app", e.SDKAppID)
	row(w, "command", e.Command)
	row(w, "account", e.FromAccount)
	row(w, "sequence", e.Seq)
	row(w, "tells", tells(e.Event))
	if len(e.ToAccount) > 0 {
		row(w, "to", shorten(e.ToAccount))
	}
	row(w, "from", e.ClientIP+", "+e.Platform)
	row(w, "created", exactly(e.Created))
	row(w, "state", e.State)
	row(w, "", e.Explanation)
	if len(e.Log) == 0 {
		return
	}
	row(w)
	row(w, "ATTEMPT", "AT", "TOOK", "STATUS", "REASON", "DETAIL", "NODE", "ANSWER")
	for _, a := range e.Log {
		row(w, attemptMark(a), exactly(a.At), took(a.DurationMS), status(a.Status), dash(a.Reason), dash(a.Detail), dash(a.Node), dash(oneLine(a.Answer)))
	}
}

// attemptMark is the number of an attempt, and whether it belongs to a replay or was Kith's own fault.
func attemptMark(a operator.Attempt) string {
	switch {
	case a.Replay != "":
		return "replay …" + a.Replay[max(0, len(a.Replay)-12):]
	case a.Fault:
		return fmt.Sprintf("%d (own fault)", a.Number)
	}
	return fmt.Sprint(a.Number)
}

func took(milliseconds float64) string {
	if milliseconds > 0 && milliseconds < 1 {
		return "<1ms"
	}
	return span(time.Duration(milliseconds * float64(time.Millisecond)))
}

func status(code int) string {
	if code == 0 {
		return "-"
	}
	return fmt.Sprint(code)
}

// shorten joins the first of many names.
func shorten(names []string) string {
	if len(names) <= maxShownTargets {
		return list(names)
	}
	return fmt.Sprintf("%s and %d more", list(names[:maxShownTargets]), len(names)-maxShownTargets)
}
