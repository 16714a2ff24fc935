package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/kithchat/kith/internal/operator"
)

func (c *cli) userSigCommand() *cobra.Command {
	return c.group("usersig", "Make and check UserSigs", c.userSigMakeCommand(), c.userSigCheckCommand())
}

func (c *cli) userSigMakeCommand() *cobra.Command {
	var expire time.Duration
	cmd := c.appClientCommand("make SDKAPPID USERID", "Make a UserSig with the app's newest key and print it", []string{"USERID"},
		func(ctx context.Context, client *operator.Client, id uint32, args []string) error {
			if expire < time.Second || expire%time.Second != 0 {
				return misuse("--expire must be whole seconds, at least 1s, not %s", expire)
			}
			sig, err := client.MakeUserSig(ctx, id, operator.MakeUserSig{UserID: args[0], ExpireSeconds: int64(expire / time.Second)})
			if err != nil {
				return err
			}
			return c.print(sig, func(w io.Writer) { row(w, sig.UserSig) })
		})
	addDuration(cmd.Flags(), &expire, "expire", operator.DefaultExpire, "how long it is good, such as 24h")
	return cmd
}

func (c *cli) userSigCheckCommand() *cobra.Command {
	return c.appClientCommand("check SDKAPPID USERID USERSIG", "Say what a UserSig holds, and whether it would be accepted", []string{"USERID", "USERSIG"},
		func(ctx context.Context, client *operator.Client, id uint32, args []string) error {
			report, err := client.CheckUserSig(ctx, id, operator.CheckUserSig{UserID: args[0], UserSig: args[1]})
			if err != nil {
				return err
			}
			if err := c.print(report, func(w io.Writer) { writeUserSigReport(w, report, time.Now()) }); err != nil {
				return err
			}
			if !report.Valid {
				return fmt.Errorf("the UserSig would be refused with %d", report.Code)
			}
			return nil
		})
}

func writeUserSigReport(w io.Writer, report operator.UserSigReport, now time.Time) {
	if report.Valid {
		row(w, "verdict", "valid")
		row(w, "signed with key", report.Key)
	} else {
		row(w, "verdict", "refused")
		row(w, "code", report.Code)
		row(w, "reason", report.Reason)
	}
	ticket := report.Ticket
	if ticket == nil {
		return
	}
	expires := "in " + span(ticket.Expires.Sub(now))
	if !ticket.Expires.After(now) {
		expires = span(now.Sub(ticket.Expires)) + " ago"
	}
	row(w, "SDKAppID", ticket.SDKAppID)
	row(w, "UserID", ticket.UserID)
	row(w, "issued", when(ticket.Issued))
	row(w, "expires", when(ticket.Expires)+", "+expires)
}
