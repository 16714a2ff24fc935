package operator

import (
	"slices"
	"sync"

	"github.com/kithchat/kith/internal/relation"
)

// listeners are those that listen now, by app.
type listeners struct {
	mu    sync.Mutex
	byApp map[uint32][]*relation.Listening
}

func (l *listeners) add(sdkAppID uint32, listening *relation.Listening) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.byApp == nil {
		l.byApp = map[uint32][]*relation.Listening{}
	}
	l.byApp[sdkAppID] = append(l.byApp[sdkAppID], listening)
}

func (l *listeners) remove(sdkAppID uint32, listening *relation.Listening) {
	l.mu.Lock()
	defer l.mu.Unlock()
	left := slices.DeleteFunc(slices.Clone(l.byApp[sdkAppID]), func(x *relation.Listening) bool { return x == listening })
	if len(left) == 0 {
		delete(l.byApp, sdkAppID)
		return
	}
	l.byApp[sdkAppID] = left
}

// answer gives the answer to whoever waits for it, and reports whether somebody did.
func (l *listeners) answer(sdkAppID uint32, exchange string, answer relation.ExchangeAnswer) bool {
	l.mu.Lock()
	open := slices.Clone(l.byApp[sdkAppID])
	l.mu.Unlock()
	return slices.ContainsFunc(open, func(x *relation.Listening) bool { return x.Answer(exchange, answer) })
}
