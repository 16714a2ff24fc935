package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/kithchat/kith/internal/operator"
)

// replayFlags say what to send again, and how.
type replayFlags struct {
	req       operator.CreateReplay
	rate      float64
	wait, yes bool
}

func (c *cli) replayCommand() *cobra.Command {
	var f replayFlags
	cmd := &cobra.Command{
		Use: "replay [EVENT_ID]", Short: "Send settled events again, with the ids they had, marked as replay",
		Long: "Send settled events again, those of each account in order, with the ids they had and the header kith-replay.\n\n" +
			"Name one event, or with --app the app whose events to send: all that are kept, or those that the other flags select. " +
			"Events that still wait are never selected, since they are sent anyway.",
	}
	flags := addClientFlags(cmd)
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if len(args) <= 1 {
			return nil
		}
		return misuse("replay takes one EVENT_ID, but got %d; see `%s --help`", len(args), cmd.CommandPath())
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := f.check(cmd.Flags().Changed, args); err != nil {
			return err
		}
		client, err := c.client(flags)
		if err != nil {
			return err
		}
		defer client.Close()
		return c.startReplay(cmd.Context(), client, f)
	}
	c.addReplayFlags(cmd, &f)
	cmd.AddCommand(c.replayListCommand(), c.replayShowCommand(), c.replayRateCommand(),
		c.replayOrderCommand("pause", "Pause a replay", (*operator.Client).PauseReplay),
		c.replayOrderCommand("resume", "Go on with a paused replay", (*operator.Client).ResumeReplay),
		c.replayOrderCommand("cancel", "End a replay for good", (*operator.Client).CancelReplay))
	return cmd
}

func (c *cli) addReplayFlags(cmd *cobra.Command, f *replayFlags) {
	c.addAppFlag(cmd, &f.req.SDKAppID)
	cmd.Flags().Lookup("app").Usage = "of the app with this `SDKAPPID`; left out: that of the event that is named"
	addCommandFlag(cmd, (*string)(&f.req.Command))
	fs := cmd.Flags()
	fs.BoolVar(&f.req.Dead, "dead", false, "only dead letters")
	fs.StringVar(&f.req.Account, "account", "", "only of this From_Account (`UserID`)")
	fs.StringVar(&f.req.From, "from", "", "only made since this `time`, as 2026-01-31T12:00:00Z, or that long ago, as 2h or 7d")
	fs.StringVar(&f.req.To, "to", "", "only made before this `time`")
	fs.StringVar(&f.req.After, "after", "", "only what came after this `position`, as an export prints it")
	fs.Float64Var(&f.rate, "rate", 0, "at most `N` events a second; as fast as the endpoint takes them unless given")
	fs.BoolVar(&f.req.DryRun, "dry-run", false, "only count")
	fs.BoolVar(&f.wait, "wait", false, "wait until everything was sent, and show how far it is")
	fs.BoolVarP(&f.yes, "yes", "y", false, "do not ask")
}

// check refuses what cannot be meant, and puts what was given into the request.
func (f *replayFlags) check(given func(string) bool, args []string) error {
	if len(args) == 1 {
		f.req.ID = args[0]
	}
	switch {
	case f.req.ID == "" && f.req.SDKAppID == 0:
		return misuse("name an event, or an app with --app SDKAPPID")
	case given("rate") && !(f.rate > 0 && !math.IsInf(f.rate, 0)):
		return misuse("--rate must be more than 0 events a second, not %g", f.rate)
	case f.wait && f.req.DryRun:
		return misuse("--dry-run sends nothing that --wait could wait for; choose one")
	}
	take(&f.req.Rate, &f.rate, given("rate"))
	return nil
}

// startReplay counts, asks, and then creates the replay.
func (c *cli) startReplay(ctx context.Context, client *operator.Client, f replayFlags) error {
	if f.req.SDKAppID == 0 {
		event, err := client.Event(ctx, 0, f.req.ID)
		if err != nil {
			return err
		}
		f.req.SDKAppID = event.SDKAppID
	}
	if f.req.DryRun || c.asks() && !f.yes {
		counting := f.req
		counting.DryRun = true
		counted, err := client.CreateReplay(ctx, counting)
		if err != nil {
			return err
		}
		if f.req.DryRun {
			return c.print(counted, func(w io.Writer) { row(w, fmt.Sprintf("%s would be sent again.", eventCount(counted.Selected))) })
		}
		if counted.Selected > 0 && !c.agrees(fmt.Sprintf("Send %s of app %d again?", eventCount(counted.Selected), f.req.SDKAppID)) {
			return errors.New("nothing was sent")
		}
	}
	made, err := createReplay(ctx, client, f.req)
	if err != nil {
		return err
	}
	if made.Replay == nil {
		return c.print(made, func(w io.Writer) {
			row(w, "There is nothing to send again: no event matches. Events that still wait are sent anyway.")
		})
	}
	if f.wait {
		return c.awaitReplay(ctx, client, *made.Replay)
	}
	return c.print(made, func(w io.Writer) {
		row(w, fmt.Sprintf("Sending %s again: replay %s", eventCount(made.Selected), made.Replay.ID))
		row(w, "`kith replay show "+made.Replay.ID+"` says how far it is.")
	})
}

// createTries is how often a replay is created while the server cannot tell whether it was.
const createTries = 3

// createReplay creates a replay once, however often it has to ask: all tries name it alike.
func createReplay(ctx context.Context, client *operator.Client, req operator.CreateReplay) (operator.CreatedReplay, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return operator.CreatedReplay{}, err
	}
	req.Replay = id.String()
	for try := 1; ; try++ {
		made, err := client.CreateReplay(ctx, req)
		if err == nil || try == createTries || !passing(err) {
			return made, err
		}
		select {
		case <-time.After(waitEvery):
		case <-ctx.Done():
			return operator.CreatedReplay{}, ctx.Err()
		}
	}
}

func eventCount(n int64) string { return count(n, "event", "events") }
