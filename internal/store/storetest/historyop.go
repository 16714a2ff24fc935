package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/kithchat/kith/internal/relation"
)

// historyApps is how many apps a history has. The first limits its lists to historyLimit, so that they are often full.
const (
	historyApps  = 2
	historyLimit = 4
)

// historyUsers are the accounts of each app, whether imported or not.
func historyUsers() []string { return []string{"a", "b", "c", "d", "e", "F", "_g", "h h"} }

// next chooses a step.
func (h *history) next(app *relation.App) op {
	switch n := h.rng.IntN(100); {
	case n < 6:
		return h.importOp(app)
	case n < 17:
		return h.sessionOp(app)
	case n < 21:
		return h.deleteOp(app)
	case n < 23:
		return h.kickOp(app)
	case n < 44:
		return h.changeOp(app, "block", (*relation.Service).Block)
	case n < 62:
		return h.changeOp(app, "unblock", (*relation.Service).Unblock)
	case n < 72:
		return h.pageOp(app)
	case n < 79:
		return h.checkOp(app)
	case n < 89:
		return h.settleOp(app)
	case n < 94:
		return h.replayOp(app)
	case n < 96:
		return h.updateOp(app)
	case n < 97:
		return h.recreateOp(app)
	default:
		return op{"restart", restart}
	}
}

func (h *history) user() string {
	users := historyUsers()
	return users[h.rng.IntN(len(users))]
}

// users returns one or more ids, some of them strange or twice.
func (h *history) users() []string {
	ids := make([]string, 1+h.rng.IntN(5))
	for i := range ids {
		if ids[i] = h.user(); h.rng.IntN(20) == 0 {
			ids[i] = []string{"", "nobody", "A", "\x00", "\xff", strings.Repeat("x", 33)}[h.rng.IntN(6)]
		}
	}
	return ids
}

func (h *history) importOp(app *relation.App) op {
	var cmd relation.AccountImport
	for _, id := range h.users() {
		cmd.Profiles = append(cmd.Profiles, relation.Profile{UserID: id, Nick: strings.Repeat("n", h.rng.IntN(2))})
	}
	cmd.SDKAppID = app.SDKAppID
	return op{fmt.Sprintf("import %+v", cmd), func(s *side) string {
		outcomes, err := s.svc.Import(s.ctx, cmd)
		return fmt.Sprint(outcomes, sentinel(err))
	}}
}

func (h *history) deleteOp(app *relation.App) op {
	cmd := relation.AccountSet{SDKAppID: app.SDKAppID, UserIDs: h.users()[:1]}
	for _, id := range cmd.UserIDs {
		h.newLife[account{app.SDKAppID, id}] = true
	}
	h.unsettle()
	return op{fmt.Sprintf("delete %+v", cmd), func(s *side) string {
		outcomes, err := s.svc.Delete(s.ctx, cmd)
		return fmt.Sprint(outcomes, sentinel(err))
	}}
}

func (h *history) kickOp(app *relation.App) op {
	id := h.user()
	return op{fmt.Sprintf("kick %d %s", app.SDKAppID, id), func(s *side) string {
		return sentinel(s.svc.Kick(s.ctx, app.SDKAppID, id))
	}}
}

type change func(*relation.Service, context.Context, relation.BlockCommand) ([]relation.Outcome, error)

func (h *history) changeOp(app *relation.App, verb string, call change) op {
	if app.BlocklistLimit != 0 {
		h.settleDown() // entries that are not swept yet would take room
	}
	record := *app
	cmd := relation.BlockCommand{App: &record, Owner: h.user(), Targets: h.users()}
	cmd.Origin = relation.Origin{ClientIP: "203.0.113.9", Platform: fmt.Sprint("step ", len(h.trace)), Trace: fmt.Sprint("00-", len(h.trace))}
	return op{fmt.Sprintf("%s %d %s %q", verb, app.SDKAppID, cmd.Owner, cmd.Targets), func(s *side) string {
		outcomes, err := call(s.svc, s.ctx, cmd)
		return fmt.Sprint(outcomes, sentinel(err))
	}}
}

func (h *history) pageOp(app *relation.App) op {
	q := relation.BlockQuery{SDKAppID: app.SDKAppID, Owner: h.user(), Start: h.rng.IntN(6), Limit: 1 + h.rng.IntN(6)}
	h.settleDown() // entries that are not swept yet would take places
	return op{fmt.Sprintf("page %+v", q), func(s *side) string {
		p, err := s.svc.Blocklist(s.ctx, q)
		return fmt.Sprintf("%+v next %d sequence %s %s", p.Entries, p.Next, s.sequence(account{q.SDKAppID, q.Owner}, p.Sequence), sentinel(err))
	}}
}

