package storetest

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/kithchat/kith/internal/relation"
)

// broken is a model with a defect: each function that is set spoils what passes through it.
type broken struct {
	*model
	change   func(*relation.Change)
	page     func(q relation.BlockQuery, p *relation.BlockPage)
	states   func([]relation.BlockState)
	settle   func(*relation.Settlement)
	due      func([]relation.DueHead)
	next     func([]relation.EventKey) []relation.EventKey
	follow   func([]relation.Event) []relation.Event
	stats    func([]relation.OutboxStats)
	app      func(*relation.App)
	restart  func(*model)
	imported func(string) string
	told     func(*relation.Commit)
	head     func(*relation.AccountHead)
	known    func(*relation.Record)
	listed   func(*relation.RecordPage)
	totals   func([]relation.RecordStats) []relation.RecordStats
	replayed func(*relation.ReplaySettlement)
	selected func(relation.ReplaySelection, []relation.ReplayEvent) []relation.ReplayEvent
	progress func(*relation.ReplayProgress)
	part     func(*relation.ListExport)
	position func(string) string
	keeps    bool // records outlive the retention
	early    bool // what is told cannot be read yet
	ghosts   bool // devices outlive their accounts
	// hidden says that histories have no way to find it.
	hidden bool

	telling *atomic.Pointer[relation.AccountHead] // of the owner, as it was before the change that is being told
	lasting *[]relation.OnlineDevice
}

func (b *broken) Apply(ctx context.Context, scope relation.Scope, decide func(relation.Snapshot) relation.Change) error {
	if head, err := b.model.Account(ctx, relation.AccountKey{SDKAppID: scope.SDKAppID, UserID: scope.Owner}); b.early && err == nil {
		b.telling.Store(&head)
	}
	defer b.telling.Store(nil)
	return b.model.Apply(ctx, scope, func(s relation.Snapshot) relation.Change {
		change := decide(s)
		if b.change != nil {
			b.change(&change)
		}
		if b.ghosts {
			b.keepDevices(scope.SDKAppID, change.Delete)
		}
		return change
	})
}

func (b *broken) keepDevices(app uint32, ids []string) {
	for _, id := range ids {
		k := account{app, id}
		for _, d := range b.accounts[k].online {
			*b.lasting = append(*b.lasting, relation.OnlineDevice{AccountKey: k.key(), Device: d})
		}
	}
}

func (b *broken) Online(ctx context.Context, each func(relation.OnlineDevice)) error {
	for _, d := range *b.lasting {
		each(d)
	}
	return b.model.Online(ctx, each)
}

func (b *broken) Account(ctx context.Context, key relation.AccountKey) (relation.AccountHead, error) {
	head, err := b.model.Account(ctx, key)
	if before := b.telling.Load(); before != nil && before.List == head.List {
		return *before, nil
	}
	if b.head != nil {
		b.head(&head)
	}
	return head, err
}

func (b *broken) Imported(ctx context.Context, q relation.AccountSet) ([]bool, error) {
	if b.imported != nil {
		q.UserIDs = slices.Clone(q.UserIDs)
		for i, id := range q.UserIDs {
			q.UserIDs[i] = b.imported(id)
		}
	}
	return b.model.Imported(ctx, q)
}

func (b *broken) Blocklist(ctx context.Context, q relation.BlockQuery) (relation.BlockPage, error) {
	p, err := b.model.Blocklist(ctx, q)
	if b.page != nil {
		b.page(q, &p)
	}
	return p, err
}

func (b *broken) CheckBlocks(ctx context.Context, q relation.BlockCheckQuery) ([]relation.BlockState, error) {
	states, err := b.model.CheckBlocks(ctx, q)
	if b.states != nil {
		b.states(states)
	}
	return states, err
}

