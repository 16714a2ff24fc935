package main

import (
	"errors"
	"fmt"
	"time"
)

// measureSustained compares calls accepted and callbacks delivered, from the first call to the last callback, to the null
// chain: the null handler, which posts the same callback to the same receiver.
func measureSustained(r *rig, engine string) error {
	return r.withServer(engine, func(k *kith) error {
		lists := r.shortLists()
		if err := r.prepare(k, lists); err != nil {
			return err
		}
		if err := k.setCallback(r.ctx, r.callbackURL()); err != nil {
			return err
		}
		j := k.unblocks(lists, 1, r.length(4*time.Second, 500*time.Millisecond))
		j.Depth = 0
		if err := r.warmUp(k, j, true); err != nil {
			return err
		}
		var c contest
		for range r.number(3, 2) {
			chain, err := r.chainRound(j)
			if err != nil {
				return err
			}
			p, err := r.sustainedRound(k, j)
			if err != nil {
				return err
			}
			c.add(p, chain)
		}
		r.add(engine, c.result("unblocks accepted and delivered", "null chain", ratioAtLeast(0.5)))
		return r.profiled(k, "sustained-"+engine, j, func(j job) error {
			_, err := r.sustainedRound(k, j)
			return err
		})
	})
}

// chainRound has the null chain do the job and wait for the last callback.
func (r *rig) chainRound(j job) (p round, err error) {
	answer, err := r.answerOf(j)
	if err != nil {
		return p, err
	}
	if err := r.null.call("setup", nullSetup{Answer: answer, Callback: r.callbackURL()}, nil); err != nil {
		return p, err
	}
	defer func() { err = errors.Join(err, r.null.call("setup", nullSetup{Answer: answer}, nil)) }()
	return r.spending(r.null.pid(), func() (phase, error) { return r.untilDelivered(r.onNull(j)) })
}

// answerOf returns what the null handler answers now.
func (r *rig) answerOf(j job) (string, error) {
	j.Duration = 10 * time.Millisecond
	p, err := r.run(r.onNull(j))
	return p.Answer, err
}

func (r *rig) sustainedRound(k *kith, j job) (round, error) {
	p, err := r.spending(k.pid(), func() (phase, error) { return r.untilDelivered(j) })
	if err != nil {
		return p, err
	}
	return p, r.refill(k, j.Lists)
}

// untilDelivered runs a job and counts its time to the arrival of the last callback.
func (r *rig) untilDelivered(j job) (phase, error) {
	if err := r.receiver.call("reset", none{}, nil); err != nil {
		return phase{}, err
	}
	p, err := r.run(j)
	if err != nil {
		return p, err
	}
	t, err := r.delivered(p.Calls, 2*time.Minute)
	if err != nil {
		return p, err
	}
	if t.Unique != p.Calls {
		return p, fmt.Errorf("%d calls made %d events", p.Calls, t.Unique)
	}
	p.Elapsed = max(p.Elapsed, time.Duration(t.Last-p.Start))
	return p, nil
}
