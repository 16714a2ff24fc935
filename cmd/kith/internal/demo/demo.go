// Package demo shows Kith at work in one process: a server on a temporary directory, the example app backend, a few
// people who block and unblock each other, and the callbacks that this causes.
//
// Run waits for every callback and checks it against what the calls changed, and checks that a call which changed nothing
// causes none. It takes far less than five seconds on a machine that is not busy, apart from Options.Pause, and leaves nothing
// behind.
package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// limit is how long all may take, apart from pauses; more means that something is missing. A busy machine may need a while.
const limit = 30 * time.Second

// Options says how to show it.
type Options struct {
	Out     io.Writer
	Color   bool          // with terminal colours
	Pause   time.Duration // between steps, for a person who watches; zero: none
	Version string        // of the program, shown
}

// Report says what was seen.
type Report struct {
	OK        bool       `json:"ok"`
	Calls     []Call     `json:"calls"`
	Callbacks []Callback `json:"callbacks"` // in order of arrival
	// Problems has a sentence for each thing that was missing or wrong.
	Problems []string `json:"problems"`
	TookMS   int64    `json:"took_ms"` // milliseconds, without pauses
}

// Err returns the problems as one error, or nil.
func (r Report) Err() error {
	if r.OK {
		return nil
	}
	return errors.New(strings.Join(r.Problems, "\n"))
}

// Run plays the demo. The error says that it could not be played; what was seen, right or wrong, is in the report.
func Run(ctx context.Context, o Options) (report Report, err error) {
	s := &show{Options: o}
	begun := time.Now()
	st, err := open(ctx, o.Version)
	if err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, st.close()) }()
	s.opening(st)
	ctx, cancel := context.WithTimeout(ctx, limit+time.Duration(len(script)+1)*o.Pause)
	defer cancel()

	p := &player{stage: st, show: s, report: &report}
	for i, step := range script {
		s.pause(ctx)
		if err := p.play(ctx, i+1, step); err != nil {
			return report, err
		}
	}
	s.pause(ctx)
	p.checkCopy()
	report.OK = len(report.Problems) == 0
	report.TookMS = (time.Since(begun) - s.paused).Milliseconds()
	s.closing(report)
	return report, nil
}

// player plays steps and notes what it sees.
type player struct {
	*stage
	*show
	report *Report
}

func (p *player) problem(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	p.report.Problems = append(p.report.Problems, text)
	p.wrong(text)
}

// play makes the step's call and waits for its callback, or makes sure that there is none.
func (p *player) play(ctx context.Context, number int, step step) error {
	p.title(number, step.title)
	p.request(step)
	sent := time.Now()
	call, err := p.call(ctx, step)
	if err != nil {
		return fmt.Errorf("%s: %w", step.title, err)
	}
	p.report.Calls = append(p.report.Calls, call)
	p.answer(call)
	if problem := step.checkAnswer(call); problem != "" {
		p.problem("%s", problem)
	}
	if len(step.changes) == 0 {
		return p.expectSilence(ctx, step)
	}
	select {
	case got := <-p.arrivals:
		callback := got.callback(sent)
		p.report.Callbacks = append(p.report.Callbacks, callback)
		p.callback(callback)
		if problem := step.checkCallback(callback, p.app.SDKAppID); problem != "" {
			p.problem("%s", problem)
		} else {
			p.right("signed, complete, and exactly what changed")
		}
	case <-ctx.Done():
		p.problem("%q caused no callback in time", step.title)
	}
	return nil
}

// expectSilence makes sure that a call which changed nothing caused no callback: once nothing waits in the outbox, what
// was to be sent has been sent.
func (p *player) expectSilence(ctx context.Context, step step) error {
	if !step.silent {
		return nil
	}
	if err := p.drained(ctx); err != nil {
		return err
	}
	select {
	case got := <-p.arrivals:
		p.callback(got.callback(time.Now()))
		p.problem("%q changed nothing and still caused a callback", step.title)
	default:
		p.right("no callback, because nothing changed: the outbox is empty")
	}
	return nil
}

// checkCopy compares the app backend's own copy with what must be left.
func (p *player) checkCopy() {
	got := p.backend.Blocked(p.app.SDKAppID, owner)
	p.copyOf(got)
	if strings.Join(got, ",") != strings.Join(left, ",") {
		p.problem("the app backend's copy of %s's blocklist holds %v, not %v", owner, got, left)
	}
	if len(p.arrivals) > 0 {
		p.problem("there were %d more callbacks than changes", len(p.arrivals))
	}
}
