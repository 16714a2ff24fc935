package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/kithchat/kith/internal/config"
	"github.com/kithchat/kith/internal/operator"
)

// clientFlags say where the server is.
type clientFlags struct {
	operator, token, cert, data string
	set                         func(name string) bool
}

func addClientFlags(cmd *cobra.Command) *clientFlags {
	f := &clientFlags{set: cmd.Flags().Changed}
	fs := cmd.Flags()
	fs.StringVar(&f.operator, "operator", "", "`URL` of the server's operator API (also KITH_OPERATOR)")
	fs.StringVar(&f.token, "operator-token", "", "`token` of the operator API; rather use the variable KITH_OPERATOR_TOKEN, which other users of the machine cannot see")
	fs.StringVar(&f.cert, "operator-cert", "", "PEM `file` with the server's self-signed certificate (also KITH_OPERATOR_CERT)")
	fs.StringVar(&f.data, "data", config.Default().Data, "data `directory` of a server on this machine (also KITH_DATA)")
	return f
}

// fill takes what was not given as a flag from the environment. A --data that was given means that server, whatever
// KITH_OPERATOR says, and then KITH_OPERATOR_TOKEN is that one's.
func (f *clientFlags) fill(env func(string) (string, bool)) {
	_, elsewhere := env("KITH_OPERATOR")
	named := f.set("data")
	for _, v := range []struct {
		flag, variable string
		value          *string
	}{
		{"operator", "KITH_OPERATOR", &f.operator},
		{"operator-token", "KITH_OPERATOR_TOKEN", &f.token},
		{"operator-cert", "KITH_OPERATOR_CERT", &f.cert},
		{"data", "KITH_DATA", &f.data},
	} {
		text, ok := env(v.variable)
		if !ok || f.set(v.flag) || v.flag == "operator" && named || v.flag == "operator-token" && named && elsewhere {
			continue
		}
		*v.value = text
	}
}

// client connects to the server that flags and environment name.
func (c *cli) client(f *clientFlags) (*operator.Client, error) {
	f.fill(c.env)
	if f.operator == "" {
		return operator.FromDataDir(f.data, f.token)
	}
	client, err := operator.NewClient(operator.ClientOptions{URL: f.operator, Token: f.token, CertFile: f.cert})
	if err != nil {
		return nil, usageError{err}
	}
	return client, nil
}

// clientCommand makes a command that calls the server. The arguments are named by names.
func (c *cli) clientCommand(use, short string, names []string, call func(context.Context, *operator.Client, []string) error) *cobra.Command {
	cmd := &cobra.Command{Use: use, Short: short, Args: arguments(names...)}
	flags := addClientFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		client, err := c.client(flags)
		if err != nil {
			return err
		}
		defer client.Close()
		return call(cmd.Context(), client, args)
	}
	return cmd
}

// appClientCommand is a clientCommand whose first argument names an app.
func (c *cli) appClientCommand(use, short string, more []string, call func(context.Context, *operator.Client, uint32, []string) error) *cobra.Command {
	names := append([]string{"SDKAPPID"}, more...)
	cmd := &cobra.Command{Use: use, Short: short, Args: arguments(names...)}
	flags := addClientFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		id, err := parseSDKAppID(args[0])
		if err != nil {
			return err // before the server is looked for: a wrong argument is wrong anywhere
		}
		client, err := c.client(flags)
		if err != nil {
			return err
		}
		defer client.Close()
		return call(cmd.Context(), client, id, args[1:])
	}
	return cmd
}
