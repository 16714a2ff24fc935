package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/kithchat/kith/internal/operator"
)

func (c *cli) callbackPauseCommand() *cobra.Command {
	var req operator.PauseCallback
	cmd := c.appClientCommand("pause SDKAPPID", "Hold an app's callbacks back until they are resumed; none is lost", nil,
		func(ctx context.Context, client *operator.Client, id uint32, _ []string) error {
			callback, err := client.PauseCallback(ctx, id, req)
			if err != nil {
				return err
			}
			return c.printCallback(callback)
		})
	cmd.Flags().StringVar(&req.Reason, "reason", "", "`text` that says why, for people")
	return cmd
}

func (c *cli) callbackResumeCommand() *cobra.Command {
	return c.appClientCommand("resume SDKAPPID", "Let an app's callbacks go again, whoever paused them", nil,
		func(ctx context.Context, client *operator.Client, id uint32, _ []string) error {
			callback, err := client.ResumeCallback(ctx, id)
			if err != nil {
				return err
			}
			return c.printCallback(callback)
		})
}
