package dispatch

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/kithchat/kith/internal/relation"
)

// slowOutbox takes its time, so that what it read is old by then, and loses answers.
type slowOutbox struct {
	*memoryOutbox
	m *model
}

func (o *slowOutbox) dawdle() {
	if o.m.rnd.once(3) {
		pass(o.m.rnd.upTo(300 * time.Millisecond))
	}
}

func (o *slowOutbox) Due(ctx context.Context, q relation.DueQuery) ([]relation.DueHead, error) {
	defer o.dawdle()
	return o.memoryOutbox.Due(ctx, q)
}

func (o *slowOutbox) Following(ctx context.Context, key relation.EventKey, limit int) ([]relation.Event, error) {
	defer o.dawdle()
	return o.memoryOutbox.Following(ctx, key, limit)
}

func (o *slowOutbox) Settle(ctx context.Context, s []relation.Settlement) ([]relation.EventKey, error) {
	o.dawdle()
	defer o.dawdle()
	next, err := o.memoryOutbox.Settle(ctx, s)
	if err == nil && o.m.failing("answer") != nil {
		return nil, errInjected // it is committed
	}
	return next, err
}

// step does one thing.
func (m *model) step() {
	switch n := m.rnd.n(100); {
	case n < 45:
		m.commit()
	case n < 57:
		modes := []string{"well", "well", "mixed", "failing", "hanging", "busy", "gone", "slow", "broken", "refusing"}
		m.set(modes[m.rnd.n(len(modes))])
	case n < 61:
		m.decide()
	case n < 75:
		m.change(m.edit)
	case n < 78:
		m.change(m.remove)
	case n < 83:
		m.join()
	case n < 86 && len(m.listening) > 0:
		m.leave()
	case n < 94:
		m.orderOne()
	case n < 95:
		m.mu.Lock()
		m.skew += time.Duration(m.rnd.n(5)-2) * time.Duration(m.rnd.n(int(26*time.Hour)))
		m.mu.Unlock()
	case n < 97 && m.exists:
		m.appMu.Lock()
		app := m.app
		m.appMu.Unlock()
		_, _ = m.d.TestCallback(m.t.Context(), &app)
	case n < 99:
		pass(m.rnd.upTo(time.Minute))
	default:
		m.restart()
	}
}

// restart ends the dispatcher, by force or not, and starts another.
func (m *model) restart() {
	if m.rnd.once(2) {
		m.stop()
	} else {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_ = m.d.Stop(ctx)
		pass(time.Second) // receivers notice
	}
	m.listening = nil
	m.start()
}

func (m *model) commit() {
	if !m.exists {
		return
	}
	if m.rnd.once(20) { // a commit whose answer is lost is not told of
		m.outbox.mu.Lock()
		offer := m.outbox.offer
		m.outbox.offer = nil
		m.outbox.mu.Unlock()
		defer func() {
			m.outbox.mu.Lock()
			defer m.outbox.mu.Unlock()
			m.outbox.offer = offer
		}()
	}
	for range 1 + m.rnd.n(3) {
		m.committed = append(m.committed, m.outbox.commit(appA, m.owner(m.rnd.n(m.owners)), "x"))
	}
}

// decide parks or hurries one of the last events, most of which wait behind others, or wait no more.
func (m *model) decide() {
	if len(m.committed) == 0 {
		return
	}
	e := m.committed[len(m.committed)-1-m.rnd.n(min(len(m.committed), 2*m.owners))]
	hurry := m.rnd.once(2)
	d, limit := m.d, m.rnd.upTo(10*time.Second)
	if !hurry {
		m.asked[e.ID] = true
	}
	m.parking.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), limit)
		defer cancel()
		if hurry {
			_ = d.Hurry(ctx, e.Key(), "failed")
		} else if d.Park(ctx, e.Key()) == nil {
			m.journal.park(e.ID)
		}
	})
}

