//go:build !linux

package proof

import "errors"

// RefuseWrites needs Linux, where the limits of another process can be set.
func RefuseWrites(int, bool) error {
	return errors.New("the disk of another process can be made full on Linux only")
}
