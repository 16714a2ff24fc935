package pgtest

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// adminTime bounds one statement that creates or drops a database.
const adminTime = 2 * time.Minute

// NewDatabase makes an empty database with a random name, drops it when t ends, and returns its URL.
// It fails t when there is no PostgreSQL to be had, or when the tests of the package do not run through [Main].
func NewDatabase(t testing.TB) string {
	t.Helper()
	server := os.Getenv("KITH_TEST_POSTGRES")
	if server == "" {
		c, err := sharedCluster()
		if err != nil {
			t.Fatalf("pgtest: %v", err)
		}
		server = c.url("postgres")
	}
	name, err := createDatabase(server)
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	t.Cleanup(func() {
		if err := dropDatabase(server, name); err != nil {
			t.Errorf("pgtest: %v", err)
		}
	})
	fresh, err := withDatabase(server, name)
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	return fresh
}

// createDatabase makes an empty database with a random name on a server and returns the name.
func createDatabase(server string) (string, error) {
	name := "kith_test_" + strings.ToLower(rand.Text())
	// template0 is always free; template1 is locked while anybody is connected to it.
	if err := execute(server, "CREATE DATABASE "+name+" TEMPLATE template0"); err != nil {
		return "", fmt.Errorf("create a database: %w", err)
	}
	return name, nil
}

// dropDatabase removes a database and cuts off whoever still uses it.
func dropDatabase(server, name string) error {
	if err := execute(server, "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
		return fmt.Errorf("drop database %s: %w", name, err)
	}
	return nil
}

// execute runs one statement on a connection of its own.
func execute(server, statement string) error {
	ctx, cancel := context.WithTimeout(context.Background(), adminTime)
	defer cancel()
	conn, err := pgx.Connect(ctx, server)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, statement)
	return err
}

// withDatabase returns the server's URL with another database name in it. The error leaves out the URL, which may hold
// a password.
func withDatabase(server, name string) (string, error) {
	u, err := url.Parse(server)
	if err != nil || (u.Scheme != "postgres" && u.Scheme != "postgresql") {
		return "", fmt.Errorf("KITH_TEST_POSTGRES is not a URL of the form postgres://user:password@host:5432/postgres")
	}
	u.Path = "/" + name
	return u.String(), nil
}
