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

// Server is a cluster of its own. Its methods are not safe for concurrent use. Those that take a test fail it when something
// goes wrong; the others are for programs that measure.
type Server struct {
	cluster *cluster
}

// Launch starts a cluster, always from the server programs of this machine. Close removes it.
func Launch(o Options) (*Server, error) {
	c, err := newCluster(o)
	if err != nil {
		return nil, err
	}
	return &Server{cluster: c}, nil
}

// Start starts a cluster for t, always from the server programs of this machine, and removes it when t ends.
// It fails t when the programs are missing. Tests that only need a database use [NewDatabase], which is much faster.
func Start(t testing.TB, o Options) *Server {
	t.Helper()
	s, err := Launch(o)
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("pgtest: %v", err)
		}
	})
	return s
}

// Close stops the server and removes all that it wrote.
func (s *Server) Close() error { return s.cluster.remove() }

// CreateDatabase makes an empty database in s and returns its URL, which stays good across Relaunch.
func (s *Server) CreateDatabase() (string, error) {
	name, err := createDatabase(s.cluster.url("postgres"))
	return s.cluster.url(name), err
}

// NewDatabase is CreateDatabase for a test.
func (s *Server) NewDatabase(t testing.TB) string {
	t.Helper()
	url, err := s.CreateDatabase()
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	return url
}

// Relaunch shuts the server down in order, if it runs, and starts it again. Connections are lost. It returns when the
// server answers; after [Server.Kill] that includes recovery.
func (s *Server) Relaunch() error {
	if err := s.cluster.stop(syscall.SIGINT); err != nil {
		return err
	}
	return s.cluster.start()
}

// Restart is Relaunch for a test.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	if err := s.Relaunch(); err != nil {
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
