package main

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// commandsOf returns a command and all below it.
func commandsOf(cmd *cobra.Command) []*cobra.Command {
	all := []*cobra.Command{cmd}
	for _, child := range cmd.Commands() {
		all = append(all, commandsOf(child)...)
	}
	return all
}

// goTypes are the words that help shows for a value unless it is told a better one.
var goTypes = regexp.MustCompile(`^(string|strings|stringArray|stringSlice|u?int\d*|float\d*|value)$`)

// Help says in a phrase what each flag does, and in a word what its value is.
func TestHelpExplainsEachFlag(t *testing.T) {
	for _, cmd := range commandsOf((&cli{}).rootCommand()) {
		check := func(f *pflag.Flag) {
			name := cmd.CommandPath() + " --" + f.Name
			word, usage := pflag.UnquoteUsage(f)
			if len(strings.TrimSpace(usage)) < len("of") || strings.HasSuffix(usage, ".") || strings.TrimSpace(usage) != usage {
				t.Errorf("%s is explained by %q", name, usage)
			}
			if goTypes.MatchString(word) || word == "" && f.Value.Type() != "bool" || strings.Contains(word, " ") {
				t.Errorf("%s takes a %q, which says nothing to people", name, word)
			}
			if f.Value.Type() == "duration" && slices.Contains([]string{"", "0s"}, f.DefValue) && !strings.Contains(usage, "such as") {
				t.Errorf("%s does not show what a duration looks like: %q", name, usage)
			}
			if strings.HasSuffix(f.DefValue, "m0s") || strings.HasSuffix(f.DefValue, "h0m") {
				t.Errorf("%s has the default %q; leave the zeros out", name, f.DefValue)
			}
		}
		cmd.LocalFlags().VisitAll(check)
		if cmd.Short == "" || strings.HasSuffix(cmd.Short, ".") {
			t.Errorf("%s is explained by %q", cmd.CommandPath(), cmd.Short)
		}
	}
}

// The examples are command lines that can be called, and each tool of delivery that takes flags of its own has some.
func TestExamplesCanBeCalled(t *testing.T) {
	for path, lines := range examples {
		for _, line := range lines {
			line, _, _ = strings.Cut(line, " | ")
			line, _, _ = strings.Cut(line, " < ")
			args := regexp.MustCompile(`"[^"]*"|\S+`).FindAllString(line, -1)
			root := (&cli{}).rootCommand()
			cmd, rest, err := root.Find(args[1:])
			if err != nil || cmd.CommandPath() != "kith "+path {
				t.Errorf("%q calls %s, want %s: %v", line, cmd.CommandPath(), path, err)
				continue
			}
			if err := cmd.ParseFlags(rest); err != nil {
				t.Errorf("%q: %v", line, err)
			}
			if err := cmd.ValidateArgs(cmd.Flags().Args()); err != nil {
				t.Errorf("%q: %v", line, err)
			}
			if !strings.Contains(cmd.Example, line) {
				t.Errorf("the help of %s does not show %q", path, line)
			}
		}
	}
	for _, tool := range []string{"events", "replay", "listen", "trigger", "export", "endpoints", "app callback"} {
		cmd, _, err := (&cli{}).rootCommand().Find(strings.Fields(tool))
		if err != nil {
			t.Fatal(err)
		}
		for _, cmd := range commandsOf(cmd) {
			own := 0
			cmd.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) {
				if !slices.Contains([]string{"operator", "operator-token", "operator-cert", "data", "help"}, f.Name) {
					own++
				}
			})
			if own > 0 && cmd.Example == "" {
				t.Errorf("the help of %s has no example", cmd.CommandPath())
			}
		}
	}
}
