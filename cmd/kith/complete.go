package main

import (
	"context"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/kithchat/kith/internal/operator"
)

// completeTime is how long the shell waits for the server when it completes an app.
const completeTime = 2 * time.Second

// complete lets the shell complete the values of a flag.
func complete(cmd *cobra.Command, flag string, values []string) {
	_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)) // the flag is there
}

// addAppFlag adds --app, which the shell completes by asking the server.
func (c *cli) addAppFlag(cmd *cobra.Command, app *uint32) {
	cmd.Flags().Uint32Var(app, "app", 0, "only of the app with this `SDKAPPID`")
	_ = cmd.RegisterFlagCompletionFunc("app", func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		return c.completeApps(cmd.Context(), flagsOf(cmd)), cobra.ShellCompDirectiveNoFileComp
	})
}

// eventAppUsage explains --app where an event is named, whose id is its app's already.
const eventAppUsage = "refuse an event that is not of the app with this `SDKAPPID`"

// flagsOf returns how to reach the server, as given so far.
func flagsOf(cmd *cobra.Command) *clientFlags {
	flags := &clientFlags{set: cmd.Flags().Changed}
	flags.operator, _ = cmd.Flags().GetString("operator")
	flags.token, _ = cmd.Flags().GetString("operator-token")
	flags.cert, _ = cmd.Flags().GetString("operator-cert")
	flags.data, _ = cmd.Flags().GetString("data")
	return flags
}

// completeApps returns the apps of the server with their names, nothing when it cannot be asked.
func (c *cli) completeApps(ctx context.Context, flags *clientFlags) []string {
	client, err := c.client(flags)
	if err != nil {
		return nil
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, completeTime)
	defer cancel()
	list, err := client.Apps(ctx)
	if err != nil {
		return nil
	}
	return appTexts(list.Apps)
}

func appTexts(apps []operator.App) []string {
	found := []string{}
	for _, app := range apps {
		found = append(found, cobra.CompletionWithDesc(strconv.FormatUint(uint64(app.SDKAppID), 10), visible(app.Name)))
	}
	return found
}

// texts returns words as plain text.
func texts[T ~string](words []T) []string {
	found := make([]string, len(words))
	for i, word := range words {
		found[i] = string(word)
	}
	return found
}
