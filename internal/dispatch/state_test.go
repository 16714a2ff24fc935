package dispatch

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kithchat/kith/api"
	"github.com/kithchat/kith/internal/relation"
)

var phone = relation.Origin{ClientIP: "198.51.100.4", Platform: "iOS"}

func stateEvent(action, reason string, kicked ...string) relation.NewEvent {
	return relation.NewEvent{
		Kind: relation.EventState, Origin: phone,
		State: &relation.StateChange{Action: action, Reason: reason, Kicked: kicked},
	}
}

// A user's logins share the queue with the changes of the user's list: none overtakes another, however the receiver fails.
func TestStateEventsKeepTheirPlaceAmongBlocklistEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refusals := 0
		rc := &receiver{answer: func(d delivery, w http.ResponseWriter, _ *http.Request) bool {
			if d.Command == api.CallbackStateChange && d.Attempt < 4 {
				refusals++
				w.WriteHeader(http.StatusBadGateway)
				return false
			}
			_, _ = io.WriteString(w, answerOK)
			return true
		}}
		w := newWorld(t, rc)
		w.start()
		var want []string
		for range laneQueue { // more than stay in memory
			want = append(want,
				w.outbox.append(appA, "mira.k", stateEvent("Login", "Register")).ID,
				w.outbox.commit(appA, "mira.k", "troll_77").ID,
				w.outbox.append(appA, "mira.k", stateEvent("Disconnect", "LinkClose")).ID,
			)
		}
		w.outbox.commit(appA, "other", "x")
		w.until("another user's event is delivered", time.Second, func() bool { return len(rc.ids("other")) == 1 })
		w.drained(time.Hour)
		w.stop()
		rc.checkOneAtATime(t)
		if got := rc.ids("mira.k"); !slices.Equal(got, want) || refusals != 3*2*laneQueue {
			t.Errorf("after %d refusals got %v, want %v", refusals, got, want)
		}
	})
}

// EventTime is when it happened, at each attempt the same.
func TestStateEventTellsWhenItHappened(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		up := time.Now().Add(time.Minute)
		rc := &receiver{answer: failUntil(&up)}
		w := newWorld(t, rc)
		w.start()
		event := w.outbox.append(appA, "mira.k", stateEvent("Login", "Register", "Web"))
		w.drained(time.Hour)
		w.stop()
		for _, d := range rc.seen() {
			want := api.StateInfo{Action: "Login", ToAccount: "mira.k", Reason: "Register"}
			if d.Time != event.Created.UnixMilli() || d.State != want || !slices.Equal(d.Kicked, []api.KickedDevice{{Platform: "Web"}}) {
				t.Errorf("attempt %d told %+v", d.Attempt, d)
			}
		}
		if n := len(rc.seen()); n < 2 {
			t.Errorf("%d attempts, want several", n)
		}
	})
}

func TestParkedStateEventKeepsWhatItTells(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rc := &receiver{answer: func(_ delivery, w http.ResponseWriter, _ *http.Request) bool {
			w.WriteHeader(http.StatusTeapot)
			return false
		}}
		w := newWorld(t, rc)
		w.apps.set(testApp(appA, relation.Callback{URL: "http://a.test/cb", Retry: relation.RetryOff}))
		w.start()
		event := w.outbox.append(appA, "mira.k", stateEvent("Disconnect", "TimeOut"))
		w.drained(time.Minute)
		w.stop()
		dead := w.outbox.letters()
		if len(dead) != 1 || dead[0].ID != event.ID || !reflect.DeepEqual(dead[0].NewEvent, event.NewEvent) || !strings.HasPrefix(dead[0].Reason, "status: 418") {
			t.Errorf("dead letters %+v, want %+v", dead, event)
		}
	})
}

// A record that lost its detail is not sent as something else, and does not end the process.
func TestStateEventWithoutDetail(t *testing.T) {
	e := relation.Event{Owner: "mira.k", NewEvent: relation.NewEvent{Kind: relation.EventState}, Created: time.UnixMilli(7)}
	const want = `{"CallbackCommand":"State.StateChange","EventTime":7,"Info":{"Action":"","To_Account":"mira.k","Reason":""}}`
	if got := string(messageOf(&e).body); got != want {
		t.Errorf("body %s, want %s", got, want)
	}
}

func TestStateEventTakesMemoryForWhatItHolds(t *testing.T) {
	plain, kicked := stateOf(relation.Event{}, relation.StateChange{}), stateOf(relation.Event{}, relation.StateChange{
		Action: "Login", Kicked: []string{"Web", "Android"},
	})
	if got, least := eventBytes(&kicked)-eventBytes(&plain), len("LoginWebAndroid")+2*16; got < least {
		t.Errorf("%d bytes more, want %d at least", got, least)
	}
}

// story is what an app backend is told of one user.
type story struct {
	Command, Action, Reason, Platform string
	Kicked                            []string
}

