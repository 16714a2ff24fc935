package main

import (
	"fmt"
	"math"
	"time"
)

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
		for _, rate := range []float64{500, 5000} {
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
	before, err := k.firstBytes(r)
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
	after, err := k.firstBytes(r)
	if err != nil {
		return err
	}
	r.addLatencies(engine, rate, &through, &straight, after.since(before))
	return nil
}

// firstBytes reads Kith's own histogram of the time from commit to first byte.
func (k *kith) firstBytes(r *rig) (histogram, error) {
	text, err := k.metrics(r.ctx)
	if err != nil {
		return nil, err
	}
	return parseHistogram(text, firstByteMetric)
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

// addLatencies reports p50 and p99 of each stretch. The budget on commit to first byte is judged by Kith's own histogram,
// whose bounds include the limits; the stretches seen from outside enclose it.
func (r *rig) addLatencies(engine string, rate float64, through, straight *journey, firstByte histogram) {
	for _, q := range []struct {
		name  string
		at    float64
		limit float64 // milliseconds, at 500/s
	}{{"p50", 0.50, 1}, {"p99", 0.99, 5}} {
		name := func(what string) string { return fmt.Sprintf("%.0f/s, %s, %s", rate, what, q.name) }
		direct := at(straight.notified, q.at)
		own := result{Case: name("commit to first byte"), Unit: millis, Kith: firstByte.quantile(q.at) * 1000, Note: "Kith's own histogram"}
		outside := result{
			Case: name("event made to arrival"), Unit: millis, Kith: at(through.committed, q.at),
			Beside: "direct POST", Peer: direct, Note: "includes the commit",
		}
		if rate == 500 {
			own.Budgets = []budget{atMost(q.limit)}
			outside.Budgets = []budget{ratioAtMost(2)}
		}
		r.add(engine, own)
		r.add(engine, outside)
		r.add(engine, result{
			Case: name("answer to arrival"), Unit: millis, Kith: at(through.overtaken, q.at),
			Note: "below zero: the callback was there before the answer",
		})
		r.add(engine, result{
			Case: name("call to arrival"), Unit: millis, Kith: at(through.notified, q.at), Beside: "direct POST", Peer: direct,
		})
		r.add(engine, result{
			Case: name("call to answer"), Unit: millis, Kith: at(through.called, q.at),
			Beside: "direct POST", Peer: at(straight.called, q.at),
		})
	}
}

// at returns a quantile in milliseconds.
func at(nanoseconds []int64, q float64) float64 {
	return ms(time.Duration(quantiles(nanoseconds, q)[0]))
}
