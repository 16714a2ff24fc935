package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/kithchat/kith/internal/operator"
)

// exportReport says what was written.
type exportReport struct {
	operator.ExportSummary
	File string `json:"file,omitempty"`
}

func (c *cli) exportCommand() *cobra.Command {
	return c.group("export", "Copy what an app holds, to rebuild a copy elsewhere", c.exportBlocklistsCommand())
}

func (c *cli) exportBlocklistsCommand() *cobra.Command {
	var app uint32
	var file string
	cmd := c.clientCommand("blocklists", "Write all blocklists of an app as of one moment, as JSON Lines", nil,
		func(ctx context.Context, client *operator.Client, _ []string) error {
			if app == 0 {
				return misuse("name the app with --app SDKAPPID")
			}
			if file == "" || file == "-" {
				summary, err := client.ExportBlocklists(ctx, app, c.out)
				if err == nil {
					c.say("%s", exported(summary, "export"))
				}
				return err
			}
			summary, err := exportTo(ctx, client, app, file)
			if err != nil {
				return err
			}
			return c.print(exportReport{summary, file}, func(w io.Writer) {
				row(w, exported(summary, file))
				row(w, "To send what came after it again:")
				row(w, "  "+followUp(summary))
			})
		})
	c.addAppFlag(cmd, &app)
	cmd.Flags().Lookup("app").Usage = "of the app with this `SDKAPPID`"
	cmd.Flags().StringVarP(&file, "output", "o", "", "`file` to write, at once when it is whole; standard output unless given")
	return cmd
}

func exported(s operator.ExportSummary, where string) string {
	return fmt.Sprintf("%s: %s, %s, position %s", where, count(s.Lists, "list", "lists"), count(s.Entries, "entry", "entries"), dash(s.Position))
}

// followUp is the command that leads from an export to the present.
func followUp(s operator.ExportSummary) string {
	command := fmt.Sprintf("kith replay --app %d", s.SDKAppID)
	if s.Position != "" {
		command += " --after " + s.Position
	}
	return command
}

// exportTo writes the export beside path first, so that path is there only when it is whole and on disk.
func exportTo(ctx context.Context, client *operator.Client, app uint32, path string) (operator.ExportSummary, error) {
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*") // mode 0600: whom somebody blocks is private
	if err != nil {
		return operator.ExportSummary{}, fmt.Errorf("cannot write there: %w", err)
	}
	summary, err := client.ExportBlocklists(ctx, app, file)
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		err = errors.Join(err, os.Remove(file.Name()))
	}
	return summary, err
}
