package main

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// fromInput is what a flag with a secret is set to when the secret stands in standard input: arguments end in the history of
// shells, and other users of the machine can see them.
const fromInput = "-"

// maxSecret is the longest secret in bytes that is read from standard input; all kinds are far shorter.
const maxSecret = 4096

// readSecret puts the line of standard input in the place of fromInput, and reports whether it did. Any other value stays. Its
// errors do not quote what was read.
func (c *cli) readSecret(flag string, value *string) (bool, error) {
	if *value != fromInput {
		return false, nil
	}
	if isTerminal(c.in) {
		_, _ = fmt.Fprintf(c.err, "Give the value of --%s and press Enter: ", flag)
	}
	text, err := c.readLine()
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

// readLine reads a line, of a person, or else all that there is, which should be one.
func (c *cli) readLine() (string, error) {
	in := io.LimitReader(c.in, maxSecret+3) // one byte too many, and an end of line
	var text string
	if isTerminal(c.in) {
		line, err := bufio.NewReader(in).ReadString('\n')
		if err != nil && err != io.EOF {
			return "", err
		}
		text = line
	} else {
		all, err := io.ReadAll(in)
		if err != nil {
			return "", err
		}
		text = string(all)
	}
	return strings.TrimSuffix(strings.TrimSuffix(text, "\n"), "\r"), nil
}