// sessionOp has a device come or go.
func (h *history) sessionOp(app *relation.App) op {
	record, user := *app, h.user()
	device := func() relation.Device {
		platform := []string{"Web", "iOS"}[h.rng.IntN(2)]
		origin := relation.Origin{ClientIP: fmt.Sprint("203.0.113.", h.rng.IntN(256)), Platform: platform}
		return relation.Device{ID: []string{"A", "a"}[h.rng.IntN(2)], Origin: origin}
	}
	if h.rng.IntN(5) < 2 {
		cmd := relation.LeaveCommand{
			App: &record, UserID: user, Device: device(), Recorded: true,
			Action: relation.ActionDisconnect, Reason: relation.ReasonTimeOut,
		}
		return op{fmt.Sprintf("leave %d %s %+v", app.SDKAppID, user, cmd.Device), func(s *side) string {
			return sentinel(s.svc.Leave(s.ctx, cmd))
		}}
	}
	cmd := relation.EnterCommand{App: &record, UserID: user, Device: device(), Resumed: h.rng.IntN(4) == 0}
	if h.rng.IntN(3) == 0 {
		cmd.Kicked = []relation.Device{device(), device()}
	}
	return op{fmt.Sprintf("enter %d %s %+v %+v", app.SDKAppID, user, cmd.Device, cmd.Kicked), func(s *side) string {
		head, err := s.svc.Enter(s.ctx, cmd)
		return fmt.Sprint(head.KickedAt, s.sequence(account{record.SDKAppID, user}, head.Sequence), sentinel(err))
	}}
}

func (h *history) checkOp(app *relation.App) op {
	q := relation.BlockCheckQuery{SDKAppID: app.SDKAppID, Owner: h.user(), Targets: h.users(), Both: h.rng.IntN(2) == 0}
	return op{fmt.Sprintf("check %+v", q), func(s *side) string {
		states, err := s.svc.CheckBlocks(s.ctx, q)
		return fmt.Sprintf("%+v %s", states, sentinel(err))
	}}
}

// settleOp gives verdicts on some heads, and again on events that had theirs.
func (h *history) settleOp(app *relation.App) op {
	guide := h.sides[0]
	guide.app = app
	var verdicts []relation.Settlement
	var places []int
	add := func(place int) {
		places = append(places, place)
		v := relation.Settlement{
			Verdict: relation.Verdict(h.rng.IntN(3)), Attempts: 1 + h.rng.IntN(20), At: h.clock.Now(),
			Due:    h.clock.Now().Add(time.Duration(h.rng.IntN(60_000)) * time.Millisecond),
			Reason: fmt.Sprint("reason of step ", len(h.trace)),
		}
		v.Attempt = h.attempt(v.Verdict, v.Attempts)
		if v.Verdict == relation.Retry && h.rng.IntN(2) == 0 {
			v.BudgetFrom = h.clock.Now()
		}
		verdicts = append(verdicts, v)
	}
	for range min(h.rng.IntN(4), len(h.left)) {
		add(h.left[h.rng.IntN(len(h.left))])
	}
	for _, head := range guide.heads(far, most) {
		if h.rng.IntN(2) == 0 {
			add(guide.places[head.Key()])
			if verdicts[len(verdicts)-1].Verdict != relation.Retry {
				h.left = append(h.left, places[len(places)-1])
			}
		}
	}
	return op{fmt.Sprintf("settle %v %+v", places, verdicts), func(s *side) string {
		settlements := slices.Clone(verdicts)
		for i, place := range places {
			settlements[i].EventKey = s.stream[place].Key()
		}
		var next []int
		for _, key := range s.settle(settlements...) {
			next = append(next, s.places[key])
		}
		return fmt.Sprint(next)
	}}
}

// attempt returns one that led to a verdict; now and then none.
func (h *history) attempt(v relation.Verdict, number int) relation.Attempt {
	if h.rng.IntN(8) == 0 {
		return relation.Attempt{}
	}
	a := relation.Attempt{
		Number: number, At: h.clock.Now().Add(-time.Duration(h.rng.IntN(900)) * time.Microsecond),
		Took: time.Duration(h.rng.IntN(2_000_000)) * time.Microsecond, Status: 200, Node: "n1",
		Answer: strings.Repeat("\xff\x00{", h.rng.IntN(80)),
	}
	if v != relation.Delivered {
		a.Status, a.Reason, a.Detail, a.Fault = 502, "status", fmt.Sprint("step ", len(h.trace)), h.rng.IntN(5) == 0
	}
	return a
}

func (h *history) updateOp(app *relation.App) op {
	app.Updated = h.clock.Now().Truncate(time.Second)
	app.Callback.Off = [][]relation.EventKind{nil, nil, {relation.EventBlockAdd}, {relation.EventBlockDelete}}[h.rng.IntN(4)]
	app.Callback.On = [][]relation.EventKind{nil, {relation.EventState}, {relation.EventState}}[h.rng.IntN(3)]
	if app.SDKAppID == appID {
		app.BlocklistLimit = historyLimit + h.rng.IntN(2)
	}
	app.Admins = []string{"administrator", h.user()}
	record := *app
	return op{fmt.Sprintf("update app %d %+v", app.SDKAppID, app.Callback), func(s *side) string {
		return sentinel(s.UpdateApp(s.ctx, record))
	}}
}

// recreateOp deletes an app and creates it anew as soon as it is gone.
func (h *history) recreateOp(app *relation.App) op {
	record := *app
	h.unsettle()
	h.left = slices.DeleteFunc(h.left, func(place int) bool { return h.sides[0].stream[place].SDKAppID == app.SDKAppID })
	for _, s := range h.sides {
		for i := range s.stream {
			if s.stream[i].SDKAppID == app.SDKAppID {
				s.stream[i].Owner += " of the deleted app" // numbers may start over
			}
		}
	}
	return op{fmt.Sprint("delete and create app ", app.SDKAppID), func(s *side) string {
		err := s.DeleteApp(s.ctx, record.SDKAppID)
		if err == nil {
			s.until("the id of the deleted app is free", func() bool {
				err = s.CreateApp(s.ctx, record)
				return !errors.Is(err, relation.ErrAppExists)
			})
		}
		return sentinel(err)
	}}
}
