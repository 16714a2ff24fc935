package pgtest

import (
	"syscall"
	"testing"
)

// Options says what a private cluster is like. The zero value writes durably with PostgreSQL's own settings.
type Options struct {
	// NoSync turns fsync off: faster, and for tests that do not care what a power cut leaves.
	NoSync bool
	// Settings are further server settings, each as name=value, as in postgresql.conf. They win over the ones here.
	Settings []string
}

// settings returns the server's command line settings for a cluster in dir.
func (o Options) settings(dir string) []string {
	s := []string{
		"listen_addresses=",
		"unix_socket_directories=" + dir,
		"max_connections=200",
		"logging_collector=off",
	}
	if o.NoSync {
		s = append(s, "fsync=off")
	}
	return append(s, o.Settings...)
}

// Server is a cluster that belongs to one test. Its methods fail the test they are given when something goes wrong,
// and are not safe for concurrent use.
type Server struct {
	cluster *cluster
}

// Start starts a cluster for t, always from the server programs of this machine, and removes it when t ends.
// It fails t when the programs are missing. Tests that only need a database use [NewDatabase], which is much faster.
func Start(t testing.TB, o Options) *Server {
	t.Helper()
	c, err := newCluster(o)
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	t.Cleanup(func() {
		if err := c.remove(); err != nil {
			t.Errorf("pgtest: %v", err)
		}
	})
	return &Server{cluster: c}
}

// NewDatabase makes an empty database in s and returns its URL, which stays good across Restart.
func (s *Server) NewDatabase(t testing.TB) string {
	t.Helper()
	name, err := createDatabase(s.cluster.url("postgres"))
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	return s.cluster.url(name)
}

// Restart shuts the server down in order, if it runs, and starts it again. Connections are lost. It returns when the
// server answers; after [Server.Kill] that includes recovery.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	if err := s.cluster.stop(syscall.SIGINT); err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	if err := s.cluster.start(); err != nil {
		t.Fatalf("pgtest: %v", err)
	}
}

// Kill stops the server at once, without a checkpoint, as a crash would, and leaves it down until [Server.Restart].
func (s *Server) Kill(t testing.TB) {
	t.Helper()
	if err := s.cluster.stop(syscall.SIGQUIT); err != nil {
		t.Fatalf("pgtest: %v", err)
	}
}
