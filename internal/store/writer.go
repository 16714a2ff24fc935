package store

import (
	"context"
	"errors"
	"time"

	"github.com/kithchat/kith/internal/relation"
)

// Apply implements relation.Store.
func (s *Store) Apply(ctx context.Context, scope relation.Scope, decide func(relation.Snapshot) relation.Change) error {
	return s.submit(ctx, &call{scope: scope, decide: decide})
}

// Settle implements relation.Outbox.
func (s *Store) Settle(ctx context.Context, settlements []relation.Settlement) ([]relation.EventKey, error) {
	if len(settlements) == 0 {
		return nil, nil
	}
	c := &call{settle: settlements}
	err := s.submit(ctx, c)
	return c.next, err
}

// alone runs fn in a write transaction of its own.
func (s *Store) alone(ctx context.Context, fn func(conn) error) error {
	return s.submit(ctx, &call{alone: fn})
}

// submit queues a call and waits for its answer. A context that ends withdraws the call only while it waits.
func (s *Store) submit(ctx context.Context, c *call) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	c.done = s.answers.Get().(chan error)
	if err := s.queue.put(c); err != nil {
		return err
	}
	select {
	case err := <-c.done:
		s.answers.Put(c.done)
		return err
	case <-ctx.Done():
	}
	if c.state.CompareAndSwap(waiting, withdrawn) {
		return ctx.Err()
	}
	err := <-c.done
	s.answers.Put(c.done)
	return err
}

// write is the writing goroutine: it commits batch after batch until the queue is closed and empty.
func (s *Store) write() {
	var calls []*call
	p := newPace()
	for {
		var err error
		if calls, err = s.queue.take(calls[:0], p.room()); err != nil {
			return
		}
		if len(calls) > 0 {
			p.learn(s.commit(calls))
			clear(calls)
		}
	}
}

// commit carries out calls in one transaction and answers them. It returns how much work they were, and how long it took.
func (s *Store) commit(calls []*call) (work int, took timing) {
	start := time.Now()
	began, ran := start, start
	b := newBatch(s, calls)
	err := s.condition.begin()
	if err == nil {
		err = s.engine.write(s.writing, func(c conn) error {
			began = time.Now()
			defer func() { ran = time.Now() }()
			return b.run(c)
		})
	}
	if err != nil {
		s.ids = idPool{}
		s.eventIDs.forget()
		if errors.Is(err, errLost) {
			s.lost()
		}
		err = refusal(err)
	} else {
		s.committed(b)
	}
	s.note(err)
	took = timing{begin: began.Sub(start), commit: time.Since(ran), whole: time.Since(start)}
	s.observe(b, took.whole, err)
	for _, c := range calls {
		work += c.work()
		c.answer(err)
	}
	s.engine.upkeep()
	return work, took
}

// note keeps the store's condition and logs when it changes. An error that the caller caused says nothing about it.
func (s *Store) note(err error) {
	if !errors.Is(err, relation.ErrUnavailable) {
		err = nil
	}
	if errors.Is(err, errBroken) && s.condition.breakDown(err) {
		s.log.Error("nothing more is written until kith is started again", "error", err)
	}
	news := s.condition.end(err)
	switch {
	case news && err != nil:
		s.log.Error("the store cannot commit; changes are refused until it can", "error", err)
	case news:
		s.log.Info("the store commits again")
	}
	if err != nil {
		wake(s.probe)
	}
}

// probePause is how often a store that failed to commit tries again by itself.
const probePause = time.Second

// doubt has a commit tried after a read failed, so that Ready tells of an outage in which nobody changes anything.
func (s *Store) doubt(err error) {
	if errors.Is(err, relation.ErrUnavailable) {
		s.doubted.Store(true)
		wake(s.probe)
	}
}

// prober tries to commit while the last commit failed, so that Ready tells of a recovery without a caller's help, and once
// after a read failed.
func (s *Store) prober(ctx context.Context) {
	for {
		select {
		case <-s.probe:
		case <-ctx.Done():
			return
		}
		select {
		case <-time.After(probePause):
		case <-ctx.Done():
			return
		}
		if doubted := s.doubted.Swap(false); !doubted && s.Ready() == nil {
			continue
		}
		_ = s.alone(ctx, func(c conn) error { // a failure wakes the prober again
			return c.query(`UPDATE counter SET value = value WHERE name = 'account'`, nil)
		})
	}
}

func (s *Store) committed(b *batch) {
	s.count(b)
	s.tell(b)
	if len(b.gone) > 0 || s.crowded() {
		s.wakeSweeper()
	}
}

// lost assumes the worst of a commit that may have happened or not.
func (s *Store) lost() {
	s.recount = true
	s.tellLost()
	s.wakeSweeper()
}

// recountTimeout bounds a count of the whole outbox, for which commits wait.
const recountTimeout = time.Minute

// count takes a batch into the counters. After a commit whose answer was lost they are read anew, as soon as the database
// answers again.
func (s *Store) count(b *batch) {
	if !s.recount {
		s.counts.apply(b)
		return
	}
	fresh := newCounts()
	ctx, cancel := context.WithTimeout(s.writing, recountTimeout)
	defer cancel()
	if err := s.engine.readAlone(ctx, fresh.load); err != nil {
		s.log.Warn("the outbox cannot be counted; it is tried again after the next commit", "error", err)
		s.counts.apply(b)
		return
	}
	s.counts.replace(fresh)
	s.recount = false
}

func (s *Store) observe(b *batch, took time.Duration, err error) {
	if s.options.OnBatch == nil {
		return
	}
	s.options.OnBatch(Batch{Calls: len(b.applies), Verdicts: b.verdicts, Took: took, Err: err})
}
