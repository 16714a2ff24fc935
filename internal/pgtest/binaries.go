package pgtest

import (
	"cmp"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
)

// errNoBinaries says what to do when the server programs cannot be found.
var errNoBinaries = errors.New("the PostgreSQL server programs initdb and postgres are not in PATH and not in " +
	"/usr/lib/postgresql/*/bin: `make test` installs them through apt-get, or run `apt-get install postgresql`; " +
	"tests that do not crash the server can also use one you run: set KITH_TEST_POSTGRES to its URL")

// findBinaries returns the folder that holds initdb and postgres: the one in PATH, else the newest version installed
// where Debian (/usr/lib/postgresql/15/bin) or the PostgreSQL RPMs (/usr/pgsql-15/bin) put it.
func findBinaries() (string, error) {
	if initdb, err := exec.LookPath("initdb"); err == nil {
		// A link in PATH may lead to a folder that has the other programs too.
		if real, err := filepath.EvalSymlinks(initdb); err == nil && hasServer(filepath.Dir(real)) {
			return filepath.Dir(real), nil
		}
	}
	return newestServer("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin")
}

// newestServer returns the folder with the highest version among those that match the patterns and hold a server.
func newestServer(patterns ...string) (string, error) {
	var found []string
	for _, pattern := range patterns {
		matches, err := filepath.Glob(pattern)
		if err != nil {
			return "", err
		}
		found = append(found, matches...)
	}
	found = slices.DeleteFunc(found, func(dir string) bool { return !hasServer(dir) })
	if len(found) == 0 {
		return "", errNoBinaries
	}
	return slices.MaxFunc(found, func(a, b string) int { return cmp.Compare(version(a), version(b)) }), nil
}

// version reads the major version out of ".../15/bin" or ".../pgsql-15/bin"; 0 when there is none.
func version(dir string) int {
	name := filepath.Base(filepath.Dir(dir))
	start := len(name)
	for start > 0 && name[start-1] >= '0' && name[start-1] <= '9' {
		start--
	}
	n, _ := strconv.Atoi(name[start:])
	return n
}

// hasServer tells whether dir holds the two programs that a cluster needs.
func hasServer(dir string) bool {
	for _, name := range []string{"initdb", "postgres"} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.IsDir() || info.Mode()&0o111 == 0 {
			return false
		}
	}
	return true
}
