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

// backupReport says what was written.
type backupReport struct {
	File  string `json:"file"`
	Bytes int64  `json:"bytes"`
}

func (c *cli) backupCommand() *cobra.Command {
	return c.clientCommand("backup FILE", "Copy the running server's database into a new file", []string{"FILE"},
		func(ctx context.Context, client *operator.Client, args []string) error {
			n, err := backup(ctx, client, args[0])
			if err != nil {
				return err
			}
			return c.print(backupReport{args[0], n}, func(w io.Writer) { row(w, fmt.Sprintf("wrote %s, %d bytes", args[0], n)) })
		})
}

// backup writes the copy beside path first, so that path is there only when it is whole and on disk.
func backup(ctx context.Context, client *operator.Client, path string) (n int64, err error) {
	if _, err := os.Lstat(path); err == nil {
		return 0, fmt.Errorf("%s exists; name a new file", path)
	}
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*") // mode 0600: it holds secret keys
	if err != nil {
		return 0, fmt.Errorf("cannot write there: %w", err)
	}
	n, err = client.Backup(ctx, file)
	if err == nil {
		err = file.Sync()
	}
	err = errors.Join(err, file.Close())
	if err == nil {
		// Unlike a rename, a link does not replace a file that came to be there meanwhile.
		err = os.Link(file.Name(), path)
	}
	return n, errors.Join(err, os.Remove(file.Name()))
}
