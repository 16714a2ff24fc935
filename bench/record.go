package main

import (
	"errors"
	"fmt"
	"os"
	"time"
)

// measureRecord compares two servers that accept and deliver: one keeps delivered events and their attempts for as long as
// it does by default, the other not at all.
func measureRecord(r *rig, engine string) error {
	return r.withServer(engine, func(recording *kith) error {
		bare, err := r.newServer(engine)
		if err != nil {
			return err
		}
		bare.extra = []string{"--record-retention", "0"}
		if err := bare.start(r.ctx); err != nil {
			return err
		}
		err = bare.createApp(r.ctx)
		if err == nil {
			err = r.recordRounds(engine, recording, bare)
		}
		return errors.Join(err, bare.stop(), os.RemoveAll(bare.dir))
	})
}

func (r *rig) recordRounds(engine string, recording, bare *kith) error {
	servers := []*kith{recording, bare}
	jobs := make([]job, len(servers))
	for i, k := range servers {
		lists := r.shortLists()
		lists.Name = fmt.Sprintf("record-%d", i) // the generator knows lists by name, and there are two servers
		if err := errors.Join(r.prepare(k, lists), k.setCallback(r.ctx, r.callbackURL())); err != nil {
			return err
		}
		jobs[i] = k.unblocks(lists, 1, r.length(5*time.Second, 500*time.Millisecond))
		jobs[i].Depth = 0
		if _, err := r.sustainedRound(k, jobs[i]); err != nil { // warm
			return err
		}
	}
	before, err := diskBytes(recording.dir)
	if err != nil {
		return err
	}
	var c contest
	events := 0
	for range r.number(3, 2) {
		without, err := r.sustainedRound(bare, jobs[1])
		if err != nil {
			return err
		}
		with, err := r.sustainedRound(recording, jobs[0])
		if err != nil {
			return err
		}
		events += with.Calls
		c.add(with, without)
	}
	r.add(engine, c.result("accepted, delivered and recorded", "not recorded"))
	r.add(engine, result{
		Case: "CPU of Kith an event, recorded", Unit: micros, Kith: median(c.kithCPU), Beside: "not recorded", Peer: median(c.peerCPU),
	})
	if engine != engineSQLite {
		return nil
	}
	after, err := diskBytes(recording.dir)
	if err != nil {
		return err
	}
	r.add(engine, result{
		Case: "data directory, growth an event", Unit: bytesEach, Kith: float64(max(after-before, 1)) / float64(max(events, 1)),
		Note: "what is left of the log is counted too, so only a long run tells",
	})
	return nil
}
