package main

import (
	"errors"
	"fmt"
	"testing"

	"github.com/kithchat/kith/internal/pgtest"
)

// startPostgres starts a cluster of its own for the benchmark, with PostgreSQL's own settings and fsync on. What it
// returns last stops and removes it.
func startPostgres() (*pgtest.Server, *fakeTest, error) {
	t := &fakeTest{}
	var server *pgtest.Server
	err := t.do(func() { server = pgtest.Start(t, pgtest.Options{}) })
	if err != nil {
		return nil, nil, errors.Join(err, t.close())
	}
	return server, t, nil
}

// fakeTest lets package pgtest, which serves tests, serve the benchmark. Only the methods that it calls are there.
type fakeTest struct {
	testing.TB
	cleanups []func()
	err      error
}

// failed is the panic by which Fatalf leaves.
type failed struct{ err error }

// do runs fn and returns what it failed with.
func (t *fakeTest) do(fn func()) (err error) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case failed:
			err = r.err
		default:
			panic(r)
		}
	}()
	fn()
	return nil
}

// close runs the cleanups, last one first.
func (t *fakeTest) close() error {
	for len(t.cleanups) > 0 {
		last := len(t.cleanups) - 1
		fn := t.cleanups[last]
		t.cleanups = t.cleanups[:last]
		t.err = errors.Join(t.err, t.do(fn))
	}
	return t.err
}

func (t *fakeTest) Helper() {}

func (t *fakeTest) Cleanup(fn func()) { t.cleanups = append(t.cleanups, fn) }

func (t *fakeTest) Errorf(format string, args ...any) {
	t.err = errors.Join(t.err, fmt.Errorf(format, args...))
}

func (t *fakeTest) Fatalf(format string, args ...any) { panic(failed{fmt.Errorf(format, args...)}) }
