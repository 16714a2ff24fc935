package pgtest

import (
	"errors"
	"fmt"
	"os"
	"sync"
)

// shared is the cluster of this test process. It is the one package variable here: the tests of a package share it, and
// nothing but the test process outlives a test.
var shared struct {
	sync.Mutex
	inMain  bool
	cluster *cluster
	err     error
}

// Tests is what [Main] runs: a *testing.M.
type Tests interface{ Run() int }

// Main runs the tests of a package and then stops the cluster that [NewDatabase] started for them, if it did.
// It returns the exit status:
//
//	func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }
func Main(m Tests) int {
	shared.Lock()
	shared.inMain = true
	shared.Unlock()
	code := m.Run()
	if err := closeShared(); err != nil {
		fmt.Fprintf(os.Stderr, "pgtest: %v\n", err)
		return max(code, 1)
	}
	return code
}

// Suite is a *testing.M that runs through [Main], for goleak.VerifyTestMain(pgtest.Suite{m}).
type Suite struct{ Tests }

// Run runs the tests through [Main].
func (s Suite) Run() int { return Main(s.Tests) }

// sharedCluster returns the cluster of this process. The first caller starts it, the others wait; when it could not be
// started, all are told why.
func sharedCluster() (*cluster, error) {
	shared.Lock()
	defer shared.Unlock()
	if !shared.inMain {
		return nil, errors.New("the tests of this package do not run through pgtest.Main, so nothing would stop the cluster: " +
			"add func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }")
	}
	if shared.cluster == nil && shared.err == nil {
		shared.cluster, shared.err = newCluster(Options{})
	}
	return shared.cluster, shared.err
}

// closeShared stops and removes the cluster of this process.
func closeShared() error {
	shared.Lock()
	defer shared.Unlock()
	shared.inMain = false
	if shared.cluster == nil {
		return nil
	}
	err := shared.cluster.remove()
	shared.cluster = nil
	return err
}
