package storetest

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/kithchat/kith/internal/relation"
)

// model is the contract on maps under one lock: simple and obviously right, and the other side of each history. It sweeps
// at once what it deletes.
type model struct {
	o Options

	mu       sync.Mutex
	closed   bool
	apps     map[uint32]relation.App
	accounts map[account]*modelAccount
	queues   map[account]*modelQueue
	dead     []relation.DeadEvent
}

// account names an account of an app, imported or not.
type account struct {
	sdkAppID uint32
	userID   string
}

type modelAccount struct {
	list     []relation.BlockEntry
	sequence int64
	kickedAt int64
}

// modelQueue holds the waiting events of an account name. It outlives the account.
type modelQueue struct {
	last int64 // Seq of the newest event ever
	due  time.Time
	rows []relation.Event
}

// newModel is the Factory of models.
func newModel(_ testing.TB, o Options) func() Engine {
	m := &model{
		o:        o,
		apps:     make(map[uint32]relation.App),
		accounts: make(map[account]*modelAccount),
		queues:   make(map[account]*modelQueue),
	}
	return func() Engine {
		m.closed = false
		return m
	}
}

func (m *model) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	return nil
}

func (m *model) Apply(ctx context.Context, scope relation.Scope, decide func(relation.Snapshot) relation.Change) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return relation.ErrUnavailable
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	app := scope.SDKAppID
	if _, there := m.apps[app]; !there {
		return relation.ErrNoApp
	}
	change := decide(m.snapshot(scope))
	for _, p := range change.Import {
		if k := (account{app, p.UserID}); m.accounts[k] == nil {
			m.accounts[k] = &modelAccount{}
		}
	}
	for _, id := range change.Kick {
		m.accounts[account{app, id}].kickedAt = change.At.Unix()
	}
	m.changeList(account{app, scope.Owner}, change)
	for _, id := range change.Delete {
		m.deleteAccount(account{app, id})
	}
	m.append(account{app, scope.Owner}, change.Events)
	return nil
}

func (m *model) snapshot(scope relation.Scope) relation.Snapshot {
	var list []relation.BlockEntry
	owner, ok := m.accounts[account{scope.SDKAppID, scope.Owner}]
	if ok {
		list = owner.list
	}
	snap := relation.Snapshot{Owner: relation.Owner{Exists: ok, Blocks: len(list)}}
	for _, id := range scope.Accounts {
		_, exists := m.accounts[account{scope.SDKAppID, id}]
		snap.Accounts = append(snap.Accounts, relation.Account{Exists: exists, Blocked: has(list, id)})
	}
	return snap
}

func has(list []relation.BlockEntry, id string) bool {
	return slices.ContainsFunc(list, func(e relation.BlockEntry) bool { return e.UserID == id })
}

func remove(list []relation.BlockEntry, id string) []relation.BlockEntry {
	return slices.DeleteFunc(list, func(e relation.BlockEntry) bool { return e.UserID == id })
}

func (m *model) changeList(k account, change relation.Change) {
	if len(change.Block)+len(change.Unblock) == 0 {
		return
	}
	owner := m.accounts[k]
	owner.sequence++
	for _, id := range change.Unblock {
		owner.list = remove(owner.list, id)
	}
	for _, id := range change.Block {
		owner.list = append(owner.list, relation.BlockEntry{UserID: id, Since: change.At.Unix()})
	}
}

func (m *model) deleteAccount(k account) {
	delete(m.accounts, k)
	for other, a := range m.accounts {
		if other.sdkAppID == k.sdkAppID {
			a.list = remove(a.list, k.userID)
		}
	}
}

func (m *model) append(k account, events []relation.NewEvent) {
	var fresh []relation.Event
	for _, e := range events {
		q := m.queues[k]
		if q == nil {
			q = &modelQueue{}
			m.queues[k] = q
		}
		if len(q.rows) == 0 {
			q.due = m.now()
		}
		q.last++
		event := relation.Event{
			SDKAppID: k.sdkAppID, Owner: k.userID, Seq: q.last, ID: m.newID(),
			NewEvent: e, Created: m.now(), Head: len(q.rows) == 0,
		}
		q.rows = append(q.rows, event)
		fresh = append(fresh, event)
	}
	if len(fresh) > 0 {
		m.o.OnCommit(fresh)
	}
}

