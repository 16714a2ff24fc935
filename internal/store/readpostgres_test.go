package store

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/kithchat/kith/internal/pgtest"
	"github.com/kithchat/kith/internal/relation"
)

// A loader reads for an endpoint alone, so a read that never ends would stop the endpoint's delivery.
func TestPostgresReadThatHangsIsGivenUp(t *testing.T) {
	e, err := openPostgres(t.Context(), pgtest.NewDatabase(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.close() })
	if e.patience != readTimeout {
		t.Errorf("a read is given up after %s, want %s", e.patience, readTimeout)
	}
	e.patience = 50 * time.Millisecond
	err = e.read(t.Context(), func(c conn) error { return c.query("SELECT pg_sleep(3600)", nil) })
	if err = unavailable(err); !errors.Is(err, relation.ErrUnavailable) || !strings.Contains(err.Error(), "did not answer") {
		t.Errorf("error %v, want ErrUnavailable and what PostgreSQL did", err)
	}
	e.patience = readTimeout
	if err := e.read(t.Context(), func(c conn) error { return c.query("SELECT 1", nil) }); err != nil {
		t.Errorf("the next read: %v", err)
	}
}

// The session of a node whose machine is gone must not hold the lock until the system's own keep-alive notices, in two hours.
// The server shows 0 as their current value for a connection through a socket file, where they mean nothing.
func TestPostgresIsToldToNoticeThatANodeIsGone(t *testing.T) {
	s, err := Open(t.Context(), Options{URL: pgtest.NewDatabase(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	const q = `SELECT string_agg(name || '=' || reset_val, ' ' ORDER BY name) FROM pg_settings
		WHERE name LIKE 'tcp_keepalives_%' OR name = 'tcp_user_timeout'`
	const want = "tcp_keepalives_count=3 tcp_keepalives_idle=30 tcp_keepalives_interval=10 tcp_user_timeout=60000"
	for name, run := range map[string]func(func(conn) error) error{
		"writer": func(f func(conn) error) error { return s.alone(t.Context(), f) },
		"reader": func(f func(conn) error) error { return s.engine.read(t.Context(), f) },
	} {
		var got string
		err := run(func(c conn) error { return c.query(q, func(r row) error { return r.scan(&got) }) })
		if err != nil || got != want {
			t.Errorf("%s: %v %q, want %q", name, err, got, want)
		}
	}
}
