package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/kithchat/kith/internal/operator"
	"github.com/kithchat/kith/internal/relation"
)

// waitEvery is how often a replay that is waited for is looked at.
const waitEvery = 500 * time.Millisecond

// awaitReplay shows how far a replay is until it ends. It fails unless everything was delivered.
func (c *cli) awaitReplay(ctx context.Context, client *operator.Client, replay operator.Replay) error {
	shown := ""
	tick := time.NewTicker(waitEvery)
	defer tick.Stop()
	for {
		if line := progressLine(replay); line != shown {
			c.showProgress(line)
			shown = line
		}
		if !replay.State.Open() {
			break
		}
		select {
		case <-ctx.Done():
			c.endProgress()
			return fmt.Errorf("no longer waiting; the replay goes on, see `kith replay show %s`", replay.ID)
		case <-tick.C:
		}
		looked, err := client.Replay(ctx, replay.ID)
		if refusal, ok := errors.AsType[*operator.Error](err); ok && !passing(refusal) {
			c.endProgress()
			return err
		}
		if err == nil { // else the server is away; the replay goes on when it is back
			replay = looked
		}
	}
	c.endProgress()
	if err := c.printReplay(replay); err != nil {
		return err
	}
	switch {
	case replay.State == relation.ReplayCancelled:
		return errors.New("the replay was cancelled")
	case replay.Failed > 0:
		return fmt.Errorf("%s could not be delivered and stay what they were%s", eventCount(replay.Failed), detail(replay.Note))
	case !replay.Selection.Dead && replay.Delivered < replay.Total:
		return fmt.Errorf("%s could not be sent%s", eventCount(replay.Total-replay.Delivered), detail(replay.Note))
	}
	return nil
}

func progressLine(r operator.Replay) string {
	line := fmt.Sprintf("%s: %s", r.State, progress(r))
	if r.Note != "" {
		line += " (" + r.Note + ")"
	}
	return visible(line)
}

// showProgress shows a line that the next one replaces on a terminal. Elsewhere each is a line of its own.
func (c *cli) showProgress(line string) {
	if isTerminal(c.err) {
		_, _ = fmt.Fprintf(c.err, "\r\x1b[K%s", line)
		return
	}
	c.say("%s", line)
}

func (c *cli) endProgress() {
	if isTerminal(c.err) {
		_, _ = fmt.Fprintln(c.err)
	}
}

// asks reports whether there is somebody to ask.
func (c *cli) asks() bool { return isTerminal(c.in) && isTerminal(c.err) }

// agrees asks a question that only yes answers.
func (c *cli) agrees(question string) bool {
	_, _ = fmt.Fprintf(c.err, "%s [y/N] ", question)
	answer, _ := bufio.NewReader(c.in).ReadString('\n') // no answer is no
	answer = strings.ToLower(strings.TrimSpace(answer))
	return answer == "y" || answer == "yes"
}
