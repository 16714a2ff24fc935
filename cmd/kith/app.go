package main

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kithchat/kith/internal/operator"
	"github.com/kithchat/kith/internal/relation"
)

func (c *cli) appCommand() *cobra.Command {
	return c.group("app", "Create, show and change apps",
		c.appCreateCommand(), c.appListCommand(), c.appShowCommand(), c.appUpdateCommand(),
		c.appRotateKeyCommand(), c.appDeleteCommand(), c.callbackCommand(), c.tokenCommand())
}

func (c *cli) appCreateCommand() *cobra.Command {
	var req operator.CreateApp
	var rates rateFlags
	cmd := c.clientCommand("create", "Create an app and print its secret key, this once", nil,
		func(ctx context.Context, client *operator.Client, _ []string) (err error) {
			if req.Rates, err = rates.rates(); err != nil {
				return err
			}
			read, err := c.readSecret(ctx, "key", &req.Key)
			if err != nil {
				return err
			}
			app, err := client.CreateApp(ctx, req)
			if err != nil {
				return err
			}
			return c.printSecret(app, read)
		})
	fs := cmd.Flags()
	fs.Uint32Var(&req.SDKAppID, "sdkappid", 0, "SDKAppID `N`; made up if left out")
	fs.StringVar(&req.Name, "name", "", "`name`, for people")
	fs.StringArrayVar(&req.Admins, "admin", nil, "`UserID` that may use the REST API; repeat it for more (default administrator)")
	fs.StringVar(&req.Key, "key", "", "secret `key`; - reads it from standard input, which nobody else can see; made up if left out")
	fs.IntVar(&req.BlocklistLimit, "blocklist-limit", 0, "`entries` that a blocklist holds (default 1000)")
	fs.IntVar(&req.DevicesPerPlatform, "devices-per-platform", 0,
		"`devices` of one platform that a user can have connected; one more puts the oldest out (default 1)")
	fs.StringSliceVar(&req.WebOrigins, "web-origins", nil,
		"`origins` whose pages may connect, such as https://chat.example.net,https://*.example.org (default all)")
	rates.add(cmd)
	return cmd
}

func (c *cli) appListCommand() *cobra.Command {
	return c.clientCommand("list", "List all apps", nil, func(ctx context.Context, client *operator.Client, _ []string) error {
		apps, err := client.Apps(ctx)
		if err != nil {
			return err
		}
		return c.print(apps, func(w io.Writer) {
			if len(apps.Apps) == 0 {
				row(w, "There are no apps; `kith app create` makes one.")
				return
			}
			row(w, "SDKAPPID", "NAME", "STATE", "ADMINS", "CALLBACK")
			for _, app := range apps.Apps {
				row(w, app.SDKAppID, app.Name, state(app), list(app.Admins), callbackURL(app.Callback))
			}
		})
	})
}

func (c *cli) appShowCommand() *cobra.Command {
	return c.appClientCommand("show SDKAPPID", "Show an app", nil,
		func(ctx context.Context, client *operator.Client, id uint32, _ []string) error {
			app, err := client.App(ctx, id)
			if err != nil {
				return err
			}
			return c.printApp(app)
		})
}

func (c *cli) appUpdateCommand() *cobra.Command {
	var name string
	var admins []string
	var disabled bool
	var limit, devices int
	var origins []string
	var rates rateFlags
	var cmd *cobra.Command
	cmd = c.appClientCommand("update SDKAPPID", "Change an app; what is not given stays", nil,
		func(ctx context.Context, client *operator.Client, id uint32, _ []string) error {
			req, given := operator.UpdateApp{}, cmd.Flags().Changed
			take(&req.Name, &name, given("name"))
			take(&req.Admins, &admins, given("admin"))
			take(&req.Disabled, &disabled, given("disabled"))
			take(&req.BlocklistLimit, &limit, given("blocklist-limit"))
			take(&req.DevicesPerPlatform, &devices, given("devices-per-platform"))
			take(&req.WebOrigins, &origins, given("web-origins"))
			if err := rates.update(&req, given); err != nil {
				return err
			}
			if req == (operator.UpdateApp{}) {
				return misuse("nothing to change was given; see `kith app update --help`")
			}
			app, err := client.UpdateApp(ctx, id, req)
			if err != nil {
				return err
			}
			return c.printApp(app)
		})
	fs := cmd.Flags()
	fs.StringVar(&name, "name", "", "`name`, for people")
	fs.StringArrayVar(&admins, "admin", nil, "`UserID` that may use the REST API; repeat it for more; replaces all")
	fs.BoolVar(&disabled, "disabled", false, "refuse the app's calls and hold its callbacks; --disabled=false ends it")
	fs.IntVar(&limit, "blocklist-limit", 0, "`entries` that a blocklist holds; 0 for the default, 1000")
	fs.IntVar(&devices, "devices-per-platform", 0,
		"`devices` of one platform that a user can have connected; one more puts the oldest out; 0 for the default, 1")
	fs.StringSliceVar(&origins, "web-origins", nil,
		"`origins` whose pages may connect, such as https://chat.example.net,https://*.example.org; replaces all; empty for all pages")
	rates.add(cmd)
	return cmd
}

