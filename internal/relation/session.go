package relation

import (
	"context"
	"errors"
	"time"
)

// Device is a client of a user: a phone, a browser tab. ID is unique among the user's devices; Origin is where it logged in.
type Device struct {
	ID     string
	Origin Origin
}

// Actions and reasons of a StateChange, per the callback docs.
const (
	ActionLogin      = "Login"
	ActionLogout     = "Logout"
	ActionDisconnect = "Disconnect"

	ReasonRegister   = "Register"
	ReasonUnregister = "Unregister"
	ReasonLinkClose  = "LinkClose"
	ReasonTimeOut    = "TimeOut"
)

// StateChange is what an EventState tells. Kicked are the platforms of the devices that a login put out.
type StateChange struct {
	Action string   `json:"action"`
	Reason string   `json:"reason"`
	Kicked []string `json:"kicked,omitempty"`
}

// EnterCommand brings a device of a user online.
type EnterCommand struct {
	App    *App
	UserID string
	Device Device
	// Kicked are the devices that this login puts out.
	Kicked []Device
	// Resumed says that the device was online before, a moment ago: nothing is told then.
	Resumed bool
	// Admit is asked before anything is written, with the account as it is; the zero head is one that is not imported. Its
	// error ends the call. nil: everybody is let in.
	Admit func(AccountHead) error
}

// Enter imports the user if need be and, for an app that is told of logins, commits the Login event together with the record
// of the device; so after a crash it is known who was online. It returns the account as it is afterwards.
func (s *Service) Enter(ctx context.Context, cmd EnterCommand) (AccountHead, error) {
	key := AccountKey{cmd.App.SDKAppID, cmd.UserID}
	head, err := s.store.Account(ctx, key)
	missing := errors.Is(err, ErrNoAccount)
	if err == nil || missing {
		if refused := cmd.admit(head); refused != nil {
			return AccountHead{}, refused
		}
	}
	if missing {
		scope := Scope{SDKAppID: key.SDKAppID, Accounts: []string{key.UserID}}
		err = s.store.Apply(ctx, scope, func(Snapshot) Change {
			return Change{At: s.now(), Import: []Profile{{UserID: key.UserID}}}
		})
		if err == nil {
			head, err = s.store.Account(ctx, key)
		}
	}
	if err != nil || !cmd.App.Emits(EventState) {
		return head, err
	}
	return head, s.store.Apply(ctx, Scope{SDKAppID: key.SDKAppID, Owner: key.UserID}, func(snap Snapshot) Change {
		return decideEnter(cmd, snap, s.now())
	})
}

func (cmd *EnterCommand) admit(head AccountHead) error {
	if cmd.Admit == nil {
		return nil
	}
	return cmd.Admit(head)
}

func decideEnter(cmd EnterCommand, snap Snapshot, now time.Time) Change {
	if !snap.Owner.Exists {
		return Change{}
	}
	change := Change{At: now, Online: []Device{cmd.Device}}
	for _, d := range cmd.Kicked {
		change.Offline = append(change.Offline, d.ID)
	}
	if cmd.Resumed && len(cmd.Kicked) == 0 {
		return change
	}
	state := &StateChange{Action: ActionLogin, Reason: ReasonRegister}
	for _, d := range cmd.Kicked {
		state.Kicked = append(state.Kicked, d.Origin.Platform)
	}
	change.Events = []NewEvent{{Kind: EventState, State: state, Origin: cmd.Device.Origin}}
	return change
}

// LeaveCommand takes a device of a user offline. Action is ActionLogout or ActionDisconnect.
type LeaveCommand struct {
	App    *App
	UserID string
	Device Device
	Action string
	Reason string
	// Recorded says that Enter recorded the device, so there is a record to remove even if the app is told nothing now.
	Recorded bool
}

// Leave commits the event, for an app that is told of logouts, together with the end of the device's record. Of an account
// that is gone nothing is told.
func (s *Service) Leave(ctx context.Context, cmd LeaveCommand) error {
	if !cmd.Recorded && !cmd.App.Emits(EventState) {
		return nil
	}
	scope := Scope{SDKAppID: cmd.App.SDKAppID, Owner: cmd.UserID}
	return s.store.Apply(ctx, scope, func(snap Snapshot) Change { return decideLeave(cmd, snap, s.now()) })
}

func decideLeave(cmd LeaveCommand, snap Snapshot, now time.Time) Change {
	if !snap.Owner.Exists {
		return Change{}
	}
	change := Change{At: now, Offline: []string{cmd.Device.ID}}
	if cmd.App.Emits(EventState) {
		state := &StateChange{Action: cmd.Action, Reason: cmd.Reason}
		change.Events = []NewEvent{{Kind: EventState, State: state, Origin: cmd.Device.Origin}}
	}
	return change
}

// Account returns an account with the head of its list, or ErrNoAccount.
func (s *Service) Account(ctx context.Context, key AccountKey) (AccountHead, error) {
	return s.store.Account(ctx, key)
}
