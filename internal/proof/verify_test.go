package proof

import (
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
	events := func(places ...int) (taken []hostile.Event) {
		for _, i := range places {
			taken = append(taken, hostile.Event{Account: account, ID: string(rune('1' + i)), Command: done[i].Command, Targets: done[i].Targets})
		}
		return taken
	}
	letter := operator.Event{ID: "2", FromAccount: "owner0", Command: relation.EventBlockAdd, ToAccount: []string{"c"}}
	changed := events(0, 1, 2, 3)
	changed[0].Targets = []string{"a"}
	extra := append(events(0, 1, 2, 3), hostile.Event{ID: "9", Command: api.CallbackBlackListAdd, Targets: []string{"z"}})
	for _, c := range []struct {
		name  string
		taken []hostile.Event
		dead  []operator.Event
		want  Findings
		ok    bool
	}{
		{"all", events(0, 1, 2, 3), nil, Findings{}, true},
		{"one is a dead letter", events(0, 2, 3), []operator.Event{letter}, Findings{}, true},
		{"a dead letter was taken, late", events(0, 2, 1, 3), []operator.Event{letter}, Findings{}, true},
		{"the last is lost", events(0, 1, 2), nil, Findings{Lost: 1}, false},
		{"the second is lost", events(0, 2, 3), nil, Findings{Lost: 1}, false},
		{"all are lost", nil, nil, Findings{Lost: 4}, false},
		{"one is too many", extra, nil, Findings{Invented: 1}, false},
		{"a pair is missing", changed, nil, Findings{Invented: 1}, false},
		{"two are swapped", events(0, 2, 1, 3), nil, Findings{OutOfOrder: 1}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			var f Findings
			f.compare(account, done, c.taken, c.dead)
			if f.Lost != c.want.Lost || f.Invented != c.want.Invented || f.OutOfOrder != c.want.OutOfOrder || (len(f.Problems) == 0) != c.ok {
				t.Errorf("found %+v, want %+v", f, c.want)
			}
		})
	}
}
