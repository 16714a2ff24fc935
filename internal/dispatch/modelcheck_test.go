package dispatch

import (
	"fmt"
	"time"

	"github.com/kithchat/kith/internal/relation"
)

// check holds that everything is settled and nothing left in memory.
func (m *model) check() {
	m.t.Helper()
	m.drained(10 * time.Minute) // the longest Retry-After is five, and a stray looks as if it were six
	for _, r := range m.jobs() {
		if r.State != relation.ReplayCancelled {
			m.replayed(m.replays, r.ID, 20*time.Minute)
		}
	}
	pass(time.Minute)
	m.checkEvents()
	m.checkReplays()
	m.checkMemory()
}

func (m *model) checkEvents() {
	m.t.Helper()
	settled := map[string]relation.Verdict{}
	for _, s := range m.outbox.verdicts() {
		if s.Verdict == relation.Retry {
			continue
		}
		id := fmt.Sprintf("%d/%s/%d", s.SDKAppID, s.Owner, s.Seq)
		if _, twice := settled[id]; twice {
			m.t.Errorf("%s was settled twice", id)
		}
		settled[id] = s.Verdict
	}
	j := m.journal
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, fault := range j.faults {
		m.t.Error(fault)
	}
	for _, e := range m.committed {
		verdict, ok := settled[e.ID]
		switch {
		case !ok && !m.dropped[e.ID]:
			m.t.Errorf("%s was lost", e.ID)
		case ok && verdict == relation.Delivered && !j.took[e.ID]:
			m.t.Errorf("%s counts as delivered, and nobody accepted it", e.ID)
		case ok && verdict != relation.Dead && j.parked[e.ID]:
			m.t.Errorf("%s was parked, and then %v", e.ID, verdict)
		case ok && verdict == relation.Dead && !m.parks && !m.asked[e.ID]:
			m.t.Errorf("%s was given up", e.ID)
		}
	}
}

// checkReplays holds that each replay sent everything, the events of each account in order. A job that goes on from its cursor
// repeats some, from one of them on, again in order. What was given up, as it took an hour on the clock, may be left out, or
// come when the job gets to it once more.
func (m *model) checkReplays() {
	m.t.Helper()
	for _, r := range m.jobs() {
		if r.State != relation.ReplayDone {
			continue
		}
		place := map[string]int{} // of an event among those of its account
		all := map[string][]string{}
		for _, e := range m.replays.events {
			place[e.ID] = len(all[e.Owner])
			all[e.Owner] = append(all[e.Owner], e.ID)
		}
		took := map[string]bool{}
		for owner, ids := range m.journal.again[r.ID] {
			next := 0
			for _, id := range ids {
				for ; next < place[id]; next++ {
					if skipped := all[owner][next]; !m.replays.gaveUp[[2]string{r.ID, skipped}] {
						m.t.Errorf("replay %s sent %s before %s: %v", r.ID, id, skipped, ids)
					}
				}
				next, took[id] = place[id]+1, true
			}
		}
		for _, e := range m.replays.events {
			if !took[e.ID] && !m.replays.gaveUp[[2]string{r.ID, e.ID}] {
				m.t.Errorf("replay %s did not send %s", r.ID, e.ID)
			}
		}
	}
}

func (m *model) checkMemory() {
	m.t.Helper()
	e := (*m.d.endpoints.Load())[appA]
	e.mu.Lock()
	if len(e.lanes)+e.bytes+len(e.ready)+e.workers+e.waiting+len(e.load.idle) != 0 || e.probe != nil || e.asking {
		m.t.Errorf("left: %d lanes with %d bytes, %d ready, %d workers, %d waiting, probe %v, asking %t",
			len(e.lanes), e.bytes, len(e.ready), e.workers, e.waiting, e.probe, e.asking)
	}
	if g := &e.guests; len(g.owners)+len(g.ready)+g.busy != 0 || g.probe != nil {
		m.t.Errorf("left: guests %+v", *g)
	}
	e.mu.Unlock()
	if s := e.status(); s.State != relation.EndpointHealthy {
		m.t.Errorf("at the end: %+v", s)
	}
	m.d.settler.mu.Lock()
	defer m.d.settler.mu.Unlock()
	if len(m.d.settler.shares)+len(m.d.settler.turns) != 0 {
		m.t.Error("verdicts are left")
	}
	m.d.hubsMu.Lock()
	for _, h := range m.d.hubs {
		if h.count() != 0 {
			m.t.Error("listeners are left")
		}
	}
	m.d.hubsMu.Unlock()
	m.d.replays.mu.Lock()
	defer m.d.replays.mu.Unlock()
	if n := len(m.d.replays.jobs); n != 0 {
		m.t.Errorf("%d replays are left", n)
	}
}
