package main

import (
	"cmp"
	"context"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/kithchat/kith/internal/apps"
	"github.com/kithchat/kith/internal/operator"
)

func (c *cli) signingKeysCommand() *cobra.Command {
	return c.group("keys", "Add, list and drop the keys that sign an app's callbacks (Standard Webhooks)",
		c.signingKeyAddCommand(), c.signingKeyListCommand(), c.signingKeyDropCommand())
}

func (c *cli) signingKeyAddCommand() *cobra.Command {
	var req operator.AddSigningKey
	var pair bool
	var grace time.Duration
	cmd := c.appClientCommand("add SDKAPPID", "Add a signing key; print what the app backend needs to verify: a secret, this once, or a public key", nil,
		func(ctx context.Context, client *operator.Client, id uint32, _ []string) error {
			if grace%time.Millisecond != 0 {
				return misuse("--grace must be whole milliseconds, not %s", grace)
			}
			read, err := c.readSecret(ctx, "secret", &req.Secret)
			if err != nil {
				return err
			}
			milliseconds := grace.Milliseconds()
			req.GraceMS = &milliseconds
			if pair {
				req.Kind = apps.KindEd25519
			}
			key, err := client.AddSigningKey(ctx, id, req)
			if err != nil {
				return err
			}
			if read {
				key.Secret = "" // whoever kept it from being seen wants it on no screen
			}
			return c.print(key, func(w io.Writer) { writeSigningSecret(w, key) })
		})
	fs := cmd.Flags()
	fs.BoolVar(&pair, "ed25519", false, "make a key pair, so that the app backend holds no secret")
	fs.StringVar(&req.Secret, "secret", "", "the `secret`, whsec_… or whsk_…; - reads it from standard input, which nobody else can see; made up if left out")
	addDuration(fs, &grace, "grace", operator.DefaultSigningGrace, "how long the older keys of the same kind sign on; 0: they stop at once")
	return cmd
}

func (c *cli) signingKeyListCommand() *cobra.Command {
	return c.appClientCommand("list SDKAPPID", "List the keys that sign an app's callbacks", nil,
		func(ctx context.Context, client *operator.Client, id uint32, _ []string) error {
			callback, err := client.Callback(ctx, id)
			if err != nil {
				return err
			}
			return c.printSigningKeys(callback.SigningKeys)
		})
}

func (c *cli) signingKeyDropCommand() *cobra.Command {
	return c.appClientCommand("drop SDKAPPID ID", "Have a key sign nothing any more", []string{"ID"},
		func(ctx context.Context, client *operator.Client, id uint32, args []string) error {
			callback, err := client.DropSigningKey(ctx, id, args[0])
			if err != nil {
				return err
			}
			return c.printSigningKeys(callback.SigningKeys)
		})
}

func (c *cli) printSigningKeys(keys []operator.SigningKey) error {
	return c.print(keys, func(w io.Writer) {
		if len(keys) == 0 {
			row(w, "No key signs the app's callbacks; `kith app callback keys add` makes one.")
			return
		}
		row(w, "ID", "KIND", "CREATED", "EXPIRES", "PUBLIC KEY")
		for _, key := range keys {
			row(w, key.ID, key.Kind, when(key.Created), when(key.Expires), cmp.Or(key.PublicKey, "-"))
		}
	})
}

func writeSigningSecret(w io.Writer, key operator.SigningKeySecret) {
	row(w, "id", key.ID)
	row(w, "kind", key.Kind)
	if key.Secret != "" {
		row(w, "secret", key.Secret+"  (shown this once)")
	}
	if key.PublicKey != "" {
		row(w, "public key", key.PublicKey)
	}
	for i, old := range key.Older {
		row(w, first(i, "older keys sign"), "until "+when(old.Expires)+": "+old.ID+" ("+old.Kind+")")
	}
}
