package store

import (
	"cmp"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/kithchat/kith/internal/relation"
)

var errClosed = fmt.Errorf("%w: the store is closed", relation.ErrUnavailable)

// call is one piece of work for the writing goroutine: an Apply, a Settle, or work that gets a transaction of its own.
type call struct {
	scope  relation.Scope
	decide func(relation.Snapshot) relation.Change

	settle []relation.Settlement
	begun  int                 // how many of settle were taken
	next   []relation.EventKey // answer of a settle
	whole  *call               // of which this is a part; take makes parts
	last   bool                // the last of them

	replayed []relation.ReplaySettlement

	alone   func(conn) error
	lists   []relation.ListChange // what alone changed of lists
	tallies tallies               // likewise, of settled events

	state atomic.Uint32
	err   error // of this call alone
	done  chan error
}

// States of a call.
const (
	waiting uint32 = iota
	taken
	withdrawn
)

// What a call is taken to cost, in rows of a list that are written.
const (
	callWork    = 4
	verdictWork = 5
)

// work estimates what a call costs the writing goroutine.
func (c *call) work() int {
	return callWork + len(c.scope.Accounts) + verdictWork*(len(c.settle)-c.begun+len(c.replayed))
}

// turnWork is how much work of a line is taken before the next line has its turn.
const turnWork = 64

// queue holds the calls that wait for the next commit, in a line for each app. The lines take turns, so that a call waits
// for the commit under way and the next one, however many calls another app makes. Within a line the order is that of arrival.
type queue struct {
	mu     sync.Mutex
	wake   sync.Cond
	lines  map[lineKey]*line
	turns  []*line // those with calls; whose turn it is comes first
	closed bool
}

// lineKey tells lines apart: verdicts, which are fair among themselves already, and work that gets a transaction of its own
// each have one line for all apps.
type lineKey struct {
	kind lineKind
	app  uint32
}

type lineKind uint8

const (
	applyLine lineKind = iota
	verdictLine
	aloneLine
)

type line struct {
	key    lineKey
	calls  []*call
	credit int // the work that it may have done, from turns whose next call was larger
}

func newQueue() *queue {
	q := &queue{lines: map[lineKey]*line{}}
	q.wake.L = &q.mu
	return q
}

func lineOf(c *call) lineKey {
	switch {
	case c.alone != nil:
		return lineKey{kind: aloneLine}
	case c.decide != nil:
		return lineKey{kind: applyLine, app: c.scope.SDKAppID}
	default:
		return lineKey{kind: verdictLine}
	}
}

func (q *queue) put(c *call) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return errClosed
	}
	key := lineOf(c)
	l := q.lines[key]
	if l == nil {
		l = &line{key: key}
		q.lines[key], q.turns = l, append(q.turns, l)
	}
	l.calls = append(l.calls, c)
	q.wake.Signal()
	return nil
}

// close lets take hand out what waits and then end.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.wake.Signal()
}

var errEnd = errors.New("no more calls")

// take waits for calls and appends those of the next commit to buf, about as much as is asked for. Work that wants a
// transaction of its own is returned alone. Of a call with many verdicts it may return a part.
func (q *queue) take(buf []*call, work int) ([]*call, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.turns) == 0 {
		if q.closed {
			return nil, errEnd
		}
		q.wake.Wait()
	}
	for work > 0 && len(q.turns) > 0 {
		l := q.turns[0]
		if l.key.kind == aloneLine {
			if len(buf) == 0 {
				buf = l.take(buf, l.calls[0])
				q.next()
			}
			break
		}
		l.credit += turnWork
		buf, work = l.serve(buf, work)
		q.next()
	}
	return buf, nil
}

// next ends the turn of the first line.
func (q *queue) next() {
	l := q.turns[0]
	q.turns[0] = nil
	q.turns = q.turns[1:]
	if len(l.calls) > 0 {
		q.turns = append(q.turns, l)
	} else {
		delete(q.lines, l.key)
	}
}

// serve takes what a line's credit and the commit have room for. It returns how much room the commit has left.
func (l *line) serve(buf []*call, work int) ([]*call, int) {
	for len(l.calls) > 0 && work > 0 {
		c := l.calls[0]
		cost := c.work()
		if n := (l.credit - callWork) / verdictWork; cost > l.credit && n > 0 && c.settle != nil {
			return l.part(buf, c, n), work - l.spend(callWork+n*verdictWork)
		}
		if cost > l.credit {
			break
		}
		work -= l.spend(cost)
		if c.begun > 0 {
			buf = l.part(buf, c, len(c.settle)-c.begun)
		} else {
			buf = l.take(buf, c)
		}
	}
	return buf, work
}

// spend uses credit.
func (l *line) spend(work int) int {
	l.credit -= work
	return work
}

// take takes the first call, unless it was withdrawn.
func (l *line) take(buf []*call, c *call) []*call {
	l.pop()
	if c.state.CompareAndSwap(waiting, taken) {
		buf = append(buf, c)
	}
	return buf
}

// part takes the next n verdicts of the first call, unless it was withdrawn before the first of them.
func (l *line) part(buf []*call, c *call, n int) []*call {
	if c.begun == 0 && !c.state.CompareAndSwap(waiting, taken) {
		l.pop()
		return buf
	}
	p := &call{settle: c.settle[c.begun : c.begun+n], whole: c}
	if c.begun += n; c.begun == len(c.settle) {
		p.last = true
		l.pop()
	}
	return append(buf, p)
}

func (l *line) pop() {
	l.calls[0] = nil
	if l.calls = l.calls[1:]; len(l.calls) == 0 {
		l.credit = 0
	}
}

// answer tells the caller what became of a call. A call that was taken in parts gets one answer, after the last: the first
// error, and what follows the verdicts that are durable.
func (c *call) answer(err error) {
	err = cmp.Or(err, c.err)
	w := c.whole
	if w == nil {
		c.done <- err
		return
	}
	if err == nil {
		w.next = append(w.next, c.next...)
	}
	if w.err = cmp.Or(w.err, err); c.last {
		w.done <- w.err
	}
}
