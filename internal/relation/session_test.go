package relation

import (
	"context"
	"errors"
	"reflect"
	"testing"
)

var (
	phone = Device{ID: "phone", Origin: Origin{ClientIP: "203.0.113.9", Platform: "iOS"}}
	pad   = Device{ID: "pad", Origin: Origin{ClientIP: "203.0.113.10", Platform: "iPad"}}
	tab   = Device{ID: "tab", Origin: Origin{ClientIP: "2001:db8::1", Platform: "Web"}}
)

// stateApp is told of logins if on, and of changes of lists in any case.
func stateApp(on bool) *App {
	app := &App{SDKAppID: 1600077123, Callback: Callback{URL: "http://127.0.0.1:9000/callback"}}
	if on {
		app.Callback.On = []EventKind{EventState}
	}
	return app
}

func told(d Device, state StateChange) []NewEvent {
	return []NewEvent{{Kind: EventState, State: &state, Origin: d.Origin}}
}

func TestDecideEnter(t *testing.T) {
	login := StateChange{Action: "Login", Reason: "Register"}
	for _, tt := range []struct {
		name    string
		absent  bool
		kicked  []Device
		resumed bool
		want    Change
	}{
		{"a login", false, nil, false, Change{At: at, Online: []Device{phone}, Events: told(phone, login)}},
		{"a login that puts others out", false, []Device{pad, tab}, false, Change{
			At: at, Online: []Device{phone}, Offline: []string{"pad", "tab"},
			Events: told(phone, StateChange{Action: "Login", Reason: "Register", Kicked: []string{"iPad", "Web"}}),
		}},
		{"a device that is back", false, nil, true, Change{At: at, Online: []Device{phone}}},
		{"a device that is back and puts another out", false, []Device{tab}, true, Change{
			At: at, Online: []Device{phone}, Offline: []string{"tab"},
			Events: told(phone, StateChange{Action: "Login", Reason: "Register", Kicked: []string{"Web"}}),
		}},
		{"an account that is gone", true, []Device{tab}, false, Change{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cmd := EnterCommand{App: stateApp(true), UserID: "mira.k", Device: phone, Kicked: tt.kicked, Resumed: tt.resumed}
			got := decideEnter(cmd, Snapshot{Owner: Owner{Exists: !tt.absent}}, at)
			if !reflect.DeepEqual(got, tt.want) {
				t.Errorf("change %+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestDecideLeave(t *testing.T) {
	for _, tt := range []struct {
		name           string
		told, absent   bool
		action, reason string
		want           Change
	}{
		{"a logout", true, false, ActionLogout, ReasonUnregister, Change{
			At: at, Offline: []string{"phone"}, Events: told(phone, StateChange{Action: "Logout", Reason: "Unregister"}),
		}},
		{"a connection that was closed", true, false, ActionDisconnect, ReasonLinkClose, Change{
			At: at, Offline: []string{"phone"}, Events: told(phone, StateChange{Action: "Disconnect", Reason: "LinkClose"}),
		}},
		{"a connection that fell silent", true, false, ActionDisconnect, ReasonTimeOut, Change{
			At: at, Offline: []string{"phone"}, Events: told(phone, StateChange{Action: "Disconnect", Reason: "TimeOut"}),
		}},
		{"switched off since the login", false, false, ActionLogout, ReasonUnregister, Change{At: at, Offline: []string{"phone"}}},
		{"an account that is gone", true, true, ActionLogout, ReasonUnregister, Change{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cmd := LeaveCommand{App: stateApp(tt.told), UserID: "mira.k", Device: phone, Action: tt.action, Reason: tt.reason}
			got := decideLeave(cmd, Snapshot{Owner: Owner{Exists: !tt.absent}}, at)
			if !reflect.DeepEqual(got, tt.want) {
				t.Errorf("change %+v, want %+v", got, tt.want)
			}
		})
	}
}

// untouched is a store that must not be asked for anything but the account.
type untouched struct {
	Store
	head AccountHead
	err  error
}

func (u untouched) Account(context.Context, AccountKey) (AccountHead, error) { return u.head, u.err }

// Who is not admitted leaves no trace: an Apply would be a call on the nil Store.
func TestEnterAsksBeforeItWrites(t *testing.T) {
	refused := errors.New("refused")
	for name, store := range map[string]untouched{
		"known":   {head: AccountHead{KickedAt: 5, List: 1, Sequence: 2}},
		"unknown": {err: ErrNoAccount},
	} {
		t.Run(name, func(t *testing.T) {
			var asked AccountHead
			cmd := EnterCommand{App: stateApp(true), UserID: "mira.k", Device: phone, Admit: func(head AccountHead) error {
				asked = head
				return refused
			}}
			head, err := NewService(store, nil).Enter(t.Context(), cmd)
			if !errors.Is(err, refused) || head != (AccountHead{}) || asked != store.head {
				t.Errorf("head %+v, error %v, asked about %+v", head, err, asked)
			}
		})
	}
}

// An app that is told of nothing costs its devices no commit.
func TestSilentAppsWriteNothing(t *testing.T) {
	store := untouched{head: AccountHead{List: 1, Sequence: 2}}
	service := NewService(store, nil)
	head, err := service.Enter(t.Context(), EnterCommand{App: stateApp(false), UserID: "mira.k", Device: phone})
	if err != nil || head != store.head {
		t.Errorf("head %+v, error %v", head, err)
	}
	if err := service.Leave(t.Context(), LeaveCommand{App: stateApp(false), UserID: "mira.k", Device: phone}); err != nil {
		t.Error(err)
	}
}
