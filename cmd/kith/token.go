package main

import (
	"cmp"
	"context"
	"io"

	"github.com/spf13/cobra"

	"github.com/kithchat/kith/internal/operator"
)

func (c *cli) tokenCommand() *cobra.Command {
	return c.group("token", "Make, list and drop tokens that open one app's callbacks and events only",
		c.tokenCreateCommand(), c.tokenListCommand(), c.tokenDropCommand())
}

func (c *cli) tokenCreateCommand() *cobra.Command {
	var req operator.CreateToken
	cmd := c.appClientCommand("create SDKAPPID", "Make a token and print it, this once; use it as KITH_OPERATOR_TOKEN", nil,
		func(ctx context.Context, client *operator.Client, id uint32, _ []string) error {
			token, err := client.CreateToken(ctx, id, req)
			if err != nil {
				return err
			}
			return c.print(token, func(w io.Writer) {
				writeToken(w, token.Token)
				row(w, "token", token.Secret+"  (shown this once)")
			})
		})
	cmd.Flags().StringVar(&req.Name, "name", "", "`name`, for people: who or what uses the token")
	return cmd
}

func (c *cli) tokenListCommand() *cobra.Command {
	return c.appClientCommand("list SDKAPPID", "List an app's tokens", nil,
		func(ctx context.Context, client *operator.Client, id uint32, _ []string) error {
			app, err := client.App(ctx, id)
			if err != nil {
				return err
			}
			return c.printTokens(app.Tokens)
		})
}

func (c *cli) tokenDropCommand() *cobra.Command {
	return c.appClientCommand("drop SDKAPPID ID", "Make a token useless", []string{"ID"},
		func(ctx context.Context, client *operator.Client, id uint32, args []string) error {
			app, err := client.DropToken(ctx, id, args[0])
			if err != nil {
				return err
			}
			return c.printTokens(app.Tokens)
		})
}

func (c *cli) printTokens(tokens []operator.Token) error {
	return c.print(tokens, func(w io.Writer) {
		if len(tokens) == 0 {
			row(w, "The app has no tokens; `kith app token create` makes one.")
			return
		}
		row(w, "ID", "NAME", "CREATED")
		for _, token := range tokens {
			row(w, token.ID, cmp.Or(token.Name, "-"), when(token.Created))
		}
	})
}

func writeToken(w io.Writer, token operator.Token) {
	row(w, "id", token.ID)
	row(w, "name", cmp.Or(token.Name, "-"))
	row(w, "created", when(token.Created))
}
