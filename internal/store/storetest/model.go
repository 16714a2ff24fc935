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

	writing  sync.Mutex // held from a change until it is told; taken before mu
	mu       sync.Mutex
	closed   bool
	lives    int64 // of accounts so far
	apps     map[uint32]relation.App
	accounts map[account]*modelAccount
	queues   map[account]*modelQueue
	settled  []relation.Record // delivered and dead, in the order of that
	gone     map[uint32]string // ids of the newest delivered events that are not kept, by app
	replays  []relation.Replay
	last     int64           // time of the newest id ever, in Unix milliseconds
	told     relation.Commit // of the change under way
}

// account names an account of an app, imported or not.
type account struct {
	sdkAppID uint32
	userID   string
}

func (k account) key() relation.AccountKey {
	return relation.AccountKey{SDKAppID: k.sdkAppID, UserID: k.userID}
}

type modelAccount struct {
	list     []relation.BlockEntry
	places   []int64 // of the entries of list
	place    int64   // of the newest entry ever
	life     int64
	sequence int64
	kickedAt int64
	online   map[string]relation.Device
}

// modelQueue holds the waiting events of an account name. It outlives the account.
type modelQueue struct {
	last int64 // Seq of the newest event ever
	due  time.Time
	rows []relation.Event
	head relation.Record // what else is known of the first of rows: its attempts
}

// newModel is the Factory of models.
func newModel(_ testing.TB, o Options) func() Engine {
	m := &model{
		o:        o,
		apps:     make(map[uint32]relation.App),
		accounts: make(map[account]*modelAccount),
		queues:   make(map[account]*modelQueue),
		gone:     make(map[uint32]string),
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
	m.writing.Lock()
	defer m.writing.Unlock()
	if err := m.apply(ctx, scope, decide); err != nil {
		return err
	}
	return m.tell()
}

// tell reports the change that was just made.
func (m *model) tell() error {
	told := m.told
	m.told = relation.Commit{}
	if m.o.Lose != nil && m.o.Lose() {
		m.o.OnCommit(relation.Commit{Lost: true})
		return relation.ErrUnavailable
	}
	if len(told.Events)+len(told.Lists)+len(told.Kicked)+len(told.Deleted) > 0 {
		m.o.OnCommit(told)
	}
	return nil
}

func (m *model) apply(ctx context.Context, scope relation.Scope, decide func(relation.Snapshot) relation.Change) error {
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
		m.importAccount(account{app, p.UserID})
	}
	for _, id := range change.Kick {
		m.accounts[account{app, id}].kickedAt = change.At.Unix()
		m.told.Kicked = append(m.told.Kicked, account{app, id}.key())
	}
	m.changeList(account{app, scope.Owner}, change)
	m.changeOnline(account{app, scope.Owner}, change)
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

func (m *model) importAccount(k account) {
	if m.accounts[k] == nil {
		m.lives++
		m.accounts[k] = &modelAccount{life: m.lives, online: make(map[string]relation.Device)}
	}
}

func (m *model) deleteAccount(k account) {
	delete(m.accounts, k)
	m.told.Deleted = append(m.told.Deleted, k.key())
	for other, a := range m.accounts {
		if other.sdkAppID == k.sdkAppID && a.remove(k.userID) {
			a.sequence++
			m.told.Lists = append(m.told.Lists, relation.ListChange{
				AccountKey: other.key(), List: a.life, Sequence: a.sequence, Reload: true,
			})
		}
	}
}

func (m *model) append(k account, events []relation.NewEvent) {
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
		m.told.Events = append(m.told.Events, event)
	}
}

func (m *model) now() time.Time { return m.o.Now().Truncate(time.Millisecond) }

// newID returns a UUID version 7 after all others, of the clock's time if that can be.
func (m *model) newID() string {
	m.last = max(m.last+1, m.now().UnixMilli())
	id := uuid.New()
	for i := range 6 {
		id[i] = byte(m.last >> (40 - 8*i))
	}
	id[6] = id[6]&0x0f | 0x70
	return id.String()
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

func (m *model) Account(_ context.Context, key relation.AccountKey) (relation.AccountHead, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	a, ok := m.accounts[account{key.SDKAppID, key.UserID}]
	if !ok {
		return relation.AccountHead{}, relation.ErrNoAccount
	}
	return relation.AccountHead{KickedAt: a.kickedAt, List: a.life, Sequence: a.sequence}, nil
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
		m.importAccount(account{app.SDKAppID, id})
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
	delete(m.gone, sdkAppID)
	maps.DeleteFunc(m.accounts, func(k account, _ *modelAccount) bool { return k.sdkAppID == sdkAppID })
	maps.DeleteFunc(m.queues, func(k account, _ *modelQueue) bool { return k.sdkAppID == sdkAppID })
	m.settled = slices.DeleteFunc(m.settled, func(e relation.Record) bool { return e.SDKAppID == sdkAppID })
	m.replays = slices.DeleteFunc(m.replays, func(r relation.Replay) bool { return r.SDKAppID == sdkAppID })
	return nil
}
