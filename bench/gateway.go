package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/kithchat/kith/api"
)

// gatewayArgs lift the limits that are there against a single client.
var gatewayArgs = []string{"--gateway-rate", "1000000", "--gateway-max-address", "-1"}

// sessions describes devices of a server's accounts.
func (k *kith) sessions(first, users, each int) devices {
	return devices{
		Addr: k.address, Path: api.GatewayPath, App: benchApp, Key: k.key, First: first, Users: users, Each: each, Parallel: 512,
	}
}

// withGateway runs do with a fresh server whose limits are lifted.
func (r *rig) withGateway(engine string, extra []string, do func(*kith) error) error {
	return r.withServer(engine, do, append(gatewayArgs[:len(gatewayArgs):len(gatewayArgs)], extra...)...)
}

// deviceLists are the lists of the users that call through the gateway: one for each connection.
func (o options) deviceLists() listSet {
	return listSet{Name: "device", Owners: connections, Size: 1000, Accounts: 1100}
}

// measureGateway compares calls through the gateway to the same calls by REST, and measures how soon devices know.
func measureGateway(r *rig, engine string) error {
	err := r.withGateway(engine, nil, func(k *kith) error {
		l := r.deviceLists()
		if err := r.prepare(k, l); err != nil {
			return err
		}
		for _, targets := range []int{1, 100} {
			if err := r.gatewayRate(k, engine, l, targets, ""); err != nil {
				return err
			}
		}
		if err := r.fanOutCase(k, engine, l); err != nil {
			return err
		}
		if err := k.setCallback(r.ctx, r.callbackURL()); err != nil {
			return err
		}
		return r.gatewayLatency(k, engine, l)
	})
	if err != nil || engine != engineSQLite {
		return err
	}
	return r.withGateway(engine, []string{"--gateway-compression"}, func(k *kith) error {
		l := r.deviceLists()
		if err := r.prepare(k, l); err != nil {
			return err
		}
		return r.gatewayRate(k, engine, l, 100, ", compressed")
	})
}

// throughGateway is the job of unblocking through the gateway.
func (k *kith) throughGateway(j job, compress bool) job {
	j.Kind, j.Devices = kindDevice, k.sessions(j.Lists.First, j.Lists.Owners, 1)
	j.Devices.Compress = compress
	return j
}

// gatewayRate measures unblocks a second, gateway and REST in turns.
func (r *rig) gatewayRate(k *kith, engine string, l listSet, targets int, how string) error {
	rest := k.unblocks(l, targets, r.length(2*time.Second, 250*time.Millisecond))
	rest.Depth = 0
	through := k.throughGateway(rest, how != "")
	if _, err := r.unblockRound(k, rest, false); err != nil { // warm
		return err
	}
	var c contest
	wire := 0
	for range r.number(3, 2) {
		byREST, err := r.unblockRound(k, rest, false)
		if err != nil {
			return err
		}
		p, err := r.unblockRound(k, through, false)
		if err != nil {
			return err
		}
		wire = p.Wire
		c.add(p, byREST)
	}
	res := c.result(fmt.Sprintf("unblocks through the gateway, %s%s", plural(targets, "target"), how), "by REST")
	res.Note += fmt.Sprintf("; answer on the wire %d bytes", wire)
	r.add(engine, res)
	return r.profiled(k, fmt.Sprintf("gateway-%s-%d%s", engine, targets, how), through, func(j job) error {
		_, err := r.unblockRound(k, j, false)
		return err
	})
}

// fanOutCase measures how soon five devices of the owner know of a REST call.
func (r *rig) fanOutCase(k *kith, engine string, l listSet) error {
	j := k.unblocks(l, 1, r.length(4*time.Second, time.Second))
	j.Rate, j.Depth, j.Connections = budgetRate, 0, connections
	var f fanned
	err := r.load.call("fan", fanOut{Job: j, Devices: k.sessions(l.First, l.Owners, len(platforms))}, &f)
	if err != nil {
		return err
	}
	for i, at := range []string{"p50", "p99"} {
		for _, s := range []struct {
			name  string
			times []time.Duration
		}{{"to each of 5 devices", f.Each}, {"to the last of 5 devices", f.Last}} {
			r.add(engine, result{
				Case: fmt.Sprintf("%d/s by REST, call %s, %s", budgetRate, s.name, at), Unit: millis, Kith: ms(s.times[i]),
				Beside: "call to its answer", Peer: ms(f.Answered[i]), Note: "includes the commit",
			})
		}
	}
	return r.refill(k, l)
}

// gatewayLatency compares the time to the app backend, through the gateway and by REST.
func (r *rig) gatewayLatency(k *kith, engine string, l listSet) error {
	rest := k.unblocks(l, 1, r.length(4*time.Second, time.Second))
	rest.Rate, rest.Record, rest.Depth = budgetRate, true, 0
	var through, byREST journey
	var firstByte [2]histogram
	for i, side := range []struct {
		job job
		to  *journey
	}{{rest, &byREST}, {k.throughGateway(rest, false), &through}} {
		before, err := k.firstBytes(r.ctx)
		if err != nil {
			return err
		}
		if err := errors.Join(r.follow(side.job, side.to), r.refill(k, l)); err != nil {
			return err
		}
		after, err := k.firstBytes(r.ctx)
		if err != nil {
			return err
		}
		firstByte[i] = after.since(before)
	}
	for _, at := range []struct {
		name string
		q    float64
	}{{"p50", 0.50}, {"p99", 0.99}} {
		quantile := func(times []int64) float64 { return ms(time.Duration(quantiles(times, at.q)[0])) }
		for _, s := range []struct {
			name       string
			kith, peer float64
		}{
			{"commit to first byte of the callback", firstByte[1].quantile(at.q) * 1000, firstByte[0].quantile(at.q) * 1000},
			{"call to callback", quantile(through.notified), quantile(byREST.notified)},
			{"call to answer", quantile(through.called), quantile(byREST.called)},
		} {
			r.add(engine, result{
				Case: fmt.Sprintf("%d/s through the gateway, %s, %s", budgetRate, s.name, at.name), Unit: millis,
				Kith: s.kith, Beside: "by REST", Peer: s.peer,
			})
		}
	}
	return nil
}