func (c *cli) appRotateKeyCommand() *cobra.Command {
	var req operator.RotateKey
	var drop string
	cmd := c.appClientCommand("rotate-key SDKAPPID", "Add a secret key and print it, this once; old keys stay good until dropped", nil,
		func(ctx context.Context, client *operator.Client, id uint32, _ []string) error {
			if drop != "" {
				if req != (operator.RotateKey{}) {
					return misuse("--drop only removes a key; leave --key and --drop-old out")
				}
				app, err := client.DropKey(ctx, id, drop)
				if err != nil {
					return err
				}
				return c.printApp(app)
			}
			read, err := c.readSecret(ctx, "key", &req.Key)
			if err != nil {
				return err
			}
			app, err := client.RotateKey(ctx, id, req)
			if err != nil {
				return err
			}
			return c.printSecret(app, read)
		})
	cmd.Flags().StringVar(&req.Key, "key", "", "the new secret `key`; - reads it from standard input, which nobody else can see; made up if left out")
	cmd.Flags().BoolVar(&req.DropOld, "drop-old", false, "remove the older keys: with --key all others, else all but the newest, adding none; their UserSigs become invalid")
	cmd.Flags().StringVar(&drop, "drop", "", "add none, but remove the key with this `fingerprint`")
	return cmd
}

func (c *cli) appDeleteCommand() *cobra.Command {
	var yes bool
	cmd := c.appClientCommand("delete SDKAPPID", "Delete an app with all its accounts, lists and events", nil,
		func(ctx context.Context, client *operator.Client, id uint32, _ []string) error {
			if !yes && !c.confirm(id) {
				return fmt.Errorf("app %d was not deleted", id)
			}
			deleted, err := client.DeleteApp(ctx, id)
			if err != nil {
				return err
			}
			return c.print(deleted, func(w io.Writer) { row(w, fmt.Sprintf("deleted app %d", deleted.SDKAppID)) })
		})
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask, on a terminal")
	return cmd
}

// confirm asks the person at the terminal. A script has made up its mind.
func (c *cli) confirm(id uint32) bool {
	if !isTerminal(c.in) || !isTerminal(c.err) {
		return true
	}
	_, _ = fmt.Fprintf(c.err, "This removes app %d with all it holds, for good. Type its SDKAppID to go on: ", id)
	line, _ := bufio.NewReader(c.in).ReadString('\n')
	return strings.TrimSpace(line) == strconv.FormatUint(uint64(id), 10)
}

// take points target at the value of a flag that was given.
func take[T any](target **T, value *T, given bool) {
	if given {
		*target = value
	}
}

// printSecret prints an app with its new key, unless there is none or its key is known, as one that was read is.
func (c *cli) printSecret(app operator.AppSecret, known bool) error {
	if known || app.Key == "" {
		return c.printApp(app.App)
	}
	return c.print(app, func(w io.Writer) {
		writeApp(w, app.App)
		row(w, "secret key", app.Key+"  (shown this once)")
	})
}

func (c *cli) printApp(app operator.App) error {
	return c.print(app, func(w io.Writer) { writeApp(w, app) })
}

func writeApp(w io.Writer, app operator.App) {
	row(w, "SDKAppID", app.SDKAppID)
	row(w, "name", app.Name)
	row(w, "state", state(app))
	row(w, "admins", list(app.Admins))
	row(w, "blocklist limit", app.BlocklistLimit)
	row(w, "rates", showRates(app.Rates))
	row(w, "devices", fmt.Sprintf("%d of each platform", app.DevicesPerPlatform))
	row(w, "web origins", cmp.Or(strings.Join(app.WebOrigins, ", "), "all"))
	for i, key := range app.Keys {
		label, note := "", ""
		if i == 0 {
			label, note = "keys", "  (newest, signs)"
		}
		row(w, label, key.Fingerprint+"  of "+when(key.Created)+note)
	}
	for i, token := range app.Tokens {
		label := ""
		if i == 0 {
			label = "tokens"
		}
		row(w, label, token.ID+"  of "+when(token.Created)+"  "+token.Name)
	}
	row(w, "created", when(app.Created))
	row(w, "updated", when(app.Updated))
	writeCallback(w, app.Callback)
}

func state(app operator.App) string {
	if app.Disabled {
		return "disabled"
	}
	return "enabled"
}

func showRates(rates relation.Rates) string {
	var parts []string
	add := func(of string, perSecond float64) {
		parts = append(parts, fmt.Sprintf("%s %g/s", of, perSecond))
	}
	if rates.App > 0 {
		add("app", rates.App)
	}
	if rates.Command > 0 {
		add("each command", rates.Command)
	}
	for _, command := range slices.Sorted(maps.Keys(rates.Special)) {
		add(command, rates.Special[command])
	}
	if len(parts) == 0 {
		return "no limits"
	}
	return strings.Join(parts, ", ")
}
