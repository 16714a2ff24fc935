package proof

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/kithchat/kith/api"
)

// targets is how many accounts an owner blocks and unblocks.
const targets = 10

// Change is one call that changes an owner's list.
type Change struct {
	Command string // of the callback
	Targets []string
}

// Owner makes changes to its list, one after another, and knows what the list must therefore hold. It is used by one
// goroutine at a time.
type Owner struct {
	Name     string
	App      *App
	Done     []Change // acknowledged, in order
	Problems []string

	random  *rand.Rand
	listed  map[string]bool
	pending *Change // sent, and cut off before an answer came
}

// NewOwner returns an owner with an empty list. The seed says what it will do.
func NewOwner(app *App, name string, seed uint64) *Owner {
	return &Owner{Name: name, App: app, random: rand.New(rand.NewPCG(seed, 7)), listed: map[string]bool{}}
}

// OwnerName names an account that blocks.
func OwnerName(i int) string { return fmt.Sprintf("owner%d", i) }

// TargetName names an account that owners block.
func TargetName(i int) string { return fmt.Sprintf("target%d", i) }

// next makes up a change that is possible now: one to three targets that are all on the list, or all not.
func (o *Owner) next() Change {
	first := TargetName(o.random.IntN(targets))
	c := Change{Command: api.CallbackBlackListAdd, Targets: []string{first}}
	if o.listed[first] {
		c.Command = api.CallbackBlackListDelete
	}
	for _, i := range o.random.Perm(targets)[:o.random.IntN(3)] {
		if target := TargetName(i); target != first && o.listed[target] == o.listed[first] {
			c.Targets = append(c.Targets, target)
		}
	}
	return c
}

// Step makes the next call, or again the one that was cut off, and reports whether it was answered.
func (o *Owner) Step(ctx context.Context) bool {
	retried := o.pending != nil
	if !retried {
		next := o.next()
		o.pending = &next
	}
	codes, err := o.App.Change(ctx, o.Name, *o.pending)
	if err != nil {
		return false
	}
	for _, code := range codes {
		// A call that was cut off may have been carried out, but then as a whole.
		if code != codes[0] || code != api.OK && !(retried && code == api.CodeParameter) {
			o.Problems = append(o.Problems, fmt.Sprintf(
				"%s %+v (retried: %t) was answered %v: an acknowledged change is lost, or half of one is there",
				o.Name, *o.pending, retried, codes))
			return false
		}
	}
	for _, target := range o.pending.Targets {
		o.listed[target] = o.pending.Command == api.CallbackBlackListAdd
	}
	o.Done = append(o.Done, *o.pending)
	o.pending = nil
	return true
}

// Settle makes the outcome of a call known that was cut off. It is repeated until it is answered, or until ctx ends.
func (o *Owner) Settle(ctx context.Context) {
	for o.pending != nil && len(o.Problems) == 0 && !o.Step(ctx) {
		if pause(ctx, loadRetry) != nil {
			o.Problems = append(o.Problems, o.Name+": the call that was cut off could not be repeated")
		}
	}
}

// CheckList compares the list with what the calls made of it.
func (o *Owner) CheckList(ctx context.Context) error {
	got, err := o.App.list(ctx, o.Name)
	if err != nil {
		return err
	}
	var want []string
	for target, listed := range o.listed {
		if listed {
			want = append(want, target)
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		return fmt.Errorf("the list of %s of app %d holds %v, want %v", o.Name, o.App.ID, got, want)
	}
	return nil
}