// change edits the app's record, and has the dispatcher follow unless that is put off.
func (m *model) change(edit func()) {
	m.appMu.Lock()
	edit()
	m.edits++
	m.app.Updated = time.Unix(m.edits, 0)
	app := m.app
	if m.exists {
		m.apps.set(&app)
	} else {
		m.apps.set()
	}
	m.appMu.Unlock()
	m.d.AppsChanged()
}

// create makes the app, whose accounts are new.
func (m *model) create() {
	m.life++
	m.replays.mu.Lock()
	for i := range m.replays.events {
		m.replays.events[i].Owner = m.owner(i % m.owners)
	}
	m.replays.mu.Unlock()
	m.exists, m.app = true, *testApp(appA, relation.Callback{URL: "http://a.test/cb", MaxAgeMS: modelAge})
}

// remove deletes the app with its events, or makes it anew.
func (m *model) remove() {
	if !m.exists {
		m.create()
		return
	}
	m.exists = false
	for _, e := range m.committed {
		m.dropped[e.ID] = true
	}
	m.outbox.mu.Lock()
	clear(m.outbox.queues)
	m.outbox.mu.Unlock()
	m.replays.mu.Lock()
	clear(m.replays.jobs)
	m.replays.mu.Unlock()
}

func (m *model) edit() {
	c := &m.app.Callback
	switch m.rnd.n(9) {
	case 0, 1:
		c.Paused = nil
	case 2:
		c.Paused = &relation.Pause{Since: time.Now(), By: relation.PausedByOperator}
	case 3:
		m.app.Disabled = m.rnd.once(2)
	case 4:
		c.URL, c.Listen = "http://a.test/cb", false
	case 5:
		c.URL, c.Listen = "http://b.test/cb", false
	case 6:
		c.URL, c.Listen = "", true
	case 7:
		c.TimeoutMS, c.Concurrency = (modelTimeout * time.Duration(1+m.rnd.n(4))).Milliseconds(), 1+m.rnd.n(8)
	case 8:
		c.MaxAttempts = 3 * m.rnd.n(2)
		m.parks = m.parks || c.MaxAttempts > 0
	}
}

// join is one who listens, and answers or not.
func (m *model) join() {
	l, err := m.d.Listen(appA)
	if err != nil {
		return
	}
	m.listening = append(m.listening, l)
	mute := m.rnd.once(4)
	m.listeners.Go(func() {
		for x := range l.C {
			if mute {
				continue
			}
			d, sequence := readModel(x.Header, x.Query, x.Body)
			m.journal.begin(d, sequence)
			m.journal.end(d, true)
			l.Answer(x.ID, relation.ExchangeAnswer{Status: 200, Body: []byte(answerOK)})
		}
	})
}

func (m *model) leave() {
	m.listening[0].Close()
	m.listening = m.listening[1:]
}

func (m *model) jobs() []relation.Replay {
	all, _ := m.replays.Replays(context.Background(), 0)
	return all
}

// orderOne orders a replay, or changes one.
func (m *model) orderOne() {
	all := m.jobs()
	all = slices.DeleteFunc(all, func(r relation.Replay) bool { return !r.State.Open() })
	if len(all) < 3 && m.exists {
		m.orders++
		m.replays.order(m.d, relation.Replay{ID: fmt.Sprint("job-", m.orders), State: relation.ReplayRunning, Rate: float64(m.rnd.n(3) * 10)})
		return
	}
	if len(all) == 0 {
		return
	}
	states := []relation.ReplayState{
		relation.ReplayPaused, relation.ReplayPaused, relation.ReplayRunning, relation.ReplayRunning, relation.ReplayRunning,
		relation.ReplayCancelled,
	}
	m.orderTo(all[m.rnd.n(len(all))].ID, states[m.rnd.n(len(states))])
}

// orderTo brings a replay into a state, unless it has ended.
func (m *model) orderTo(id string, state relation.ReplayState) {
	m.replays.mu.Lock()
	if r := m.replays.jobs[id]; r.State.Open() {
		r.State = state
		m.replays.jobs[id] = r
	}
	m.replays.mu.Unlock()
	m.d.ReplaysChanged()
}