// measureIdle measures what an idle session costs, beside a connection to the null gateway, and a storm of reconnects.
func measureIdle(r *rig, engine string) error {
	users := r.number(20_000, 2_000)
	storm := r.number(10_000, 2_000)
	const besides = 200 // files of other kinds
	files, err := allowFiles(users + besides)
	if err != nil {
		return err
	}
	users, storm = min(users, files-besides), min(storm, files-besides)
	for _, compress := range []bool{false, true} {
		extra := []string{"--gateway-compression=" + fmt.Sprint(compress)}
		if err := r.withGateway(engine, extra, func(k *kith) error { return r.idleCase(k, engine, users, compress) }); err != nil {
			return err
		}
	}
	return r.withGateway(engine, nil, func(k *kith) error { return r.stormCase(k, engine, storm) })
}

// importFor imports as many accounts as there are users.
func (r *rig) importFor(k *kith, users int) error {
	_, err := r.run(job{
		Addr: k.address, Path: k.path("im_open_login_svc/multiaccount_import"), Kind: kindImport,
		Lists: listSet{Name: "idle", Owners: users, Size: 1, Accounts: users + 1},
	})
	return err
}

func (r *rig) idleCase(k *kith, engine string, users int, compress bool) error {
	if err := r.importFor(k, users); err != nil {
		return err
	}
	d := k.sessions(0, users, 1)
	d.Compress = compress
	kithBytes, o, err := r.held(k.pid(), d, func() error { return k.collect(r) })
	if err != nil {
		return err
	}
	res := result{
		Case: fmt.Sprintf("idle session, resident memory, %d of them", users), Unit: bytesEach, Kith: kithBytes,
		Note: fmt.Sprintf("all logged in after %.1f s", o.Elapsed.Seconds()),
	}
	if compress { // no peer: the null gateway holds the memory of the round before
		res.Case += ", compression on"
	} else {
		d.Addr = r.nullAddress
		res.Beside, res.Budgets = "null gateway", []budget{atMost(20 << 10)}
		if res.Peer, _, err = r.held(r.null.pid(), d, func() error { return r.null.call("collect", none{}, nil) }); err != nil {
			return err
		}
	}
	r.add(engine, res)
	return nil
}

// collect has the server collect its garbage.
func (k *kith) collect(r *rig) error {
	_, err := k.get(r.ctx, "/debug/pprof/heap?gc=1")
	return err
}

// held opens sessions, measures what one takes in the process, and closes them.
func (r *rig) held(pid int, d devices, collect func() error) (perSession float64, o opened, err error) {
	if err := collect(); err != nil {
		return 0, o, err
	}
	before, err := rssOf(pid)
	if err != nil {
		return 0, o, err
	}
	if err := r.load.call("hold", d, &o); err != nil {
		return 0, o, err
	}
	defer func() { err = errors.Join(err, r.load.call("let-go", nil, nil)) }()
	if err := errors.Join(collect(), pause(r.ctx, r.length(5*time.Second, 500*time.Millisecond))); err != nil {
		return 0, o, err
	}
	after, err := rssOf(pid)
	return float64(after-before) / float64(d.Users*d.Each), o, err
}

// peakOf returns the highest resident memory of a process while do runs.
func (r *rig) peakOf(pid int, do func() error) (int64, error) {
	var peak int64
	done := make(chan error, 1)
	go func() { done <- do() }()
	for {
		rss, err := rssOf(pid)
		if err != nil {
			return peak, errors.Join(err, <-done)
		}
		peak = max(peak, rss)
		select {
		case err := <-done:
			return peak, err
		case <-time.After(pollEvery):
		}
	}
}

// stormCase restarts the server and has all clients log in at once.
func (r *rig) stormCase(k *kith, engine string, users int) error {
	if err := r.importFor(k, users); err != nil {
		return err
	}
	d := k.sessions(0, users, 1)
	d.Parallel = users
	if err := r.load.call("hold", d, nil); err != nil {
		return err
	}
	if err := errors.Join(k.stop(), os.Remove(filepath.Join(k.dir, "ready.json"))); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := errors.Join(k.start(r.ctx), r.load.call("let-go", nil, nil)); err != nil {
		return err
	}
	d.Addr = k.address
	var o, null opened
	peak, err := r.peakOf(k.pid(), func() error { return r.load.call("hold", d, &o) })
	if err != nil {
		return err
	}
	d.Addr = r.nullAddress
	if err := errors.Join(r.load.call("let-go", nil, nil), r.load.call("hold", d, &null), r.load.call("let-go", nil, nil)); err != nil {
		return err
	}
	r.add(engine, result{
		Case: fmt.Sprintf("%d clients at once after a restart, until all are logged in", users), Unit: seconds,
		Kith: o.Elapsed.Seconds(), Beside: "null gateway", Peer: null.Elapsed.Seconds(),
		Note: fmt.Sprintf("p50 %.0f ms, p99 %.0f ms of one", ms(o.P50), ms(o.P99)),
	})
	r.add(engine, result{
		Case: fmt.Sprintf("resident memory at its highest meanwhile, %d clients", users), Unit: mebibytes, Kith: float64(peak) / (1 << 20),
	})
	return nil
}
