package dispatch

import (
	"fmt"
	"reflect"
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

// checkReplays holds that each replay sent everything, the events of each account in order but for what was repeated.
func (m *model) checkReplays() {
	m.t.Helper()
	failed := map[[2]string]bool{} // by replay and event: given up, as it took an hour on the clock
	for _, s := range m.replays.settled {
		failed[[2]string{s.Attempt.Replay, s.ID}] = s.Verdict == relation.Dead
	}
	for _, r := range m.jobs() {
		if r.State != relation.ReplayDone {
			continue
		}
		known := map[string]bool{}
		first, want := map[string][]string{}, map[string][]string{}
		for owner, ids := range m.journal.again[r.ID] {
			for _, id := range ids {
				if !known[id] {
					known[id], first[owner] = true, append(first[owner], id)
				}
			}
		}
		for _, e := range m.replays.events {
			if known[e.ID] || !failed[[2]string{r.ID, e.ID}] {
				want[e.Owner] = append(want[e.Owner], e.ID)
			}
		}
		if !reflect.DeepEqual(first, want) {
			m.t.Errorf("replay %s sent %v, want %v", r.ID, first, want)
		}
	}
}

func (m *model) checkMemory() {
	m.t.Helper()
	e := (*m.d.endpoints.Load())[appA]
	e.mu.Lock()
	if len(e.lanes)+e.bytes+len(e.ready)+e.workers+len(e.load.idle) != 0 || e.probe != nil {
		m.t.Errorf("left: %d lanes with %d bytes, %d ready, %d workers, probe %v", len(e.lanes), e.bytes, len(e.ready), e.workers, e.probe)
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