func (b *broken) Settle(ctx context.Context, settlements []relation.Settlement) ([]relation.EventKey, error) {
	settlements = slices.Clone(settlements)
	for i := range settlements {
		if b.settle != nil {
			b.settle(&settlements[i])
		}
	}
	next, err := b.model.Settle(ctx, settlements)
	if b.next != nil {
		next = b.next(next)
	}
	return next, err
}

func (b *broken) Due(ctx context.Context, q relation.DueQuery) ([]relation.DueHead, error) {
	heads, err := b.model.Due(ctx, q)
	if b.due != nil {
		b.due(heads)
	}
	return heads, err
}

func (b *broken) Following(ctx context.Context, key relation.EventKey, limit int) ([]relation.Event, error) {
	events, err := b.model.Following(ctx, key, limit)
	if b.follow != nil {
		events = b.follow(events)
	}
	return events, err
}

func (b *broken) OutboxStats(ctx context.Context) ([]relation.OutboxStats, error) {
	stats, err := b.model.OutboxStats(ctx)
	if b.stats != nil {
		b.stats(stats)
	}
	return stats, err
}

func (b *broken) Record(ctx context.Context, sdkAppID uint32, id string) (relation.Record, error) {
	e, err := b.model.Record(ctx, sdkAppID, id)
	if b.known != nil && err == nil {
		b.known(&e)
	}
	return e, err
}

func (b *broken) Records(ctx context.Context, q relation.RecordQuery) (relation.RecordPage, error) {
	page, err := b.model.Records(ctx, q)
	if b.listed != nil {
		b.listed(&page)
	}
	return page, err
}

func (b *broken) RecordStats(ctx context.Context) ([]relation.RecordStats, error) {
	stats, err := b.model.RecordStats(ctx)
	if b.totals != nil {
		stats = b.totals(stats)
	}
	return stats, err
}

func (b *broken) SettleReplay(ctx context.Context, settlements []relation.ReplaySettlement) error {
	settlements = slices.Clone(settlements)
	for i := range settlements {
		if b.replayed != nil {
			b.replayed(&settlements[i])
		}
	}
	return b.model.SettleReplay(ctx, settlements)
}

func (b *broken) ReplayPage(ctx context.Context, app uint32, s relation.ReplaySelection, after string, limit int) ([]relation.ReplayEvent, error) {
	page, err := b.model.ReplayPage(ctx, app, s, after, limit)
	if b.selected != nil {
		page = b.selected(s, page)
	}
	return page, err
}

func (b *broken) SaveReplay(ctx context.Context, p relation.ReplayProgress) (relation.Replay, error) {
	if b.progress != nil {
		b.progress(&p)
	}
	return b.model.SaveReplay(ctx, p)
}

func (b *broken) ExportBlocklists(ctx context.Context, app uint32, begin func(string) error, each func(relation.ListExport) error) error {
	return b.model.ExportBlocklists(ctx, app, func(position string) error {
		if b.position != nil {
			position = b.position(position)
		}
		return begin(position)
	}, func(part relation.ListExport) error {
		if b.part != nil {
			b.part(&part)
		}
		return each(part)
	})
}

func (b *broken) CreateApp(ctx context.Context, app relation.App) error {
	if b.app != nil {
		b.app(&app)
	}
	return b.model.CreateApp(ctx, app)
}

// factory opens models with the defect.
func (b broken) factory(t testing.TB, o Options) func() Engine {
	if tell := o.OnCommit; b.told != nil {
		o.OnCommit = func(c relation.Commit) {
			c.Lists = slices.Clone(c.Lists)
			if b.told(&c); c.Lost || len(c.Events)+len(c.Lists)+len(c.Kicked)+len(c.Deleted) > 0 {
				tell(c)
			}
		}
	}
	b.telling, b.lasting = new(atomic.Pointer[relation.AccountHead]), new([]relation.OnlineDevice)
	if b.keeps {
		o.Retention *= 1000
	}
	open := newModel(t, o)
	return func() Engine {
		m := open().(*model)
		if b.restart != nil {
			b.restart(m)
		}
		b := b
		b.model = m
		return &b
	}
}
