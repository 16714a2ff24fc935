package main

import (
	"fmt"
	"math"
	"time"
)

// budgetRate is the rate of calls, in calls a second, for which the budget on latency is.
const budgetRate = 500

// measureLatency measures how soon the app backend knows, at a fixed rate of calls, beside a plain POST of the same
// callback to the same receiver.
func measureLatency(r *rig, engine string) error {
	return r.withServer(engine, func(k *kith) error {
		lists := r.shortLists()
		if err := r.prepare(k, lists); err != nil {
			return err
		}
		if err := k.setCallback(r.ctx, r.callbackURL()); err != nil {
			return err
		}
		for _, rate := range []float64{budgetRate, 10 * budgetRate} {
			if err := r.latencyCase(k, engine, lists, rate); err != nil {
				return err
			}
		}
		return nil
	})
}

func (r *rig) latencyCase(k *kith, engine string, lists listSet, rate float64) error {
	unblock := k.unblocks(lists, 1, r.length(5*time.Second, time.Second))
	unblock.Rate, unblock.Record, unblock.Depth = rate, true, 0
	direct := unblock
	direct.Addr, direct.Path, direct.Kind, direct.Dry = r.callbackAddr, "/callback", kindDirect, true
	var through, straight journey
	before, err := k.firstBytes(r.ctx)
	if err != nil {
		return err
	}
	for range r.number(2, 1) {
		if err := r.follow(direct, &straight); err != nil {
			return err
		}
		if err := r.follow(unblock, &through); err != nil {
			return err
		}
		if err := r.refill(k, lists); err != nil {
			return err
		}
	}
	after, err := k.firstBytes(r.ctx)
	if err != nil {
		return err
	}
	r.addLatencies(engine, rate, &through, &straight, after.since(before))
	return nil
}

// journey holds the times of calls and of the callbacks that they caused, in nanoseconds.
type journey struct {
	called    []int64 // call sent to call answered
	notified  []int64 // call sent to callback arrived
	committed []int64 // event made, just before its commit, to callback arrived
	overtaken []int64 // call answered to callback arrived; below zero when the callback was sooner
}

// follow runs a job and finds the callback of each call.
func (r *rig) follow(j job, to *journey) error {
	if err := r.receiver.call("reset", none{}, nil); err != nil {
		return err
	}
	p, err := r.run(j)
	if err != nil {
		return err
	}
	if _, err := r.delivered(p.Calls, time.Minute); err != nil {
		return err
	}
	var arrivals []arrival
	if err := r.receiver.call("collect", none{}, &arrivals); err != nil {
		return err
	}
	return to.join(p.Records, arrivals)
}

// join adds the calls of one phase. A call whose callback did not come is an error; of one that came twice the first counts.
func (t *journey) join(calls []callTimes, arrivals []arrival) error {
	came := make(map[int64]arrival, len(arrivals))
	for _, a := range arrivals {
		if first, ok := came[a.Key]; !ok || a.At < first.At {
			came[a.Key] = a
		}
	}
	for _, c := range calls {
		a, ok := came[c.Key]
		if !ok {
			return fmt.Errorf("no callback about %s and %s", userID(int(c.Key>>32)), userID(int(c.Key&math.MaxUint32)))
		}
		t.called = append(t.called, c.Answered-c.Sent)
		t.notified = append(t.notified, a.At-c.Sent)
		t.overtaken = append(t.overtaken, a.At-c.Answered)
		if a.Made != 0 {
			t.committed = append(t.committed, a.At-a.Made)
		}
	}
	return nil
}

// stretch is a part of the way, and the same part of a direct POST.
type stretch struct {
	name   string
	kith   func(q float64) float64 // milliseconds
	direct func(q float64) float64 // nil: there is none
	note   string
}

// addLatencies reports p50 and p99 of each stretch.
//
// Nobody outside Kith sees the commit. So the time from commit to arrival is put together of two: Kith's own histogram up
// to the first byte, and a direct POST for the rest of the way. That is what the budget is judged by. The stretches that are
// measured wholly from outside enclose it: an event is made before its commit, and a call is answered after it.
func (r *rig) addLatencies(engine string, rate float64, through, straight *journey, firstByte histogram) {
	of := func(times []int64) func(float64) float64 {
		return func(q float64) float64 { return ms(time.Duration(quantiles(times, q)[0])) }
	}
	first := func(q float64) float64 { return firstByte.quantile(q) * 1000 }
	post := of(straight.notified)
	for i, s := range []stretch{
		{"commit to arrival", func(q float64) float64 { return first(q) + post(q) }, post, "first byte plus a direct POST"},
		{"commit to first byte", first, nil, "Kith's own histogram"},
		{"event made to arrival", of(through.committed), post, "includes the commit"},
		{"answer to arrival", of(through.overtaken), nil, "below zero: the callback was there before the answer"},
		{"call to arrival", of(through.notified), post, "includes the commit"},
		{"call to answer", of(through.called), of(straight.called), "includes the commit"},
	} {
		for _, at := range []struct {
			name     string
			quantile float64
			limit    float64 // milliseconds
		}{{"p50", 0.50, 1}, {"p99", 0.99, 5}} {
			res := result{
				Case: fmt.Sprintf("%.0f/s, %s, %s", rate, s.name, at.name), Unit: millis,
				Kith: s.kith(at.quantile), Note: s.note,
			}
			if s.direct != nil {
				res.Beside, res.Peer = "direct POST", s.direct(at.quantile)
			}
			if i == 0 && rate == budgetRate {
				res.Budgets = []budget{atMost(at.limit), ratioAtMost(2)}
			}
			r.add(engine, res)
		}
	}
}
