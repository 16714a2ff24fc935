package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/kithchat/kith/internal/pgtest"
)

const (
	// connections is how many callers there are, as the budget says.
	connections = 64
	// pollEvery is the pause between two looks at something that is waited for.
	pollEvery = 20 * time.Millisecond
)

// rig is what all scenarios use: the processes around the server, and where results go.
type rig struct {
	options
	ctx     context.Context
	dir     string
	program string

	load     *child
	null     *child
	receiver *child

	nullAddress  string
	callbackAddr string

	postgres *pgtest.Server // nil until the first use
	closers  []func() error
	servers  int
	results  []result
}

// newRig starts the processes. Close it also after an error.
func newRig(ctx context.Context, o options) (*rig, error) {
	r := &rig{options: o, ctx: ctx, program: o.kith}
	dir, err := os.MkdirTemp(o.dir, "kith-bench-")
	if err != nil {
		return r, err
	}
	r.dir = dir
	r.closers = append(r.closers, func() error { return os.RemoveAll(dir) })
	if r.program == "" {
		if r.program, err = buildKith(ctx, dir); err != nil {
			return r, err
		}
	}
	var hello string
	for _, c := range []struct {
		role    string
		child   **child
		address *string
	}{
		{"role-load", &r.load, &hello},
		{"role-null", &r.null, &r.nullAddress},
		{"role-receiver", &r.receiver, &r.callbackAddr},
	} {
		if *c.child, err = startChild(ctx, c.role, c.address); err != nil {
			return r, err
		}
		r.closers = append(r.closers, (*c.child).stop)
	}
	return r, nil
}

// close ends everything, last one first.
func (r *rig) close() error {
	var errs []error
	for i := len(r.closers) - 1; i >= 0; i-- {
		errs = append(errs, r.closers[i]())
	}
	r.closers = nil
	return errors.Join(errs...)
}

// say tells the person who waits what goes on.
func (r *rig) say(format string, args ...any) { fmt.Fprintf(r.log, format+"\n", args...) }

// newServer returns a server of the engine that has an empty store of its own and is not started.
func (r *rig) newServer(engine string) (*kith, error) {
	r.servers++
	k := &kith{program: r.program, dir: filepath.Join(r.dir, fmt.Sprintf("data-%d", r.servers))}
	if engine != enginePostgres {
		return k, nil
	}
	if r.postgres == nil {
		server, err := pgtest.Launch(pgtest.Options{}) // PostgreSQL's own settings, fsync on
		if err != nil {
			return nil, err
		}
		r.postgres = server
		r.closers = append(r.closers, server.Close)
	}
	var err error
	k.store, err = r.postgres.CreateDatabase()
	return k, err
}

// startServer starts a server with the app that is measured. The rig's load forgets the lists of servers before it.
func (r *rig) startServer(engine string, extra ...string) (*kith, error) {
	k, err := r.newServer(engine)
	if err != nil {
		return nil, err
	}
	k.extra = extra
	if err := k.start(r.ctx); err != nil {
		return nil, err
	}
	if err := errors.Join(k.createApp(r.ctx), r.load.call("forget", nil, nil)); err != nil {
		return nil, errors.Join(err, k.stop())
	}
	return k, nil
}

// withServer runs do with a fresh server and removes what it wrote. Extra are further arguments of the server.
func (r *rig) withServer(engine string, do func(*kith) error, extra ...string) (err error) {
	k, err := r.startServer(engine, extra...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, k.stop(), os.RemoveAll(k.dir)) }()
	return do(k)
}

// run has the generator do a job.
func (r *rig) run(j job) (phase, error) { return r.runOn(r.load, j) }

// runOn has one of several generators do a job.
func (r *rig) runOn(load *child, j job) (phase, error) {
	if err := r.ctx.Err(); err != nil {
		return phase{}, err
	}
	if j.Connections == 0 {
		j.Connections = connections
	}
	var p phase
	err := load.call("run", j, &p)
	return p, err
}

// prepare imports the accounts of the lists and fills them.
func (r *rig) prepare(k *kith, lists ...listSet) error {
	widest := lists[0]
	for _, l := range lists {
		if l.Accounts > widest.Accounts {
			widest = l
		}
	}
	if _, err := r.run(job{
		Addr: k.address, Path: k.path("im_open_login_svc/multiaccount_import"), Kind: kindImport, Lists: widest,
	}); err != nil {
		return err
	}
	for _, l := range lists {
		if err := r.refill(k, l); err != nil {
			return err
		}
	}
	return nil
}

// refill puts back what was taken off the lists.
func (r *rig) refill(k *kith, l listSet) error {
	_, err := r.run(job{Addr: k.address, Path: k.path("sns/black_list_add"), Kind: kindFill, Lists: l})
	return err
}

// unblocks is the job of taking entries off the lists of a server.
func (k *kith) unblocks(l listSet, targets int, d time.Duration) job {
	return job{
		Addr: k.address, Path: k.path("sns/black_list_delete"), Kind: kindUnblock,
		Lists: l, Targets: targets, Depth: l.Size / 2, Duration: d,
	}
}

// onNull is the same job against the null handler.
func (r *rig) onNull(j job) job {
	j.Addr, j.Dry = r.nullAddress, true
	return j
}

// callbackURL is where callbacks go.
func (r *rig) callbackURL() string { return "http://" + r.callbackAddr + "/callback" }

// delivered waits until n callbacks have come since the last reset and returns what came.
func (r *rig) delivered(n int, patience time.Duration) (tally, error) {
	return r.deliveredTo(r.receiver, n, patience)
}

// deliveredTo is delivered for one of several receivers.
func (r *rig) deliveredTo(receiver *child, n int, patience time.Duration) (tally, error) {
	var t tally
	for limit := time.Now().Add(patience); ; {
		var count int
		if err := receiver.call("count", none{}, &count); err != nil {
			return t, err
		}
		if count >= n {
			break
		}
		if time.Now().After(limit) {
			return t, fmt.Errorf("only %d of %d callbacks came within %s", count, n, patience)
		}
		if err := pause(r.ctx, pollEvery); err != nil {
			return t, err
		}
	}
	err := receiver.call("tally", none{}, &t)
	return t, err
}

// pause sleeps, unless the run is cancelled.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// length picks the length of a phase.
func (o options) length(full, short time.Duration) time.Duration {
	d := full
	if o.short {
		d = short
	}
	if o.brief > 0 {
		d = min(d, o.brief)
	}
	return d
}

// number picks a size.
func (o options) number(full, short int) int {
	if o.short {
		return short
	}
	return full
}