// TestStateChangesAsToldToTheAppBackend runs the rules on the real store: what fires, and in which order.
func TestStateChangesAsToldToTheAppBackend(t *testing.T) {
	ios := relation.Device{ID: "phone", Origin: phone}
	odd := relation.Device{ID: "tv", Origin: relation.Origin{ClientIP: "2001:db8::7", Platform: "Unknown"}}
	login := story{Command: api.CallbackStateChange, Action: "Login", Reason: "Register", Platform: "iOS"}
	gone := func(action, reason string) story {
		return story{Command: api.CallbackStateChange, Action: action, Reason: reason, Platform: "iOS"}
	}
	enter := func(d relation.Device, resumed bool, kicked ...relation.Device) func(*scene) error {
		return func(s *scene) error {
			_, err := s.rules.Enter(context.Background(), relation.EnterCommand{
				App: s.app, UserID: "mira.k", Device: d, Resumed: resumed, Kicked: kicked,
			})
			return err
		}
	}
	leave := func(d relation.Device, action, reason string) func(*scene) error {
		return func(s *scene) error {
			return s.rules.Leave(context.Background(), relation.LeaveCommand{
				App: s.app, UserID: "mira.k", Device: d, Action: action, Reason: reason, Recorded: true,
			})
		}
	}
	block := func(s *scene) error {
		_, err := s.rules.Block(context.Background(), relation.BlockCommand{
			App: s.app, Owner: "mira.k", Targets: []string{"troll_77"}, Origin: phone,
		})
		return err
	}
	on := []relation.EventKind{relation.EventState}
	switchTo := func(on []relation.EventKind) func(*scene) error {
		return func(s *scene) error {
			s.app = testApp(appA, relation.Callback{URL: s.app.Callback.URL, On: on})
			return nil
		}
	}
	forget := func(s *scene) error {
		_, err := s.rules.Delete(context.Background(), relation.AccountSet{SDKAppID: appA, UserIDs: []string{"mira.k"}})
		return err
	}
	for _, tt := range []struct {
		name  string
		on    []relation.EventKind
		steps []func(*scene) error
		want  []story
	}{
		{
			"login, block, logout stay in order", on,
			[]func(*scene) error{enter(ios, false), block, leave(ios, "Logout", "Unregister")},
			[]story{login, {Command: api.CallbackBlackListAdd, Platform: "iOS"}, gone("Logout", "Unregister")},
		},
		{
			"a lost connection", on,
			[]func(*scene) error{
				enter(ios, false), leave(ios, "Disconnect", "LinkClose"), enter(ios, false), leave(ios, "Disconnect", "TimeOut"),
			},
			[]story{login, gone("Disconnect", "LinkClose"), login, gone("Disconnect", "TimeOut")},
		},
		{"a resume is not told", on, []func(*scene) error{enter(ios, false), enter(ios, true)}, []story{login}},
		{
			"a resume that puts another out is", on,
			[]func(*scene) error{enter(ios, false), enter(ios, true, odd)},
			[]story{login, {api.CallbackStateChange, "Login", "Register", "iOS", []string{"Unknown"}}},
		},
		{
			"one login is all that tells of a kick", on,
			[]func(*scene) error{enter(ios, false), enter(odd, false, ios)},
			[]story{login, {api.CallbackStateChange, "Login", "Register", "Unknown", []string{"iOS"}}},
		},
		{
			"off until switched on", nil,
			[]func(*scene) error{enter(ios, false), block, leave(ios, "Logout", "Unregister")},
			[]story{{Command: api.CallbackBlackListAdd, Platform: "iOS"}},
		},
		{
			"switched on while a device is there", nil,
			[]func(*scene) error{enter(ios, false), switchTo(on), leave(ios, "Logout", "Unregister")},
			[]story{gone("Logout", "Unregister")},
		},
		{
			"switched off while a device is there", on,
			[]func(*scene) error{enter(ios, false), switchTo(nil), leave(ios, "Logout", "Unregister"), block},
			[]story{login, {Command: api.CallbackBlackListAdd, Platform: "iOS"}},
		},
		{
			"of a deleted account nothing more", on,
			[]func(*scene) error{enter(ios, false), forget, leave(ios, "Disconnect", "LinkClose")},
			[]story{login},
		},
	} {
		t.Run(tt.name, func(t *testing.T) { play(t, tt.on, tt.steps, tt.want) })
	}
}

// scene is where a story happens.
type scene struct {
	rules *relation.Service
	app   *relation.App
}

func play(t *testing.T, on []relation.EventKind, steps []func(*scene) error, want []story) {
	rc := &receiver{}
	server := httptest.NewServer(rc)
	defer server.Close()
	e := startEngine(t, t.TempDir(), server.URL, nil)
	defer e.close(t)
	s := &scene{relation.NewService(e.Store, nil), testApp(appA, relation.Callback{URL: server.URL, On: on})}
	profiles := []relation.Profile{{UserID: "mira.k"}, {UserID: "troll_77"}}
	if _, err := s.rules.Import(t.Context(), relation.AccountImport{SDKAppID: appA, Profiles: profiles}); err != nil {
		t.Fatal(err)
	}
	begun := time.Now().UnixMilli()
	for i, step := range steps {
		if err := step(s); err != nil {
			t.Fatalf("step %d: %v", i, err)
		}
	}
	e.drained(t)
	var got []story
	for _, d := range rc.seen() {
		told := story{Command: d.Command, Action: d.State.Action, Reason: d.State.Reason, Platform: d.Platform}
		for _, k := range d.Kicked {
			told.Kicked = append(told.Kicked, k.Platform)
		}
		got = append(got, told)
		if d.Owner != "mira.k" || d.Command == api.CallbackStateChange && (d.Time < begun || d.Time > d.At.UnixMilli()) {
			t.Errorf("told %+v", d)
		}
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("told\n%+v\nwant\n%+v", got, want)
	}
}
