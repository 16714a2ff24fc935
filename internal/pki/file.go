package pki

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// create writes a file that is not there yet, whole or not at all. Only its owner can read it.
func create(path string, text []byte) error {
	return write(path, text, func(temporary string) error {
		// A link, unlike a rename, fails when the file is there.
		return errors.Join(os.Link(temporary, path), os.Remove(temporary))
	})
}

// replace writes a file whether it is there or not, whole or not at all. Only its owner can read it.
func replace(path string, text []byte) error {
	return write(path, text, func(temporary string) error { return os.Rename(temporary, path) })
}

// write puts the text into a temporary file, durably, and lets place give it its name.
func write(path string, text []byte, place func(temporary string) error) error {
	dir := filepath.Dir(path)
	file, err := os.CreateTemp(dir, "."+filepath.Base(path)+"-*") // made with mode 0600
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	_, err = file.Write(text)
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err == nil {
		err = place(file.Name())
	}
	if err == nil {
		err = syncDir(dir)
	}
	if err != nil {
		_ = os.Remove(file.Name())
		return fmt.Errorf("write %s: %w; check the permissions and the space of the disk", path, err)
	}
	return nil
}

// syncDir makes the names in a folder durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
