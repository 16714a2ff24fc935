package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/kithchat/kith/api"
	"github.com/kithchat/kith/internal/gateway"
	"github.com/kithchat/kith/internal/relation"
)

const (
	chaosUsers   = 4
	chaosDevices = 3 // of each user
	chaosSteps   = 900
)

// seed returns KITH_TEST_SEED, or another seed each time.
func seed(t testing.TB) uint64 {
	t.Helper()
	s := rand.Uint64()
	if text := os.Getenv("KITH_TEST_SEED"); text != "" {
		var err error
		if s, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("KITH_TEST_SEED: %v", err)
		}
	}
	t.Logf("KITH_TEST_SEED=%d", s)
	return s
}

// Devices that follow their lists through a network that loses, delays and cuts whatever it can have, after every step, what
// the list was at that sequence, and in the end what it is.
func TestCopiesFollowThroughChaos(t *testing.T) {
	x := newChaos(t)
	ctx, stop := context.WithCancel(t.Context())
	var devices, steps sync.WaitGroup
	for _, d := range x.followers {
		devices.Go(func() { d.run(ctx) })
	}
	for user := range chaosUsers {
		random := rand.New(rand.NewPCG(x.seed, uint64(100+user)))
		steps.Go(func() { x.rest(random, chaosUser(user)) })
	}
	steps.Go(func() { x.lives(rand.New(rand.NewPCG(x.seed, 99))) })
	steps.Wait()
	x.proxy.calm.Store(true)
	x.proxy.cutAll()
	for _, d := range x.followers {
		x.awaitCopy(d)
	}
	stop()
	devices.Wait()
	total := sum(x.followers)
	t.Logf("%d connections were cut; %+v", x.proxy.cuts.Load(), total)
	if x.model.problem != "" {
		t.Error(x.model.problem)
	}
	if x.proxy.cuts.Load() < 100 || total.resumed < 20 || total.reloads < 10 || total.changes < 100 || total.mine < 50 {
		t.Error("too little happened for this test to say anything")
	}
}

// chaos is what the test is about.
type chaos struct {
	*fixture
	seed      uint64
	model     *model
	proxy     *proxy
	followers []*follower
	targets   []string
	mortal    []string
}

func chaosUser(i int) string { return fmt.Sprintf("user%d", i) }

func newChaos(t *testing.T) *chaos {
	x := &chaos{
		seed: seed(t), targets: []string{"t0", "t1", "t2", "t3", "t4", "t5", "t6", "t7"}, mortal: []string{"m0", "m1"},
	}
	x.fixture = newFixture(t, func(o *gateway.Options) { o.History, o.MaxQueue = 4000, 3000 })
	x.updateApp(func(app *relation.App) { app.DevicesPerPlatform = chaosDevices })
	x.model = newModel(x.fixture)
	tap := x.model.add
	x.tap.Store(&tap)
	x.imports(append(slices.Clone(x.targets), x.mortal...)...)
	for user := range chaosUsers {
		x.imports(chaosUser(user))
	}
	x.proxy = x.startProxy(x.seed)
	for i := range chaosUsers * chaosDevices {
		d := &follower{
			t: t, model: x.model, url: "ws://" + x.proxy.addr() + api.GatewayPath,
			user: chaosUser(i / chaosDevices), device: fmt.Sprintf("device%d", i),
			random: rand.New(rand.NewPCG(x.seed, uint64(i))), mortal: x.mortal, page: 1 + i%4, moved: make(chan struct{}),
		}
		if i%chaosDevices > 0 { // the others only follow
			d.targets = x.targets
		}
		x.followers = append(x.followers, d)
	}
	return x
}

// rest changes a user's list as an app backend does.
func (x *chaos) rest(random *rand.Rand, owner string) {
	app, _ := x.apps.App(testApp)
	all := append(slices.Clone(x.targets), x.mortal...)
	for range chaosSteps / chaosUsers {
		change := x.service.Block
		if random.IntN(2) == 0 {
			change = x.service.Unblock
		}
		_, err := change(x.t.Context(), relation.BlockCommand{
			App: app, Owner: owner, Targets: pick(random, all), Origin: relation.Origin{Platform: api.PlatformREST},
		})
		if err != nil && !errors.Is(err, relation.ErrNoAccount) {
			x.t.Error(err)
			return
		}
		<-time.After(time.Duration(random.Int64N(int64(20 * time.Millisecond)))) // the load of a real day, not of a loop
	}
}

// lives deletes accounts and imports them again: those on lists often, owners of lists now and then.
func (x *chaos) lives(random *rand.Rand) {
	for range 30 {
		who := x.mortal[random.IntN(len(x.mortal))]
		if random.IntN(5) == 0 {
			who = chaosUser(random.IntN(chaosUsers))
		}
		if _, err := x.service.Delete(x.t.Context(), relation.AccountSet{SDKAppID: testApp, UserIDs: []string{who}}); err != nil {
			x.t.Error(err)
		}
		<-time.After(time.Duration(random.Int64N(int64(40 * time.Millisecond))))
		x.imports(who)
		<-time.After(time.Duration(random.Int64N(int64(80 * time.Millisecond))))
	}
}

// awaitCopy waits until a device's copy is what the store has.
func (x *chaos) awaitCopy(d *follower) {
	x.t.Helper()
	late := time.After(patience)
	key := relation.AccountKey{SDKAppID: testApp, UserID: d.user}
	for {
		at, list, connected, moved := d.copied()
		head, err := x.service.Account(x.t.Context(), key)
		if err == nil && connected && at == (position{strconv.FormatInt(head.List, 36), head.Sequence}) &&
			slices.Equal(list, x.model.read(key)) {
			return
		}
		select {
		case <-moved:
		case <-time.After(20 * time.Millisecond): // a list that is not changed any more sends no signal
		case <-late:
			x.t.Fatalf("%s/%s stands at %v with %v (connected: %t), the list at %+v with %v (%v)",
				d.user, d.device, at, list, connected, head, x.model.read(key), err)
		}
	}
}
