package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/kithchat/kith/internal/operator"
	"github.com/kithchat/kith/internal/relation"
)

func (c *cli) eventsTailCommand() *cobra.Command {
	var q operator.EventQuery
	var followed bool
	cmd := &cobra.Command{Use: "tail", Short: "Print the newest events; with -f, attempts as they end", Args: arguments()}
	flags := addClientFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if q.Limit < 0 {
			return misuse("--lines must be 0 or more, not %d", q.Limit)
		}
		t := &tail{cli: c, q: q}
		again := false
		if !followed {
			client, err := c.client(flags)
			if err != nil {
				return err
			}
			defer client.Close()
			return t.newest(cmd.Context(), client)
		}
		return c.follow(cmd.Context(), flags, func(ctx context.Context, client *operator.Client, alive func()) error {
			told := false
			return client.Tail(ctx, q, func(line operator.TailLine) error {
				alive()
				if !told {
					told = true
					if c.say("following attempts; interrupt to end"); again {
						c.say("attempts that ended while the connection was lost are not shown; `kith events list` has their events")
					}
					again = true
				}
				return t.line(ctx, client, line)
			})
		})
	}
	c.addEventFlags(cmd, &q)
	cmd.Flags().BoolVarP(&followed, "follow", "f", false, "go on with attempts as they end, until interrupted")
	cmd.Flags().IntVarP(&q.Limit, "lines", "n", 10, "begin with the newest `N` events")
	return cmd
}

// tail prints events as they come.
type tail struct {
	*cli
	q     operator.EventQuery
	begun bool  // the newest events were printed
	lost  int64 // what was said to be lost
}

// newest prints the newest events, the oldest of them first.
func (t *tail) newest(ctx context.Context, client *operator.Client) error {
	t.begun = true
	if t.q.Limit == 0 {
		return nil
	}
	page, err := listEvents(ctx, client, t.q)
	if err != nil {
		return err
	}
	for _, e := range slices.Backward(page.Events) {
		line := cells(date(e.Created), 19, e.State, 9, e.Command, 27, e.FromAccount, 16, tells(e), 10, brief(e.Reason), 0, e.ID, 0)
		if err := t.printLine(map[string]operator.Event{"event": e}, line); err != nil {
			return err
		}
	}
	return nil
}

// line prints a line of the stream. The newest events come when the stream has begun, so that nothing is missed between.
func (t *tail) line(ctx context.Context, client *operator.Client, line operator.TailLine) error {
	if !t.begun {
		if err := t.newest(ctx, client); err != nil {
			return err
		}
	}
	if line.Lost > t.lost {
		t.say("%d attempts were not shown, because this command did not keep up", line.Lost-t.lost)
	}
	t.lost = line.Lost
	a := line.Activity
	if a == nil {
		return nil
	}
	return t.printLine(map[string]*operator.Activity{"activity": a}, cells(date(a.Attempt.At), 19, a.Verdict, 9, a.Event.Command, 27,
		a.Event.FromAccount, 16, tells(a.Event), 10, outcome(a), 0, a.Event.ID, 0))
}

// outcome says in short what came of an attempt.
func outcome(a *operator.Activity) string {
	text := fmt.Sprintf("attempt %d, %s, %s", a.Attempt.Number, answered(a.Attempt), took(a.Attempt.DurationMS))
	if a.Verdict == "retry" && a.Event.State == relation.StateRetrying {
		text += ", again at " + clock(a.Due)
	}
	if a.Attempt.Replay != "" {
		text += ", replay"
	}
	if a.Test {
		text += ", test"
	}
	return text
}

func answered(a operator.Attempt) string {
	switch {
	case a.Reason == "":
		return status(a.Status)
	case a.Detail == "":
		return a.Reason
	}
	return a.Reason + " (" + a.Detail + ")"
}

// date shows a day and its time in UTC.
func date(at time.Time) string { return at.UTC().Format(time.DateTime) }

// clock shows the time of a day in UTC.
func clock(at time.Time) string { return at.UTC().Format(time.TimeOnly) }

// cells joins values into a line: after each comes the width that it has at least. Lines of a stream have no table to be
// aligned in.
func cells(valuesAndWidths ...any) string {
	var line strings.Builder
	for pair := range slices.Chunk(valuesAndWidths, 2) {
		width, _ := pair[1].(int)
		fmt.Fprintf(&line, "%-*s  ", width, visible(fmt.Sprint(pair[0])))
	}
	return strings.TrimRight(line.String(), " ")
}

// printLine prints a line of a stream: the value as JSON with --json, else the text.
func (c *cli) printLine(value any, text string) error {
	if !c.json {
		_, err := fmt.Fprintln(c.out, text)
		return printed(err)
	}
	return printed(c.encoder().Encode(value))
}

// say tells people something that is not output.
func (c *cli) say(format string, args ...any) {
	_, _ = fmt.Fprintf(c.err, "kith: %s\n", visible(fmt.Sprintf(format, args...)))
}
