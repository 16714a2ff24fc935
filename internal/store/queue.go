package store

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/kithchat/kith/internal/relation"
)

const (
	// maxBatchCalls and maxBatchRows bound one group commit, so that no caller waits for a giant one.
	maxBatchCalls = 1024
	maxBatchRows  = 8192
)

var errClosed = fmt.Errorf("%w: the store is closed", relation.ErrUnavailable)

// call is one piece of work for the writing goroutine: an Apply, a Settle, or work that gets a transaction of its own.
type call struct {
	scope  relation.Scope
	decide func(relation.Snapshot) relation.Change

	settle []relation.Settlement
	next   []relation.EventKey // answer of a settle

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

// rows estimates the work of a call.
func (c *call) rows() int { return 1 + len(c.scope.Accounts) + len(c.settle) + len(c.replayed) }

// queue holds the calls that wait for the next commit, in order of arrival.
type queue struct {
	mu     sync.Mutex
	wake   sync.Cond
	calls  []*call
	closed bool
}

func newQueue() *queue {
	q := &queue{}
	q.wake.L = &q.mu
	return q
}

func (q *queue) put(c *call) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return errClosed
	}
	q.calls = append(q.calls, c)
	if len(q.calls) == 1 {
		q.wake.Signal()
	}
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

// take waits for work and appends the calls of the next commit to buf. Work that wants a transaction of its own is
// returned alone.
func (q *queue) take(buf []*call) ([]*call, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.calls) == 0 {
		if q.closed {
			return nil, errEnd
		}
		q.wake.Wait()
	}
	n, rows := 0, 0
	for _, c := range q.calls {
		if n > 0 && (c.alone != nil || rows+c.rows() > maxBatchRows || n == maxBatchCalls) {
			break
		}
		n++
		rows += c.rows()
		if c.state.CompareAndSwap(waiting, taken) {
			buf = append(buf, c)
		}
		if c.alone != nil {
			break
		}
	}
	rest := copy(q.calls, q.calls[n:])
	clear(q.calls[rest:])
	q.calls = q.calls[:rest]
	return buf, nil
}
