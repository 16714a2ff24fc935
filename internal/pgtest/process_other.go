//go:build !linux

package pgtest

import (
	"errors"
	"os"
	"os/exec"
)

// account is the operating system user that a cluster runs as; outside Linux always the one of the tests.
type account struct{}

// serverAccount refuses root, as PostgreSQL does.
func serverAccount() (*account, error) {
	if os.Geteuid() == 0 {
		return nil, errors.New("PostgreSQL does not run as root: run the tests as an ordinary user")
	}
	return nil, nil
}

// prepare changes nothing here.
func (*account) prepare(*exec.Cmd) {}

// own changes nothing here.
func (*account) own(string) error { return nil }
