package server

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/kithchat/kith/internal/store"
)

// backup streams a consistent copy of the database. The copy is made beside the database first, because only a finished
// file is consistent, and is gone when backup returns.
func (s *Server) backup(ctx context.Context, w io.Writer) error {
	dir, err := os.MkdirTemp(s.config.Data, ".backup-*") // mode 0700: the copy holds secret keys
	if err != nil {
		return fmt.Errorf("make room for the copy: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	path := filepath.Join(dir, store.DatabaseFile)
	if err := s.store.Backup(ctx, path); err != nil {
		return err
	}
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("read the copy: %w", err)
	}
	defer func() { _ = file.Close() }()
	_, err = io.Copy(w, file)
	return err
}
