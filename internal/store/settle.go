package store

import "github.com/kithchat/kith/internal/relation"

// records reports whether delivered events and attempts are kept.
func (s *Store) records() bool { return s.options.Retention > 0 }

// settle writes the verdicts of all calls, in order of arrival within each kind. Of two final verdicts on one event the
// first counts.
func (b *batch) settle(c conn) error {
	if len(b.settles) == 0 {
		return nil
	}
	var delivered, dead, retry verdicts
	final := make(map[relation.EventKey]bool, b.verdicts)
	owners := newOwners()
	for _, call := range b.settles {
		for i := range call.settle {
			v := &call.settle[i]
			switch {
			case final[v.EventKey]:
				continue
			case v.Verdict == relation.Retry:
				retry.add(v)
				continue
			case v.Verdict == relation.Dead:
				dead.add(v)
			default:
				delivered.add(v)
			}
			final[v.EventKey] = true
			owners.add(call, v)
		}
	}
	for _, write := range []func() error{
		func() error { return b.retry(c, &retry) },
		func() error { return b.bury(c, &dead) },
		func() error { return b.deliver(c, &delivered) },
		func() error { return owners.promote(c) },
	} {
		if err := write(); err != nil {
			return err
		}
	}
	return nil
}

func (b *batch) retry(c conn, k *verdicts) error {
	if len(k.list) == 0 {
		return nil
	}
	due, budget := make([]int64, len(k.list)), make([]int64, len(k.list))
	for i, v := range k.list {
		due[i] = v.Due.UnixMilli()
		if !v.BudgetFrom.IsZero() {
			budget[i] = v.BudgetFrom.UnixMilli()
		}
	}
	var failed attempts
	err := c.each(retryEvents, func(i int, r row) error {
		var id []byte
		err := r.scan(&id)
		failed.add(&k.list[i].Attempt, k.list[i].SDKAppID, id)
		return err
	}, due, k.attempts, k.reason, budget, k.keys.app, k.keys.owner, k.keys.seq)
	if err != nil {
		return err
	}
	if err := b.keep(c, &failed); err != nil {
		return err
	}
	return b.thin(c, &failed)
}

// bury parks events as dead letters.
func (b *batch) bury(c conn, k *verdicts) error {
	if len(k.list) == 0 {
		return nil
	}
	if err := c.each(buryEvents, nil, k.attempts, k.reason, k.at, k.keys.app, k.keys.owner, k.keys.seq); err != nil {
		return err
	}
	if err := b.store.step("settle"); err != nil {
		return err
	}
	var failed attempts
	err := b.leave(c, k, func(i int, id []byte, _ bool) {
		b.tallies.add(k.list[i].SDKAppID, tally{dead: 1})
		failed.add(&k.list[i].Attempt, k.list[i].SDKAppID, id)
	})
	if err != nil {
		return err
	}
	return b.keep(c, &failed)
}

// deliver moves events into the record. Where none is kept they just go, with the attempts of a time when one was.
func (b *batch) deliver(c conn, k *verdicts) error {
	if len(k.list) == 0 {
		return nil
	}
	if b.store.records() {
		var final attemptColumns
		for _, v := range k.list {
			final.add(&v.Attempt)
		}
		if err := b.record(c, recordEvents, final.args(k.attempts, k.at, k.keys.app, k.keys.owner, k.keys.seq)); err != nil {
			return err
		}
	}
	if err := b.store.step("settle"); err != nil {
		return err
	}
	var apps, gone []int64
	var ids, unkept [][]byte
	err := b.leave(c, k, func(i int, id []byte, retried bool) {
		if b.store.records() {
			return
		}
		gone, unkept = append(gone, k.keys.app[i]), append(unkept, id)
		if retried {
			apps, ids = append(apps, k.keys.app[i]), append(ids, id)
		}
	})
	if err == nil && len(unkept) > 0 {
		err = forget(c, gone, unkept)
	}
	if err != nil || len(ids) == 0 {
		return err
	}
	return c.each(deleteAttempts, nil, apps, ids)
}

// record runs a statement that adds to the record.
func (b *batch) record(c conn, s set, args []any) error {
	return c.each(s, func(_ int, r row) error {
		var app, bytes int64
		err := r.scan(&app, &bytes)
		b.tallies.add(uint32(app), tally{events: 1, bytes: bytes})
		return err
	}, args...)
}

// leave takes events out of the queue and tells of each that was there, and whether it was attempted before.
func (b *batch) leave(c conn, k *verdicts, left func(i int, id []byte, retried bool)) error {
	return c.each(deleteEvents, func(i int, r row) error {
		var id []byte
		var retried int64
		b.settled = append(b.settled, settledEvent{app: k.list[i].SDKAppID})
		err := r.scan(&b.settled[len(b.settled)-1].created, &id, &retried)
		left(i, id, retried != 0)
		return err
	}, k.keys.app, k.keys.owner, k.keys.seq)
}

// keep writes failed attempts.
func (b *batch) keep(c conn, failed *attempts) error {
	if len(failed.ids) == 0 || !b.store.records() {
		return nil
	}
	return c.each(insertAttempts, nil, failed.args(failed.apps, failed.ids)...)
}
