package proof

import (
	"strings"
	"testing"

	"github.com/kithchat/kith/api"
	"github.com/kithchat/kith/internal/hostile"
	"github.com/kithchat/kith/internal/operator"
	"github.com/kithchat/kith/internal/relation"
)

// TestCompare: what a verification must notice, it notices.
func TestCompare(t *testing.T) {
	account := hostile.Account{App: "1", Name: "owner0"}
	done := []Change{
		{api.CallbackBlackListAdd, []string{"a", "b"}},
		{api.CallbackBlackListAdd, []string{"c"}},
		{api.CallbackBlackListDelete, []string{"a"}},
		{api.CallbackBlackListAdd, []string{"a"}},
	}
	taken := func(places ...int) (events []hostile.Event) {
		for _, i := range places {
			events = append(events, hostile.Event{
				Account: account, ID: string(rune('1' + i)), Sequence: int64(i + 1), Command: done[i].Command, Targets: done[i].Targets,
			})
		}
		return events
	}
	known := func(places ...int) (events []operator.Event) {
		for _, i := range places {
			events = append(events, operator.Event{
				ID: string(rune('1' + i)), Seq: int64(i + 1), Command: relation.EventKind(done[i].Command), ToAccount: done[i].Targets,
				State: relation.StateDelivered,
			})
		}
		return events
	}
	parked := known(0, 1, 2, 3)
	parked[1].State = relation.StateDead
	other := taken(0, 1, 2, 3)
	other[0].Targets = []string{"a"}
	renumbered := taken(0, 1, 2, 3)
	renumbered[3].Sequence = 5
	extra := append(known(0, 1, 2, 3), operator.Event{ID: "9", Seq: 9, Command: relation.EventBlockAdd, ToAccount: []string{"z"}})
	stranger := append(taken(0, 1, 2, 3), hostile.Event{ID: "9"})
	wrong := known(0, 1, 2, 3)
	wrong[2].ToAccount = []string{"c"}
	for _, c := range []struct {
		name  string
		known []operator.Event
		taken []hostile.Event
		want  Findings
		ok    bool
	}{
		{"one was a dead letter and replayed", known(0, 1, 2, 3), taken(0, 2, 3, 1), Findings{}, true},
		{"all", known(0, 1, 2, 3), taken(0, 1, 2, 3), Findings{}, true},
		{"one is a dead letter", parked, taken(0, 2, 3), Findings{}, true},
		{"a dead letter was taken, late", parked, taken(0, 2, 1, 3), Findings{}, true},
		{"the last was never taken", known(0, 1, 2, 3), taken(0, 1, 2), Findings{Lost: 1}, false},
		{"the second was never taken", known(0, 1, 2, 3), taken(0, 2, 3), Findings{Lost: 1}, false},
		{"nothing was taken", known(0, 1, 2, 3), nil, Findings{Lost: 4}, false},
		{"the last has no event", known(0, 1, 2), taken(0, 1, 2), Findings{Lost: 1}, false},
		{"the second has no event", known(0, 2, 3), taken(0, 2, 3), Findings{Lost: 1}, false},
		{"an event is too many", extra, taken(0, 1, 2, 3), Findings{Invented: 1}, false},
		{"an event has other pairs", wrong, taken(0, 1, 2, 3), Findings{Invented: 1}, false},
		{"the receiver got another one", known(0, 1, 2, 3), stranger, Findings{Invented: 1}, false},
		{"the receiver got other pairs", known(0, 1, 2, 3), other, Findings{Invented: 1}, false},
		{"the receiver got another number", known(0, 1, 2, 3), renumbered, Findings{Invented: 1}, false},
		{"two are swapped", known(0, 1, 2, 3), taken(0, 2, 1, 3), Findings{OutOfOrder: 1}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			var f Findings
			f.compare(account, done, c.known, c.taken, map[string]bool{"2": strings.Contains(c.name, "replayed")})
			if f.Lost != c.want.Lost || f.Invented != c.want.Invented || f.OutOfOrder != c.want.OutOfOrder || (len(f.Problems) == 0) != c.ok {
				t.Errorf("found %+v, want %+v", f, c.want)
			}
		})
	}
}

// TestCheckRecord: what the server says of an event must make sense.
func TestCheckRecord(t *testing.T) {
	for _, c := range []struct {
		name  string
		event operator.Event
		parks bool
		ok    bool
	}{
		{"delivered", operator.Event{State: relation.StateDelivered, Attempts: 1}, false, true},
		{"delivered without an attempt", operator.Event{State: relation.StateDelivered}, false, false},
		{"delivered with a reason", operator.Event{State: relation.StateDelivered, Attempts: 1, Reason: "timeout"}, false, false},
		{"dead", operator.Event{State: relation.StateDead, Attempts: 2, Reason: "timeout"}, true, true},
		{"dead without a reason", operator.Event{State: relation.StateDead, Attempts: 2}, true, false},
		{"dead although it is to be retried", operator.Event{State: relation.StateDead, Attempts: 2, Reason: "timeout"}, false, false},
		{"still waiting", operator.Event{State: relation.StateWaiting}, true, false},
		{"still retrying", operator.Event{State: relation.StateRetrying, Attempts: 1, Reason: "timeout"}, true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			var f Findings
			if f.checkRecord(hostile.Account{}, c.event, c.parks); (len(f.Problems) == 0) != c.ok {
				t.Errorf("found %v", f.Problems)
			}
		})
	}
}
