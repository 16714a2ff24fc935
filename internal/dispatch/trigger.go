package dispatch

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/kithchat/kith/internal/relation"
)

// Accounts of a trigger that names none.
const (
	triggerFrom = "kith-test-from"
	triggerTo   = "kith-test-to"
)

// Trigger sends a callback with the documented shape and the header kith-test: 1 to the app's endpoint, or to who listens,
// over a connection of its own, and reports what happened as TestCallback does. It is no event: nothing is stored, and it is
// not sent again.
func (d *Dispatcher) Trigger(ctx context.Context, app *relation.App, t relation.Trigger) (TestReport, error) {
	if !slices.Contains(relation.EventKinds(), t.Kind) {
		return TestReport{}, fmt.Errorf("there is no callback command %q: use one of %v", t.Kind, relation.EventKinds())
	}
	told := relation.NewEvent{Kind: t.Kind}
	switch {
	case t.Kind != relation.EventState:
		told.Targets = t.Targets
		if len(told.Targets) == 0 {
			told.Targets = []string{triggerTo}
		}
	case len(t.Targets) > 0:
		return TestReport{}, fmt.Errorf("%s tells of one account and has no To_Account besides: leave them out", t.Kind)
	default:
		told.State = &relation.StateChange{Action: relation.ActionLogin, Reason: relation.ReasonRegister}
	}
	return d.try(ctx, app, told, cmp.Or(t.Owner, triggerFrom))
}
