package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/kithchat/kith/internal/operator"
)

const (
	// fairRate is the rate of the app that is measured, and of the other one where it does not flood, in calls a second.
	fairRate = 200
	// floodCallers call for the other app as fast as they are answered, and a crowd of them the more.
	floodCallers = 32
	crowdCallers = 512
	// slowAnswer is how long a slow endpoint takes.
	slowAnswer = time.Second
)

// crowd is another app beside the one that is measured, with a generator and a receiver of its own.
type crowd struct {
	*rig
	k        *kith
	load     *child
	receiver *child
	address  string // of the receiver
	ticket   string
	key      string // of the app
	lists    listSet
}

// measureFairness measures how soon one app is told, alone and while another app floods Kith, has a dead endpoint or a slow
// one, or gets its backlog.
func measureFairness(r *rig, engine string) error {
	return r.withGateway(engine, nil, func(k *kith) (err error) {
		c := &crowd{rig: r, k: k, lists: r.shortLists()}
		defer func() { err = errors.Join(err, c.close()) }()
		if err := c.open(); err != nil {
			return err
		}
		lists := r.shortLists()
		if err := errors.Join(r.prepare(k, lists), k.setCallback(r.ctx, r.callbackURL())); err != nil {
			return err
		}
		j := k.unblocks(lists, 1, r.length(5*time.Second, 500*time.Millisecond))
		j.Rate, j.Record, j.Depth, j.Connections = fairRate, true, 0, floodCallers
		if err := r.warmUp(k, k.unblocks(lists, 1, 0), true); err != nil {
			return err
		}
		answer, err := r.answerOf(k.unblocks(lists, 1, 0))
		if err != nil {
			return err
		}
		if err := r.null.call("setup", nullSetup{Answer: answer, Callback: c.callbackURL()}, nil); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, r.null.call("setup", nullSetup{Answer: answer}, nil)) }()
		return c.measure(engine, j)
	})
}

// open starts the processes of the other app, creates it and fills its lists.
func (c *crowd) open() error {
	var hello string
	var err error
	if c.load, err = startChild(c.ctx, "role-load", &hello); err != nil {
		return err
	}
	if c.receiver, err = startChild(c.ctx, "role-receiver", &c.address); err != nil {
		return err
	}
	app, err := c.k.client.CreateApp(c.ctx, operator.CreateApp{SDKAppID: crowdApp, Name: "crowd", Admins: []string{benchAdmin}})
	if err != nil {
		return err
	}
	c.key = app.Key
	sig, err := c.k.client.MakeUserSig(c.ctx, crowdApp, operator.MakeUserSig{UserID: benchAdmin})
	if err != nil {
		return err
	}
	c.ticket = sig.UserSig
	if err := c.k.sendRemovals(c.ctx, crowdApp, c.callbackURL()); err != nil {
		return err
	}
	if _, err := c.do(job{Path: c.path("im_open_login_svc/multiaccount_import"), Kind: kindImport}); err != nil {
		return err
	}
	return c.refill()
}

// close ends the processes.
func (c *crowd) close() error {
	var errs []error
	for _, p := range []*child{c.load, c.receiver} {
		if p != nil {
			errs = append(errs, p.stop())
		}
	}
	return errors.Join(errs...)
}

func (c *crowd) callbackURL() string { return "http://" + c.address + "/callback" }

func (c *crowd) path(command string) string { return pathOf(crowdApp, c.ticket, command) }

// do has the other app's generator do a job.
func (c *crowd) do(j job) (phase, error) {
	if j.Addr == "" {
		j.Addr = c.k.address
	}
	if j.Lists.Name == "" {
		j.Lists = c.lists
	}
	return c.runOn(c.load, j)
}

func (c *crowd) refill() error {
	for _, lists := range []listSet{c.lists, c.deviceLists()} {
		if _, err := c.do(job{Path: c.path("sns/black_list_add"), Kind: kindFill, Lists: lists}); err != nil {
			return err
		}
	}
	return nil
}

// deviceLists are those of the users with devices: one for each connection.
func (c *crowd) deviceLists() listSet {
	return listSet{Name: "crowd's devices", First: c.lists.Owners, Owners: floodCallers, Size: 1000, Accounts: c.lists.Accounts}
}

// calls is the job of the other app's callers, for as long as the measured one takes. Rate 0: a flood.
func (c *crowd) calls(callers int, rate float64, d time.Duration) job {
	return job{
		Path: c.path("sns/black_list_delete"), Kind: kindUnblock, Targets: 1, Rate: rate, Duration: d, Connections: callers,
	}
}

// neighbour is what the other app is like.
type neighbour struct {
	name  string
	job   func(d time.Duration) job
	spoil func() error // of its endpoint
	mend  func() error
	null  bool      // it does not call Kith at all
	calls []float64 // a second, in each turn
}

