package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// fromInput is what a flag with a secret is set to when the secret stands in standard input: arguments end in the history of
// shells, and other users of the machine can see them.
const fromInput = "-"

// maxSecret is the longest secret in bytes that is read from standard input; all kinds are far shorter.
const maxSecret = 4096

// readSecret puts the line of standard input in the place of fromInput, and reports whether it did. Any other value stays. Its
// errors do not quote what was read.
func (c *cli) readSecret(ctx context.Context, flag string, value *string) (bool, error) {
	if *value != fromInput {
		return false, nil
	}
	if isTerminal(c.in) {
		_, _ = fmt.Fprintf(c.err, "Give the value of --%s, which is not shown, and press Enter: ", flag)
	}
	text, err := c.readLine(ctx)
	switch {
	case err != nil:
		return false, fmt.Errorf("read --%s from standard input: %w", flag, err)
	case len(text) > maxSecret:
		return false, misuse("standard input is longer than %d bytes, which is too long for --%s", maxSecret, flag)
	case text == "":
		return false, misuse("standard input is empty, but `--%s -` takes the value from there", flag)
	case strings.Contains(text, "\n"):
		return false, misuse("standard input has several lines, but `--%s -` takes one, which is the value", flag)
	}
	*value = text
	return true, nil
}

// readLine reads a line of a person, without showing it, or else all that there is, which should be one.
func (c *cli) readLine(ctx context.Context) (string, error) {
	if isTerminal(c.in) {
		return c.readHidden(ctx, int(c.in.(*os.File).Fd()))
	}
	all, err := io.ReadAll(io.LimitReader(c.in, maxSecret+3)) // one byte too many, and an end of line
	return strings.TrimSuffix(strings.TrimSuffix(string(all), "\n"), "\r"), err
}

// readHidden reads a line from a terminal. When ctx ends first, the terminal is as it was.
func (c *cli) readHidden(ctx context.Context, terminal int) (string, error) {
	before, err := term.GetState(terminal)
	if err != nil {
		return "", err
	}
	type typed struct {
		line []byte
		err  error
	}
	read := make(chan typed, 1)
	go func() {
		line, err := term.ReadPassword(terminal)
		read <- typed{line, err}
	}()
	defer func() { _, _ = fmt.Fprintln(c.err) }() // Enter was not shown either
	select {
	case t := <-read:
		if t.err == io.EOF {
			t.err = nil
		}
		return string(t.line), t.err
	case <-ctx.Done():
		return "", errors.Join(ctx.Err(), term.Restore(terminal, before))
	}
}
