package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/kithchat/kith/internal/apps"
	"github.com/kithchat/kith/internal/relation"
	"github.com/kithchat/kith/internal/seal"
)

// scrubFile is there while secrets that were sealed may be left in the database as they were before.
const scrubFile = "scrub-pending"

// caPlace is what the key of the CA is sealed for.
const caPlace = "key of the CA"

// openBox takes the master key, if there is one.
func (s *Server) openBox(context.Context) error {
	keys, err := seal.ParseKeys(s.config.MasterKey)
	if err != nil || len(keys) == 0 {
		return err
	}
	s.box, err = seal.New(keys...)
	return err
}

// appStore is the store of apps with their secrets sealed. What is still in clear, or under an older key, is sealed first, and
// then nothing is left of it in the database. A start that ends between the two is made good by the next.
func (s *Server) appStore(ctx context.Context) (relation.AppStore, error) {
	sealed := apps.Seal(s.store, s.box)
	marker := filepath.Join(s.config.Data, scrubFile)
	n, err := sealed.Reseal(ctx, func() error { return os.WriteFile(marker, nil, 0o600) })
	if err != nil {
		return nil, fmt.Errorf("seal the secrets in the database: %w", err)
	}
	if n > 0 {
		s.log.Info("secrets in the database were sealed with the master key", "apps", n)
	}
	if _, err := os.Stat(marker); errors.Is(err, fs.ErrNotExist) {
		return sealed, nil
	}
	s.log.Info("the database is written anew, so that nothing is left of secrets as they were before")
	err = s.store.Scrub(ctx)
	if err == nil {
		err = os.Remove(marker)
	}
	if err != nil {
		s.log.Warn("secrets as they were before may be left in the database; the next start tries again to remove them", "err", err)
	}
	return sealed, nil
}

// sealCA and unsealCA keep the CA's key on disk.
func (s *Server) sealCA(plain []byte) ([]byte, error) {
	return []byte(s.box.Seal(string(plain), caPlace)), nil
}

func (s *Server) unsealCA(sealed []byte) ([]byte, error) {
	plain, err := s.box.Open(string(sealed), caPlace)
	return []byte(plain), err
}
