package operator

import (
	"fmt"
	"net/http"
	"sync"

	"github.com/kithchat/kith/internal/apps"
)

// Holders of apps' tokens share four fifths of what is limited, and those of one app get one fifth, so that none of them
// shuts out the operator or another app.
const (
	partOfApp    = 5
	partsOfToken = 4
)

// maxTests is how many tests and triggers can be under way at a time. Each has a connection of its own to an endpoint.
const maxTests = 50

// shares counts what is under way and takes long, such as streams.
type shares struct {
	mu     sync.Mutex
	all    int
	tokens int            // of all, those of holders of apps' tokens
	byApp  map[uint32]int // of these, by app
}

// take counts one more of what until end, or refuses it when there are most already.
func (s *shares) take(r *http.Request, what string, most int) (end func(), err error) {
	var app uint32 // 0: the operator's
	if given, scoped := r.Context().Value(tokenKey{}).(string); scoped {
		app = apps.AppOfToken(given)
	}
	part := max(1, most/partOfApp)
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.all >= most:
		return nil, tooMany("%d %s already", s.all, what)
	case app != 0 && s.byApp[app] >= part:
		return nil, tooMany("%d %s already by tokens of app %d", s.byApp[app], what, app)
	case app != 0 && s.tokens >= partsOfToken*part:
		return nil, tooMany("%d %s already by tokens of apps", s.tokens, what)
	}
	s.count(app, 1)
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.count(app, -1)
	}, nil
}

func (s *shares) count(app uint32, n int) {
	s.all += n
	if app == 0 {
		return
	}
	if s.byApp == nil {
		s.byApp = map[uint32]int{}
	}
	s.tokens += n
	if s.byApp[app] += n; s.byApp[app] == 0 {
		delete(s.byApp, app)
	}
}

func tooMany(format string, args ...any) error {
	return &Error{
		Status: http.StatusServiceUnavailable, Code: CodeUnavailable,
		Message: fmt.Sprintf(format, args...) + "; end one of them first, or wait",
	}
}

// openStream counts a stream, which can hold some megabytes for a reader that is slow.
func (h *handler) openStream(r *http.Request) (end func(), err error) {
	return h.streams.take(r, "streams are open", h.MaxStreams)
}

// beginTest counts a test or trigger.
func (h *handler) beginTest(r *http.Request) (end func(), err error) {
	return h.tests.take(r, "tests are under way", maxTests)
}
