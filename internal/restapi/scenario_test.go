package restapi

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kithchat/kith/internal/relation"
	"github.com/kithchat/kith/internal/store"
)

// world is a fixture on the real store.
type world struct {
	*fixture
	store *store.Store
}

// newWorld opens the default engine on a directory of its own.
func newWorld(t testing.TB) *world {
	t.Helper()
	s, err := store.Open(t.Context(), store.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	w := &world{fixture: newFixture(t, s, nil), store: s}
	w.register()
	return w
}

// register makes the present app, in the store as well.
func (w *world) register() {
	w.t.Helper()
	app := testAppRecord(w.app)
	if err := w.store.CreateApp(context.Background(), app); err != nil {
		w.t.Fatal(err)
	}
	w.apps.put(app)
}

// newApp goes on with a fresh app on the same store, so that scenarios do not see one another.
func (w *world) newApp(t testing.TB) {
	t.Helper()
	w.t = t
	w.app++
	w.clock.mu.Lock()
	w.clock.now = testStart
	w.clock.mu.Unlock()
	w.register()
}

// events returns the events of the present app, each as "command owner: targets", in each owner's order, owners sorted.
func (w *world) events() []string {
	w.t.Helper()
	const most = 10_000
	ctx := context.Background()
	heads, err := w.store.Due(ctx, relation.DueQuery{SDKAppID: w.app, Now: time.Now().AddDate(1000, 0, 0), Limit: most})
	if err != nil {
		w.t.Fatal(err)
	}
	slices.SortFunc(heads, func(a, b relation.DueHead) int { return strings.Compare(a.Owner, b.Owner) })
	var lines []string
	for _, head := range heads {
		all, err := w.store.Following(ctx, head.Key(), most)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, e := range append([]relation.Event{head.Event}, all...) {
			lines = append(lines, fmt.Sprintf("%s %s: %s", e.Kind, head.Owner, strings.Join(e.Targets, " ")))
			if e.Origin != (relation.Origin{ClientIP: "192.0.2.1", Platform: "RESTAPI"}) {
				w.t.Errorf("event's origin is %+v", e.Origin)
			}
		}
	}
	return lines
}

// eventsSince returns the events that are not among earlier ones, all of which must still be there.
func (w *world) eventsSince(earlier []string) []string {
	w.t.Helper()
	now := w.events()
	for _, e := range earlier {
		i := slices.Index(now, e)
		if i < 0 {
			w.t.Fatalf("event %q is gone", e)
		}
		now = slices.Delete(now, i, i+1)
	}
	return now
}

// scenario is one call: what came before, what is sent, the whole answer, and the events that it makes.
type scenario struct {
	name    string
	before  func(*world) // after the accounts were imported
	command string
	body    string
	want    string
	// events are all events of the call; none when nil.
	events []string
	// after checks what the call left behind.
	after func(*world)
}

// imported are the accounts of every scenario.
const imported = `{"Accounts":["a","b","c","d","e"]}`

func runScenarios(t *testing.T, scenarios []scenario) {
	w := newWorld(t)
	for _, s := range scenarios {
		t.Run(s.name, func(t *testing.T) {
			w.newApp(t)
			w.mustCall("im_open_login_svc/multiaccount_import", imported)
			if s.before != nil {
				s.before(w)
			}
			earlier := w.events()
			sameJSON(t, w.post(w.target(s.command), s.body), s.want)
			if got := w.eventsSince(earlier); !slices.Equal(got, s.events) {
				t.Errorf("events\n got %q\nwant %q", got, s.events)
			}
			if s.after != nil {
				s.after(w)
			}
		})
	}
}

// given returns a step that makes calls, which must succeed: command, body, command, body...
func given(calls ...string) func(*world) {
	return func(w *world) {
		w.t.Helper()
		for i := 0; i < len(calls); i += 2 {
			w.mustCall(calls[i], calls[i+1])
		}
	}
}

// expect returns a step that makes one call and compares its whole answer.
func expect(command, body, want string) func(*world) {
	return func(w *world) {
		w.t.Helper()
		sameJSON(w.t, w.post(w.target(command), body), want)
	}
}

// lists returns a step that checks a's blocklist, oldest entry first, and its sequence.
func lists(seq int, ids ...string) func(*world) {
	return func(w *world) {
		w.t.Helper()
		items := make([]string, len(ids))
		for i, id := range ids {
			items[i] = fmt.Sprintf(`{"To_Account":%q,"AddBlackTimeStamp":%d}`, id, testStart.Unix())
		}
		want := fmt.Sprintf(`{"BlackListItem":[%s],"StartIndex":0,"CurruentSequence":%d,"CurrentSequence":%d,`+okDisplay,
			strings.Join(items, ","), seq, seq)
		sameJSON(w.t, w.post(w.target(getCmd), `{"From_Account":"a","StartIndex":0,"MaxLimited":1000,"LastSequence":0}`), want)
	}
}

// many returns a JSON list of n accounts.
func many(n int) string {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = fmt.Sprintf(`"u%04d"`, i)
	}
	return "[" + strings.Join(ids, ",") + "]"
}

// Commands, and the end of an answer that succeeded.
const (
	addCmd    = "sns/black_list_add"
	deleteCmd = "sns/black_list_delete"
	getCmd    = "sns/black_list_get"
	checkCmd  = "sns/black_list_check"

	okDisplay = `"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":"","ErrorDisplay":""}`
	okPlain   = `"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":""}`
)

// failSns is the whole answer of a failed sns call.
func failSns(code int, info string) string {
	return fmt.Sprintf(`{"ActionStatus":"FAIL","ErrorCode":%d,"ErrorInfo":%q,"ErrorDisplay":""}`, code, info)
}

// failLogin is the whole answer of a failed im_open_login_svc call.
func failLogin(code int, info string) string {
	return fmt.Sprintf(`{"ActionStatus":"FAIL","ErrorCode":%d,"ErrorInfo":%q}`, code, info)
}
