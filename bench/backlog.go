package main

import (
	"fmt"
	"time"
)

// measureBacklog fills the outbox while the app backend is away, brings it back, and compares the rate at which the
// backlog drains to the rate at which the same server accepts and delivers.
func measureBacklog(r *rig, engine string) error {
	return r.withServer(engine, func(k *kith) error {
		lists := r.shortLists()
		// A call for each event: the lists are as long as it takes.
		lists.Size = (r.events + lists.Owners - 1) / lists.Owners
		lists.Name = "backlog"
		if err := r.prepare(k, lists); err != nil {
			return err
		}
		if err := k.setCallback(r.ctx, r.callbackURL()); err != nil {
			return err
		}
		live := k.unblocks(lists, 1, r.length(4*time.Second, 500*time.Millisecond))
		live.Depth = 0
		p, err := r.sustainedRound(k, live)
		if err != nil {
			return err
		}
		return r.outage(k, engine, live, p.rate())
	})
}

// outage takes the receiver away for as long as the backlog takes to grow, and watches it drain.
func (r *rig) outage(k *kith, engine string, j job, live float64) error {
	if err := r.receiver.call("down", none{}, nil); err != nil {
		return err
	}
	if err := r.receiver.call("reset", none{}, nil); err != nil {
		return err
	}
	before, err := rssOf(k.pid())
	if err != nil {
		return err
	}
	j.Duration = 0
	p, err := r.run(j)
	if err != nil {
		return err
	}
	collected, err := rssOf(k.pid())
	if err != nil {
		return err
	}
	back := time.Now()
	if err := r.receiver.call("up", none{}, nil); err != nil {
		return err
	}
	if err := r.hurry(k); err != nil {
		return err
	}
	peak, t, err := r.drain(k, p.Calls)
	if err != nil {
		return err
	}
	drained := float64(t.Count) / time.Duration(t.Last-t.First).Seconds()
	r.add(engine, result{
		Case: thousands(int64(p.Calls)) + " events drained", Unit: perSecond, Kith: drained,
		Beside: "accepted and delivered", Peer: live, Budgets: []budget{ratioAtLeast(0.8)},
		Note: fmt.Sprintf("collected at %.0f calls/s; %s in the first second; events sent twice: %d",
			p.rate(), thousands(int64(t.Soon)), t.Count-t.Unique),
	})
	r.add(engine, result{
		Case: "app backend back to first callback", Unit: millis, Kith: ms(time.Duration(t.First - back.UnixNano())),
		Note: "a failing endpoint is probed every 30 s at the latest; with -short it is tested at once, as an operator may",
	})
	r.add(engine, result{
		Case: "resident memory, highest while draining", Unit: mebibytes, Kith: float64(peak) / (1 << 20),
		Beside: "with an empty outbox", Peer: float64(before) / (1 << 20),
		Note: fmt.Sprintf("%.0f MiB with the backlog", float64(collected)/(1<<20)),
	})
	return nil
}

// hurry tests the endpoint, which an operator may do to save the wait for the next probe, when sizes are small.
func (r *rig) hurry(k *kith) error {
	if !r.short {
		return nil
	}
	_, err := k.client.TestCallback(r.ctx, benchApp)
	return err
}

// drain waits for n callbacks and returns the highest resident memory meanwhile.
func (r *rig) drain(k *kith, n int) (peak int64, t tally, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		t, err = r.delivered(n, time.Minute+time.Duration(n)*time.Millisecond)
	}()
	tick := time.NewTicker(5 * pollEvery)
	defer tick.Stop()
	for {
		rss, rssErr := rssOf(k.pid())
		if rssErr != nil {
			<-done
			return peak, t, rssErr
		}
		peak = max(peak, rss)
		select {
		case <-done:
			return peak, t, err
		case <-tick.C:
		}
	}
}
