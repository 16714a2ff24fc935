package storetest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/kithchat/kith/internal/relation"
)

func linearTests() []test {
	return []test{{name: "calls are linearizable", run: linearizable}}
}

// Three accounts call each other's names; a list of one of them holds at most linearLimit of the targets.
const (
	linearRounds  = 5
	linearCallers = 8
	linearCalls   = 25 // of each caller in a round
	linearLimit   = 3
	linearOwners  = "abc"
	linearTargets = "abcde"
)

// linearInput is a call. Targets holds one UserID in each byte.
type linearInput struct {
	verb, owner, targets string
}

// linearState is what the model knows: the list of each owner in order of insertion, and its sequence.
type linearState [len(linearOwners)]linearList

type linearList struct {
	targets  string
	sequence int64
}

// linearModel is the rule for one call at a time. An output is what linearCall made of the answer.
var linearModel = porcupine.Model{
	Init: func() any { return linearState{} },
	Step: func(state, input, output any) (bool, any) {
		s := state.(linearState)
		want := s.step(input.(linearInput))
		return want == output.(string), s
	},
	DescribeOperation: func(input, output any) string { return fmt.Sprintf("%+v -> %v", input, output) },
}

// step carries out a call and returns its output.
func (s *linearState) step(in linearInput) string {
	list := &s[strings.Index(linearOwners, in.owner)]
	switch in.verb {
	case "page":
		return fmt.Sprint(list.targets, " ", list.sequence)
	case "check":
		var out []relation.BlockState
		for i := range len(in.targets) {
			target := in.targets[i : i+1]
			other := strings.Index(linearOwners, target)
			out = append(out, relation.BlockState{
				Exists: true, Blocked: strings.Contains(list.targets, target),
				BlockedBy: other >= 0 && strings.Contains(s[other].targets, in.owner),
			})
		}
		return fmt.Sprint(out)
	}
	var out []relation.Outcome
	before := list.targets
	for i := range len(in.targets) {
		out = append(out, list.change(in, in.targets[i:i+1]))
	}
	if list.targets != before {
		list.sequence++
	}
	return fmt.Sprint(out)
}

func (l *linearList) change(in linearInput, target string) relation.Outcome {
	listed := strings.Contains(l.targets, target)
	switch {
	case in.verb == "unblock" && !listed:
		return relation.NotListed
	case in.verb == "unblock":
		l.targets = strings.ReplaceAll(l.targets, target, "")
	case target == in.owner:
		return relation.Self
	case listed:
		return relation.AlreadyListed
	case len(l.targets) >= linearLimit:
		return relation.ListFull
	default:
		l.targets += target
	}
	return relation.Done
}

func linearizable(x *fixture) {
	limited := *x.app
	limited.BlocklistLimit = linearLimit
	for round := range linearRounds {
		// Every round has an app of its own, so that it starts with empty lists.
		app := limited
		app.SDKAppID = uint32(round + 1)
		x.ok("create app", x.CreateApp(x.ctx, app))
		x.app = &app
		x.importAll(strings.Split(linearTargets, "")...)
		x.Logf("round %d: seed %d", round, round)
		history := linearHistory(x, uint64(round))
		result, info := porcupine.CheckOperationsVerbose(linearModel, history, time.Minute)
		if result != porcupine.Ok {
			reportLinear(x, result, info, history)
		}
		linearEvents(x)
	}
}

// linearHistory has callers make random calls at the same time.
func linearHistory(x *fixture, seed uint64) []porcupine.Operation {
	var (
		mu      sync.Mutex
		history []porcupine.Operation
		start   = time.Now()
	)
	together(x, linearCallers, func(ctx context.Context, i int) error {
		rng := rand.New(rand.NewPCG(seed, uint64(i)))
		for range linearCalls {
			in := linearInput{
				verb:    []string{"block", "block", "unblock", "unblock", "check", "page"}[rng.IntN(6)],
				owner:   linearOwners[rng.IntN(2):][:1], // mostly the same two
				targets: randomTargets(rng),
			}
			if rng.IntN(8) == 0 {
				in.owner = linearOwners[2:]
			}
			called := time.Since(start)
			out, err := linearCall(ctx, x, in)
			if err != nil {
				return err
			}
			mu.Lock()
			history = append(history, porcupine.Operation{
				ClientId: i, Input: in, Call: int64(called), Output: out, Return: int64(time.Since(start)),
			})
			mu.Unlock()
		}
		return nil
	})
	return history
}

func randomTargets(rng *rand.Rand) string {
	var b strings.Builder
	for _, i := range rng.Perm(len(linearTargets))[:1+rng.IntN(3)] {
		b.WriteByte(linearTargets[i])
	}
	return b.String()
}

func linearCall(ctx context.Context, x *fixture, in linearInput) (string, error) {
	targets := strings.Split(in.targets, "")
	cmd := x.command(in.owner, targets)
	switch in.verb {
	case "block":
		out, err := x.svc.Block(ctx, cmd)
		return fmt.Sprint(out), err
	case "unblock":
		out, err := x.svc.Unblock(ctx, cmd)
		return fmt.Sprint(out), err
	case "check":
		out, err := x.svc.CheckBlocks(ctx, relation.BlockCheckQuery{
			SDKAppID: x.app.SDKAppID, Owner: in.owner, Targets: targets, Both: true,
		})
		return fmt.Sprint(out), err
	case "page":
		page, err := x.svc.Blocklist(ctx, relation.BlockQuery{SDKAppID: x.app.SDKAppID, Owner: in.owner, Limit: 10})
		var list strings.Builder
		for _, e := range page.Entries {
			list.WriteString(e.UserID)
		}
		return fmt.Sprint(list.String(), " ", page.Sequence), err
	}
	return "", errors.New("unknown verb " + in.verb)
}

func reportLinear(x *fixture, result porcupine.CheckResult, info porcupine.LinearizationInfo, history []porcupine.Operation) {
	x.Helper()
	for _, op := range history {
		x.Logf("caller %d, %8d to %8d ns: %+v -> %v", op.ClientId, op.Call, op.Return, op.Input, op.Output)
	}
	longest := 0
	for _, partial := range info.PartialLinearizations()[0] {
		longest = max(longest, len(partial))
	}
	x.Fatalf("not linearizable (%s): at most %d of %d calls can be put in order", result, longest, len(history))
}

// linearEvents fails the test unless the events of each owner tell how its list came about.
func linearEvents(x *fixture) {
	x.Helper()
	for _, owner := range strings.Split(linearOwners, "") {
		var list linearList
		for _, e := range x.queue(owner) {
			verb := "block"
			if e.Kind == relation.EventBlockDelete {
				verb = "unblock"
			}
			for _, target := range e.Targets {
				equal(x, "outcome of a pair in an event", list.change(linearInput{verb: verb, owner: owner}, target), relation.Done)
			}
			list.sequence++
		}
		equal(x, "list of "+owner, strings.Join(x.list(owner), ""), list.targets)
		equal(x, "sequence of "+owner, x.page(owner, 0, 1).Sequence, list.sequence)
	}
}
