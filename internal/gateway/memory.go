package gateway

import (
	lru "container/list"
	"sync"
	"sync/atomic"

	"github.com/kithchat/kith/internal/relation"
)

// userBytes is about what a user without sessions takes besides its history.
const userBytes = 512

// idle is a user's place among those without sessions.
type idle = lru.Element

// memory counts what the histories and the users without sessions take, and knows which of those were idle longest. Its lock
// is taken after a shard's.
type memory struct {
	limit int64 // bytes
	used  atomic.Int64

	mu   sync.Mutex
	idle lru.List // of relation.AccountKey, longest idle first
}

// take counts more bytes, or fewer.
func (m *memory) take(bytes int) { m.used.Add(int64(bytes)) }

func (m *memory) full() bool { return m.used.Load() > m.limit }

// rest notes that the user has no sessions any more.
func (m *memory) rest(one *user) {
	if one.idle != nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	one.idle = m.idle.PushBack(one.key)
	m.take(userBytes)
}

// busy notes that the user is in use.
func (m *memory) busy(one *user) {
	if one.idle == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.idle.Remove(one.idle)
	one.idle = nil
	m.take(-userBytes)
}

// oldest returns the user that was idle longest.
func (m *memory) oldest() (relation.AccountKey, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	front := m.idle.Front()
	if front == nil {
		return relation.AccountKey{}, false
	}
	return front.Value.(relation.AccountKey), true
}
