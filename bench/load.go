package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

// Kinds of calls that the generator makes.
const (
	kindImport  = "import"  // all accounts of the list set, once
	kindFill    = "fill"    // puts what is missing back on the lists
	kindUnblock = "unblock" // takes entries off, owner after owner
	kindCheck   = "check"   // random pairs
	kindDirect  = "direct"  // the callbacks that the unblocks would cause, straight to the receiver
	kindDevice  = "device"  // unblocks through the gateway: each connection is a session of one owner
)

// job is one phase of load.
type job struct {
	Addr        string
	Path        string // with the query
	Kind        string
	Lists       listSet
	Targets     int  // of one call
	Depth       int  // entries that a phase may take off each list; 0: all
	Dry         bool // nothing is behind Addr: the lists stay as they are
	Connections int
	// Rate is calls a second, sent at their planned times whatever became of earlier ones. 0: each connection calls again
	// as soon as it has its answer.
	Rate     float64
	Duration time.Duration // 0: until there is nothing left to do
	Record   bool          // return the times of each call
	// Devices says how sessions are opened; of kindDevice. Connections is then the number of owners.
	Devices devices
}

// phase is what came of a job. Times of calls are Unix nanoseconds.
type phase struct {
	Calls   int
	Start   int64
	Elapsed time.Duration // to the last answer
	CPU     time.Duration // of the generator
	P50     time.Duration // from when a call should have been sent to its answer
	P99     time.Duration
	Max     time.Duration
	Short   bool   // the work ran out before the time
	Answer  string // one answer's body
	Wire    int    // bytes of that answer on the wire; of kindDevice
	Records []callTimes
}

// rate returns calls a second.
func (p phase) rate() float64 {
	if p.Elapsed <= 0 {
		return 0
	}
	return float64(p.Calls) / p.Elapsed.Seconds()
}

// callTimes are the times of one call in Unix nanoseconds.
type callTimes struct {
	Key      int64
	Sent     int64 // when it should have been sent
	Answered int64
}

// serveLoad is the role of the generator.
func serveLoad(in io.Reader, out io.Writer) error {
	g := &generator{removed: map[string][]int{}}
	return serveCommands(in, out, "ready", map[string]action{
		"run":    takes(func(j job) (any, error) { return g.run(j) }),
		"hold":   takes(g.hold),
		"let-go": func(json.RawMessage) (any, error) { g.letGo(); return nil, nil },
		"fan":    takes(g.fan),
		"forget": func(json.RawMessage) (any, error) { clear(g.removed); return nil, nil },
	})
}

// generator makes load. It knows for each list how many entries are missing: always the first ones.
type generator struct {
	removed map[string][]int
	held    []*socket // sessions that are kept open
}

// run carries out a job and returns when the last answer has come.
func (g *generator) run(j job) (phase, error) {
	if err := j.Lists.check(); err != nil {
		return phase{}, err
	}
	source, err := g.source(j)
	if err != nil {
		return phase{}, err
	}
	workers := make([]*worker, j.Connections)
	shared := &sharedState{}
	for i := range workers {
		if workers[i], err = newWorker(j, i, source, shared); err != nil {
			return phase{}, err
		}
		defer workers[i].close()
	}
	cpu := ownCPU()
	start := time.Now()
	if j.Duration > 0 {
		shared.deadline = start.Add(j.Duration).UnixNano()
	}
	if j.Rate > 0 {
		shared.slots = pace(j.Rate, j.Duration)
	}
	var group sync.WaitGroup
	for _, w := range workers {
		group.Go(w.work)
	}
	group.Wait()
	p := phase{Start: start.UnixNano(), CPU: ownCPU() - cpu, Short: shared.short.Load()}
	return p, p.gather(workers)
}

// gather puts the workers' figures together.
func (p *phase) gather(workers []*worker) error {
	var took []int64
	var errs []error
	last := p.Start
	for _, w := range workers {
		if w.err != nil {
			errs = append(errs, w.err)
		}
		took = append(took, w.took...)
		p.Records = append(p.Records, w.records...)
		last = max(last, w.last)
		if w.answer != nil {
			p.Answer, p.Wire = string(w.answer), w.wire
		}
	}
	if len(errs) > 0 {
		return fmt.Errorf("%d of %d connections failed; the first: %w", len(errs), len(workers), errs[0])
	}
	p.Calls = len(took)
	p.Elapsed = time.Duration(last - p.Start)
	q := quantiles(took, 0.5, 0.99, 1)
	p.P50, p.P99, p.Max = time.Duration(q[0]), time.Duration(q[1]), time.Duration(q[2])
	return nil
}

// sharedState is what the workers of one job share.
type sharedState struct {
	deadline int64 // Unix nanoseconds; 0: none. The first call is made in any case.
	begun    atomic.Bool
	slots    <-chan int64
	stop     atomic.Bool
	short    atomic.Bool
}

// next waits for the moment of the next call and returns it.
func (s *sharedState) next() (int64, bool) {
	if s.stop.Load() {
		return 0, false
	}
	if s.slots != nil {
		at, ok := <-s.slots
		return at, ok
	}
	now, begun := time.Now().UnixNano(), s.begun.Load()
	if begun && s.deadline > 0 && now >= s.deadline {
		return 0, false
	}
	if !begun {
		s.begun.Store(true)
	}
	return now, true
}

// pace returns a channel on which the planned moments of calls appear when they have come. It holds all of them, so that
// the plan never waits for an answer: a call that finds all connections busy counts its time from the plan.
func pace(rate float64, duration time.Duration) <-chan int64 {
	n := int(rate * duration.Seconds())
	slots := make(chan int64, n)
	start := time.Now()
	go func() {
		defer close(slots)
		for i := range n {
			sleepUntil(start.Add(time.Duration(float64(i) / rate * float64(time.Second))))
			// Not the planned time: that the pacer itself wakes late is no fault of the server.
			slots <- time.Now().UnixNano()
		}
	}()
	return slots
}

var errRefused = errors.New("the answer is not the expected one")
