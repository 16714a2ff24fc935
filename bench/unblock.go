package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// shortLists and longLists are the lists that unblocks are measured on. They share the accounts.
func (o options) shortLists() listSet {
	owners := o.number(20_000, 2_000)
	return listSet{Name: "short", Owners: owners, Size: 10, Accounts: owners + o.longOwners()}
}

func (o options) longLists() listSet {
	first := o.shortLists().Owners
	return listSet{Name: "long", First: first, Owners: o.longOwners(), Size: 1000, Accounts: first + o.longOwners()}
}

func (o options) longOwners() int { return o.number(1_000, 128) }

// measureUnblock compares durable unblocks to the null handler: for lists of 10 and 1000, calls with 1 and 100 targets,
// callbacks off and on.
func measureUnblock(r *rig, engine string) error {
	return r.withServer(engine, func(k *kith) error {
		lists := []listSet{r.shortLists(), r.longLists()}
		if err := r.prepare(k, lists...); err != nil {
			return err
		}
		for _, callbacks := range []bool{false, true} {
			url := ""
			if callbacks {
				url = r.callbackURL()
			}
			if err := k.setCallback(r.ctx, url); err != nil {
				return err
			}
			for _, l := range lists {
				for _, targets := range []int{1, 100} {
					if err := r.unblockCase(k, engine, l, targets, callbacks); err != nil {
						return err
					}
				}
			}
		}
		return r.footprint(k, engine, "after the unblocks")
	})
}

// unblockCase measures one case, null handler and Kith in turns.
func (r *rig) unblockCase(k *kith, engine string, l listSet, targets int, callbacks bool) error {
	j := k.unblocks(l, targets, r.length(2*time.Second, 250*time.Millisecond))
	if err := r.warmUp(k, j, callbacks); err != nil {
		return err
	}
	var c contest
	for range r.number(3, 2) {
		null, err := r.nullRound(j)
		if err != nil {
			return err
		}
		p, err := r.unblockRound(k, j, callbacks)
		if err != nil {
			return err
		}
		c.add(p, null)
	}
	name := fmt.Sprintf("list of %d, %s, callbacks %s", l.Size, plural(targets, "target"), onOff(callbacks))
	r.add(engine, c.result(name, "null handler", ratioAtLeast(0.6)))
	return r.profiled(k, fmt.Sprintf("unblock-%s-%d-%d-%s", engine, l.Size, targets, onOff(callbacks)), j, func(j job) error {
		_, err := r.unblockRound(k, j, callbacks)
		return err
	})
}

// profiled runs one more round under the profiler, if that is wanted. The profiler counts in whole seconds.
func (r *rig) profiled(k *kith, name string, j job, do func(job) error) error {
	if r.profiles == "" {
		return nil
	}
	if err := os.MkdirAll(r.profiles, 0o700); err != nil {
		return err
	}
	j.Duration = max(j.Duration, time.Second)
	return k.profile(r.ctx, filepath.Join(r.profiles, name+".prof"), j.Duration, func() error { return do(j) })
}

// warmUp runs both sides once, and has the null handler answer what Kith answers.
func (r *rig) warmUp(k *kith, j job, callbacks bool) error {
	j.Duration = r.length(500*time.Millisecond, 100*time.Millisecond)
	p, err := r.unblockRound(k, j, callbacks)
	if err != nil {
		return err
	}
	if err := r.null.call("setup", nullSetup{Answer: p.Answer}, nil); err != nil {
		return err
	}
	_, err = r.nullRound(j)
	return err
}

// round is one phase with the CPU time that the server spent on it.
type round struct {
	phase
	server time.Duration
}

// nullRound has the null handler answer the calls of j.
func (r *rig) nullRound(j job) (round, error) {
	return r.spending(r.null.pid(), func() (phase, error) { return r.run(r.onNull(j)) })
}

// unblockRound unblocks, waits for the callbacks and puts the entries back.
func (r *rig) unblockRound(k *kith, j job, callbacks bool) (round, error) {
	if err := r.receiver.call("reset", none{}, nil); err != nil {
		return round{}, err
	}
	p, err := r.spending(k.pid(), func() (phase, error) {
		p, err := r.run(j)
		if err == nil && callbacks {
			_, err = r.delivered(p.Calls, time.Minute)
		}
		return p, err
	})
	if err != nil {
		return p, err
	}
	return p, r.refill(k, j.Lists)
}

// spending also notes the CPU time that a process spends meanwhile.
func (r *rig) spending(pid int, do func() (phase, error)) (round, error) {
	before, err := cpuOf(pid)
	if err != nil {
		return round{}, err
	}
	p, err := do()
	if err != nil {
		return round{}, err
	}
	after, err := cpuOf(pid)
	return round{phase: p, server: after - before}, err
}

// contest collects the rounds of two sides that take turns.
type contest struct {
	kith, peer, ratios []float64
	kithCPU, peerCPU   []float64 // microseconds a call
	loadCPU            []float64
	p99                []float64 // milliseconds
	short              bool
}

func (c *contest) add(kith, peer round) {
	c.kith = append(c.kith, kith.rate())
	c.peer = append(c.peer, peer.rate())
	c.ratios = append(c.ratios, kith.rate()/peer.rate())
	c.kithCPU = append(c.kithCPU, perCall(kith.server, kith.phase))
	c.peerCPU = append(c.peerCPU, perCall(peer.server, peer.phase))
	c.loadCPU = append(c.loadCPU, perCall(kith.CPU, kith.phase))
	c.p99 = append(c.p99, ms(kith.P99))
	c.short = c.short || kith.Short
}

func perCall(cpu time.Duration, p phase) float64 {
	return float64(cpu.Microseconds()) / float64(max(p.Calls, 1))
}

func (c *contest) result(name, beside string, budgets ...budget) result {
	note := fmt.Sprintf("p99 %.1f ms; CPU a call: Kith %.0f µs, peer %.0f µs, generator %.0f µs",
		median(c.p99), median(c.kithCPU), median(c.peerCPU), median(c.loadCPU))
	if c.short {
		note += "; the lists ran out before the time"
	}
	return result{
		Case: name, Unit: perSecond, Kith: median(c.kith), Beside: beside, Peer: median(c.peer),
		Ratio: median(c.ratios), Low: slices.Min(c.ratios), High: slices.Max(c.ratios), Budgets: budgets, Note: note,
	}
}

// footprint reports memory and disk of a server.
func (r *rig) footprint(k *kith, engine, when string) error {
	rss, err := rssOf(k.pid())
	if err != nil {
		return err
	}
	r.add(engine, result{Case: "resident memory " + when, Unit: mebibytes, Kith: float64(rss) / (1 << 20)})
	if engine != engineSQLite {
		return nil
	}
	disk, err := diskBytes(k.dir)
	if err != nil {
		return err
	}
	r.add(engine, result{Case: "data directory " + when, Unit: mebibytes, Kith: float64(disk) / (1 << 20)})
	return nil
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}