func (c *crowd) neighbours() []neighbour {
	still := func() error { return nil }
	backlog := func() error { return c.collect(c.length(5*time.Second, 500*time.Millisecond)) }
	tell := func(what string, with any) func() error {
		return func() error { return c.receiver.call(what, with, nil) }
	}
	flood := func(callers int) func(time.Duration) job {
		return func(d time.Duration) job { return c.calls(callers, 0, d) }
	}
	atNull := func(callers int) func(time.Duration) job {
		return func(d time.Duration) job {
			j := c.calls(callers, 0, d)
			j.Addr, j.Dry = c.nullAddress, true
			return j
		}
	}
	devices := func(d time.Duration) job {
		j := c.calls(floodCallers, 0, d)
		j.Kind, j.Lists = kindDevice, c.deviceLists()
		j.Devices = c.k.sessions(j.Lists.First, j.Lists.Owners, 1)
		j.Devices.App, j.Devices.Key = crowdApp, c.key
		return j
	}
	steady := func(d time.Duration) job { return c.calls(floodCallers, fairRate, d) }
	var all []neighbour
	for _, n := range []int{floodCallers, crowdCallers} {
		all = append(all,
			neighbour{fmt.Sprintf("%d callers flood the null chain", n), atNull(n), still, still, true, nil},
			neighbour{fmt.Sprintf("%d callers of another app flood", n), flood(n), still, still, false, nil})
	}
	return append(all,
		neighbour{fmt.Sprintf("%d devices of another app flood", floodCallers), devices, still, still, false, nil},
		neighbour{"another app's endpoint is dead", steady, tell("down", none{}), tell("up", none{}), false, nil},
		neighbour{"another app's endpoint answers in 1 s", steady, tell("delay", slowAnswer), tell("delay", time.Duration(0)), false, nil},
		neighbour{"another app's endpoint is back, and gets its backlog", steady, backlog, still, false, nil},
	)
}

// measure measures the app alone and beside each neighbour, in turns.
func (c *crowd) measure(engine string, j job) error {
	neighbours := c.neighbours()
	alone := &journey{}
	beside := make([]journey, len(neighbours))
	for range c.number(3, 1) {
		if err := c.turn(j, &neighbour{}, alone); err != nil {
			return err
		}
		for i := range neighbours {
			n := &neighbours[i]
			if err := c.turn(j, n, &beside[i]); err != nil {
				return fmt.Errorf("%s: %w", n.name, err)
			}
		}
	}
	c.report(engine, alone, neighbours, beside)
	return nil
}

// collect has the other app make events for so long while its endpoint is dead, and brings that back.
func (c *crowd) collect(d time.Duration) error {
	if err := c.receiver.call("down", none{}, nil); err != nil {
		return err
	}
	if _, err := c.do(c.calls(floodCallers, 0, d)); err != nil {
		return err
	}
	if err := c.receiver.call("up", none{}, nil); err != nil {
		return err
	}
	_, err := c.k.client.TestCallback(c.ctx, crowdApp)
	return err
}

// turn measures once, and waits until nothing of it is left.
func (c *crowd) turn(j job, n *neighbour, to *journey) (err error) {
	if n.job == nil {
		return errors.Join(c.follow(j, to), c.rig.refill(c.k, j.Lists))
	}
	if err := errors.Join(c.receiver.call("reset", none{}, nil), n.spoil()); err != nil {
		return err
	}
	var group errgroup.Group
	crowd := n.job(j.Duration)
	group.Go(func() error {
		p, err := c.do(crowd)
		n.calls = append(n.calls, p.rate())
		if err == nil && crowd.Dry { // Kith knows nothing of these callbacks
			_, err = c.deliveredTo(c.receiver, p.Calls, time.Minute)
		}
		return err
	})
	group.Go(func() error { return c.follow(j, to) })
	if err := errors.Join(group.Wait(), n.mend()); err != nil {
		return err
	}
	if _, err := c.k.client.TestCallback(c.ctx, crowdApp); err != nil {
		return err
	}
	return errors.Join(c.settled(), c.rig.refill(c.k, j.Lists), c.refill())
}

// settled waits until nothing waits for the other app.
func (c *crowd) settled() error {
	ctx, cancel := context.WithTimeout(c.ctx, 2*time.Minute)
	defer cancel()
	for {
		outbox, err := c.k.client.Outbox(ctx, 0)
		if err != nil {
			return err
		}
		waiting := outbox.Waiting()
		if waiting == 0 {
			return nil
		}
		if err := pause(ctx, pollEvery); err != nil {
			return fmt.Errorf("%d events still wait: %w", waiting, err)
		}
	}
}

// report says what each neighbour does to the app.
func (c *crowd) report(engine string, alone *journey, neighbours []neighbour, beside []journey) {
	at := func(times []int64, q float64) float64 { return ms(time.Duration(quantiles(times, q)[0])) }
	name := fmt.Sprintf("%d/s, event made to arrival, p99", fairRate)
	var busy result // the last of the null chain
	for i, n := range neighbours {
		res := result{
			Case: name + ": " + n.name, Unit: millis, Kith: at(beside[i].committed, 0.99), Beside: "alone", Peer: at(alone.committed, 0.99),
			Note: fmt.Sprintf("p50 %.2f ms, alone %.2f ms; the other app makes %.0f calls/s",
				at(beside[i].committed, 0.5), at(alone.committed, 0.5), median(n.calls)),
		}
		if n.null {
			busy = res
			res.Note += "; the machine is as busy, and Kith is not"
			c.add(engine, res)
			continue
		}
		res.Budgets = []budget{ratioAtMost(2)}
		c.add(engine, res)
		if i > 0 && neighbours[i-1].null {
			res.Beside, res.Peer, res.Ratio, res.Budgets, res.Note = neighbours[i-1].name, busy.Kith, 0, nil, "what is Kith's own part of it"
			c.add(engine, res)
		}
	}
}