func (m *model) now() time.Time { return m.o.Now().Truncate(time.Millisecond) }

// newID returns a UUID version 7 of the clock's time.
func (m *model) newID() string {
	id := uuid.New()
	ms := m.now().UnixMilli()
	for i := range 6 {
		id[i] = byte(ms >> (40 - 8*i))
	}
	id[6] = id[6]&0x0f | 0x70
	return id.String()
}

func (m *model) Blocklist(_ context.Context, q relation.BlockQuery) (relation.BlockPage, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	a, ok := m.accounts[account{q.SDKAppID, q.Owner}]
	if !ok {
		return relation.BlockPage{}, relation.ErrNoAccount
	}
	start := min(q.Start, len(a.list))
	end := min(start+q.Limit, len(a.list))
	page := relation.BlockPage{Entries: slices.Clone(a.list[start:end]), Sequence: a.sequence}
	if end < len(a.list) {
		page.Next = end
	}
	return page, nil
}

func (m *model) CheckBlocks(_ context.Context, q relation.BlockCheckQuery) ([]relation.BlockState, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	owner, ok := m.accounts[account{q.SDKAppID, q.Owner}]
	if !ok {
		return nil, relation.ErrNoAccount
	}
	states := make([]relation.BlockState, len(q.Targets))
	for i, id := range q.Targets {
		target, exists := m.accounts[account{q.SDKAppID, id}]
		states[i] = relation.BlockState{
			Exists: exists, Blocked: has(owner.list, id),
			BlockedBy: q.Both && exists && has(target.list, q.Owner),
		}
	}
	return states, nil
}

func (m *model) Imported(_ context.Context, q relation.AccountSet) ([]bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	imported := make([]bool, len(q.UserIDs))
	for i, id := range q.UserIDs {
		_, imported[i] = m.accounts[account{q.SDKAppID, id}]
	}
	return imported, nil
}

func (m *model) KickedAt(_ context.Context, sdkAppID uint32, userID string) (int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if a, ok := m.accounts[account{sdkAppID, userID}]; ok {
		return a.kickedAt, nil
	}
	return 0, nil
}

func (m *model) Apps(context.Context) ([]relation.App, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.SortedFunc(maps.Values(m.apps), func(a, b relation.App) int {
		return cmp.Compare(a.SDKAppID, b.SDKAppID)
	}), nil
}

func (m *model) CreateApp(_ context.Context, app relation.App) error {
	return m.putApp(app, false, relation.ErrAppExists)
}

func (m *model) UpdateApp(_ context.Context, app relation.App) error {
	return m.putApp(app, true, relation.ErrNoApp)
}

func (m *model) putApp(app relation.App, known bool, otherwise error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.apps[app.SDKAppID]; ok != known {
		return fmt.Errorf("%w: %d", otherwise, app.SDKAppID)
	}
	m.apps[app.SDKAppID] = app
	for _, id := range app.Admins {
		if k := (account{app.SDKAppID, id}); m.accounts[k] == nil {
			m.accounts[k] = &modelAccount{}
		}
	}
	return nil
}

func (m *model) DeleteApp(_ context.Context, sdkAppID uint32) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.apps[sdkAppID]; !ok {
		return relation.ErrNoApp
	}
	delete(m.apps, sdkAppID)
	maps.DeleteFunc(m.accounts, func(k account, _ *modelAccount) bool { return k.sdkAppID == sdkAppID })
	maps.DeleteFunc(m.queues, func(k account, _ *modelQueue) bool { return k.sdkAppID == sdkAppID })
	m.dead = slices.DeleteFunc(m.dead, func(e relation.DeadEvent) bool { return e.SDKAppID == sdkAppID })
	return nil
}
