package main

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	"github.com/kithchat/kith/internal/operator"
)

// pemFile is a file in PEM, as --json prints it.
type pemFile struct {
	PEM string `json:"pem"`
}

func (c *cli) caCommand() *cobra.Command {
	return c.group("ca", "Show the CA that issues client certificates", c.caShowCommand())
}

func (c *cli) caShowCommand() *cobra.Command {
	return c.clientCommand("show", "Print the CA's certificate in PEM, which endpoints verify client certificates against", nil,
		func(ctx context.Context, client *operator.Client, _ []string) error {
			text, err := client.CA(ctx)
			if err != nil {
				return err
			}
			return c.printPEM(text)
		})
}

func (c *cli) callbackCertCommand() *cobra.Command {
	return c.appClientCommand("cert SDKAPPID", "Print the certificate in PEM that the app's endpoint is shown, without its key", nil,
		func(ctx context.Context, client *operator.Client, id uint32, _ []string) error {
			text, err := client.ClientCert(ctx, id)
			if err != nil {
				return err
			}
			return c.printPEM(text)
		})
}

func (c *cli) printPEM(text string) error {
	return c.print(pemFile{text}, func(w io.Writer) { _, _ = io.WriteString(w, text) })
}
