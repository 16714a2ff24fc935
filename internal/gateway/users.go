package gateway

import (
	"hash/maphash"
	"slices"
	"sync"

	"github.com/kithchat/kith/api"
	"github.com/kithchat/kith/internal/relation"
)

// shards is how many locks share the users, so that commits and logins seldom wait for each other.
const shards = 64

// users holds what is known of the users that have sessions, or had one not long ago.
type users struct {
	seed   maphash.Seed
	shards [shards]shard
	memory memory
}

type shard struct {
	mu sync.Mutex
	m  map[relation.AccountKey]*user
}

// user is one account with its sessions and the recent history of its list. All but gate is guarded by the shard.
type user struct {
	key relation.AccountKey
	// gate is held while a login or departure of the user is carried out, commit included. It is taken before the shard.
	gate     sync.Mutex
	pins     int // logins and departures that use the user
	sessions []*session
	list     list
	idle     *idle // place among the users without sessions, nil for the others
}

func (u *users) init(history int64) {
	u.seed = maphash.MakeSeed()
	u.memory.limit = history
	for i := range u.shards {
		u.shards[i].m = make(map[relation.AccountKey]*user)
	}
}

func (u *users) shard(key relation.AccountKey) *shard {
	return &u.shards[maphash.Comparable(u.seed, key)%shards]
}

// pin returns the user, made if need be, and keeps it until unpin.
func (u *users) pin(key relation.AccountKey) *user {
	sh := u.shard(key)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	one := sh.m[key]
	if one == nil {
		one = &user{key: key}
		sh.m[key] = one
	}
	one.pins++
	u.memory.busy(one)
	return one
}

// unpin lets go of a user. One without sessions stays for a while, for devices that come back.
func (u *users) unpin(one *user) {
	sh := u.shard(one.key)
	sh.mu.Lock()
	one.pins--
	switch {
	case one.pins > 0 || len(one.sessions) > 0:
	case one.list.known:
		u.memory.rest(one)
	default:
		delete(sh.m, one.key)
	}
	sh.mu.Unlock()
	u.trim()
}

// with calls f with the user, if it is known, under its lock.
func (u *users) with(key relation.AccountKey, f func(*user)) {
	sh := u.shard(key)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if one := sh.m[key]; one != nil {
		f(one)
	}
}

// locked calls f under the lock of a pinned user.
func (u *users) locked(one *user, f func()) {
	sh := u.shard(one.key)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	f()
}

// all calls f with each user, under its lock.
func (u *users) all(f func(*user)) {
	for i := range u.shards {
		sh := &u.shards[i]
		sh.mu.Lock()
		for _, one := range sh.m {
			f(one)
		}
		sh.mu.Unlock()
	}
}

// trim forgets the users that were idle longest, until the histories fit into their memory.
func (u *users) trim() {
	for u.memory.full() {
		key, ok := u.memory.oldest()
		if !ok {
			return
		}
		u.with(key, func(one *user) {
			if one.idle == nil {
				return // it came back
			}
			u.memory.busy(one)
			u.memory.take(-one.list.clear())
			delete(u.shard(key).m, key)
		})
	}
}

// devices returns the connected devices of a session's user, oldest login first.
func (u *users) devices(of *session) []api.SessionDevice {
	var devices []api.SessionDevice
	u.with(of.key, func(one *user) {
		for _, s := range one.sessions {
			if s.live {
				devices = append(devices, api.SessionDevice{
					DeviceID: s.device.ID, Platform: s.device.Origin.Platform, LoginTime: s.login, Current: s == of,
				})
			}
		}
	})
	return devices
}

// Platforms returns the platforms from which an account is connected, each once, oldest login first.
func (g *Gateway) Platforms(sdkAppID uint32, userID string) []string {
	var platforms []string
	g.users.with(relation.AccountKey{SDKAppID: sdkAppID, UserID: userID}, func(one *user) {
		for _, s := range one.sessions {
			if s.live && !slices.Contains(platforms, s.device.Origin.Platform) {
				platforms = append(platforms, s.device.Origin.Platform)
			}
		}
	})
	return platforms
}

// drop takes a session off the user's and reports whether it was there.
func (one *user) drop(s *session) bool {
	i := slices.Index(one.sessions, s)
	if i < 0 {
		return false
	}
	one.sessions = slices.Delete(one.sessions, i, i+1)
	s.live = false
	return true
}
