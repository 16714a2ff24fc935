package store

import "github.com/kithchat/kith/internal/relation"

// settledEvent is an event that left the queue in this batch.
type settledEvent struct {
	app     uint32
	created int64 // Unix milliseconds
}

// keyColumns are the keys of events, a column each.
type keyColumns struct {
	app, seq []int64
	owner    []string
}

func (k *keyColumns) add(e relation.EventKey) {
	k.app, k.owner, k.seq = append(k.app, int64(e.SDKAppID)), append(k.owner, e.Owner), append(k.seq, e.Seq)
}

// verdicts are settlements of one kind, a column for each field; list has them by row.
type verdicts struct {
	list     []*relation.Settlement
	keys     keyColumns
	attempts []int64
	at       []int64
	reason   []string
}

func (k *verdicts) add(v *relation.Settlement) {
	k.list = append(k.list, v)
	k.keys.add(v.EventKey)
	k.attempts, k.at, k.reason = append(k.attempts, int64(v.Attempts)), append(k.at, v.At.UnixMilli()), append(k.reason, clean(v.Reason))
}

// owners are those whose head left the queue, each with the call that is told of the next one.
type owners struct {
	seen  map[accountKey]bool
	calls []*call
	at    []int64
	keys  keyColumns
}

func newOwners() *owners { return &owners{seen: make(map[accountKey]bool)} }

func (o *owners) add(c *call, v *relation.Settlement) {
	key := accountKey{v.SDKAppID, v.Owner}
	if o.seen[key] {
		return
	}
	o.seen[key] = true
	o.calls, o.at = append(o.calls, c), append(o.at, v.At.UnixMilli())
	o.keys.add(v.EventKey)
}

func (o *owners) promote(c conn) error {
	if len(o.calls) == 0 {
		return nil
	}
	for _, call := range o.calls {
		call.next = nil
	}
	return c.each(promoteHeads, func(i int, r row) error {
		next := relation.EventKey{SDKAppID: uint32(o.keys.app[i]), Owner: o.keys.owner[i]}
		err := r.scan(&next.Seq)
		o.calls[i].next = append(o.calls[i].next, next)
		return err
	}, o.at, o.keys.app, o.keys.owner)
}
