package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/kithchat/kith/api"
	"github.com/kithchat/kith/internal/proof"
	"github.com/kithchat/kith/usersig"
)

// presenceUsers come and go, each with one device of every platform of presencePlatforms.
const presenceUsers = 6

var presencePlatforms = []string{api.PlatformWeb, api.PlatformIOS}

// TestKill9Presence kills a real server process while devices are online. The devices that come back in time are not told
// of, each of the others is told as disconnected once, in order with what else is told of its user.
func TestKill9Presence(t *testing.T) {
	t.Setenv("KITH_GATEWAY_GRACE", "10s") // time enough to come back, however slow this machine is
	t.Setenv("KITH_GATEWAY_SPREAD", "10ms")
	w := newPresenceWorld(t)
	mira, rob := crashOwner(0), crashOwner(1)
	for _, platform := range []string{api.PlatformWeb, api.PlatformIOS, api.PlatformMac} {
		w.online(mira, platform)
	}
	w.online(rob, api.PlatformWeb)
	w.await(mira, "Login Web", "Login iOS", "Login Mac")
	w.await(rob, "Login Web")

	w.server.kill(t)
	w.start()
	phone := w.online(mira, api.PlatformIOS)
	w.await(rob, "Login Web", "Disconnect Web")
	w.awaitAny(mira, []string{"Login Web", "Login iOS", "Login Mac"}, []string{"Disconnect Web", "Disconnect Mac"})
	if !phone.request(t.Context(), api.MethodLogout, "{}") {
		t.Fatal("no answer to the logout")
	}
	told := w.awaitAny(mira, nil, nil, "Logout iOS")
	if len(told) != 6 {
		t.Errorf("told of %s: %q", mira, told)
	}

	w.server.kill(t) // nobody is online
	w.start()
	w.online(rob, api.PlatformMac)
	w.await(rob, "Login Web", "Disconnect Web", "Login Mac")
	w.server.stop(t)
}

// TestKill9Logins kills the server again and again in a burst of logins and logouts. Afterwards who was told as online is
// online, and of each device a login and an end were told in turns.
func TestKill9Logins(t *testing.T) {
	t.Setenv("KITH_GATEWAY_GRACE", "50ms")
	t.Setenv("KITH_GATEWAY_SPREAD", "50ms")
	w := newPresenceWorld(t)
	random := rand.New(rand.NewPCG(3, 4))
	for round := range 15 {
		if round > 0 {
			w.start()
		}
		killed := w.server.killAfter(t, 100*time.Millisecond+time.Duration(random.Int64N(int64(300*time.Millisecond))))
		var users sync.WaitGroup
		for user := range presenceUsers {
			for i, platform := range presencePlatforms {
				r := rand.New(rand.NewPCG(uint64(round), uint64(10*user+i)))
				users.Go(func() { w.comeAndGo(r, crashOwner(user), platform, killed) })
			}
		}
		users.Wait()
		<-killed
	}
	w.start()
	want := make(map[string]bool)
	for user := range presenceUsers {
		if platform := presencePlatforms[user%2]; user > 0 {
			w.online(crashOwner(user), platform)
			want[crashOwner(user)+" "+platform] = true
		}
	}
	w.awaitOnline(want)
	w.server.stop(t)
}

// presenceWorld is an app backend that is told of logins, and a server that is killed and started.
type presenceWorld struct {
	t        *testing.T
	launch   launcher
	server   process
	receiver *presenceReceiver
}

func newPresenceWorld(t *testing.T) *presenceWorld {
	t.Helper()
	dir := t.TempDir()
	program, err := proof.Build(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	w := &presenceWorld{t: t, launch: launcher{program: program, data: filepath.Join(dir, "data")}, receiver: newPresenceReceiver(t)}
	w.start()
	caller := newCrashCaller(t, w.launch.data, w.receiver.url)
	caller.connect(w.server.Ready.HTTP)
	caller.importAccounts(t)
	shell{t, w.launch.data}.run("app", "callback", "set", fmt.Sprint(crashApp), "--enable", api.CallbackStateChange)
	return w
}

func (w *presenceWorld) start() {
	w.t.Helper()
	w.server = w.launch.start(w.t)
}

// online logs a device in and leaves it connected.
func (w *presenceWorld) online(user, platform string) *presenceDevice {
	w.t.Helper()
	d := w.login(w.t.Context(), user, platform)
	if d == nil {
		w.t.Fatalf("%s could not log in from %s", user, platform)
	}
	return d
}

// presenceDevice is a connected device.
type presenceDevice struct{ *websocket.Conn }

// login returns nil if the server is gone.
func (w *presenceWorld) login(ctx context.Context, user, platform string) *presenceDevice {
	url := "ws" + strings.TrimPrefix(w.server.Ready.HTTP, "http") + api.GatewayPath
	conn, response, err := websocket.Dial(ctx, url, nil)
	if err != nil {
		return nil
	}
	if response.Body != nil {
		_ = response.Body.Close()
	}
	w.t.Cleanup(func() { _ = conn.CloseNow() })
	sig, err := usersig.Sign(crashKey, usersig.Ticket{SDKAppID: crashApp, Identifier: user, Issued: time.Now().Unix(), Expire: 3600})
	if err != nil {
		w.t.Error(err)
		return nil
	}
	d := &presenceDevice{conn}
	if !d.request(ctx, api.MethodLogin, fmt.Sprintf(`{"SDKAppID":%d,"UserID":%q,"UserSig":%q,"Platform":%q,"DeviceID":%q}`,
		crashApp, user, sig, platform, "the "+platform)) {
		return nil
	}
	return d
}

// request makes a call and reports whether it was answered well.
func (d *presenceDevice) request(ctx context.Context, method, params string) bool {
	frame := fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":%q,"params":%s}`, method, params)
	if d.Write(ctx, websocket.MessageText, []byte(frame)) != nil {
		return false
	}
	_, text, err := d.Read(ctx)
	var answer api.GatewayFrame
	return err == nil && json.Unmarshal(text, &answer) == nil && answer.Error == nil && len(answer.ID) > 0
}

// comeAndGo logs a device in and out, or lets it vanish, until the server is killed.
func (w *presenceWorld) comeAndGo(random *rand.Rand, user, platform string, killed <-chan struct{}) {
	ctx, cancel := context.WithCancel(w.t.Context())
	defer cancel()
	go func() {
		select {
		case <-killed:
		case <-ctx.Done():
		}
		cancel()
	}()
	for ctx.Err() == nil {
		d := w.login(ctx, user, platform)
		if d == nil {
			return
		}
		if random.IntN(3) > 0 {
			d.request(ctx, api.MethodLogout, "{}")
		}
		_ = d.CloseNow()
	}
}

// await waits until this, in this order, is all that was told of a user.
func (w *presenceWorld) await(user string, want ...string) {
	w.t.Helper()
	w.until(fmt.Sprintf("%s: %q", user, want), func() bool { return slices.Equal(w.receiver.told[user], want) })
}

// awaitAny waits until what was told of a user begins with first, then has all of any, and ends with last; an empty part is
// not looked at.
func (w *presenceWorld) awaitAny(user string, first, any []string, last ...string) (told []string) {
	w.t.Helper()
	w.until(fmt.Sprintf("%s: %q, then %q, then %q", user, first, any, last), func() bool {
		told = slices.Clone(w.receiver.told[user])
		if len(told) < len(first)+len(any) || !slices.Equal(told[:len(first)], first) {
			return false
		}
		for _, line := range any {
			if !slices.Contains(told[len(first):], line) {
				return false
			}
		}
		return len(told) >= len(last) && slices.Equal(told[len(told)-len(last):], last)
	})
	return told
}

// awaitOnline waits until those who were told as online are these.
func (w *presenceWorld) awaitOnline(want map[string]bool) {
	w.t.Helper()
	w.until(fmt.Sprintf("online: %v", want), func() bool {
		if len(w.receiver.online) != len(want) {
			return false
		}
		for device := range want {
			if !w.receiver.online[device] {
				return false
			}
		}
		return true
	})
}

func (w *presenceWorld) until(what string, ok func() bool) {
	w.t.Helper()
	r := w.receiver
	deadline := time.After(crashSettle)
	for {
		r.mu.Lock()
		done, state := ok(), fmt.Sprintf("online %v, told %q", r.online, r.told)
		for _, problem := range r.problems {
			w.t.Error(problem)
		}
		r.problems = nil
		r.mu.Unlock()
		if done {
			return
		}
		select {
		case <-r.arrived:
		case <-deadline:
			w.t.Fatalf("not told within %s: %s\n%s", crashSettle, what, state)
		}
	}
}

// presenceReceiver is an app backend that keeps who is online.
type presenceReceiver struct {
	url     string
	arrived chan struct{}

	mu       sync.Mutex
	seen     map[string]bool     // ids
	told     map[string][]string // by user, as "Login Web"
	online   map[string]bool     // by user and platform
	problems []string
}

func newPresenceReceiver(t *testing.T) *presenceReceiver {
	t.Helper()
	r := &presenceReceiver{
		arrived: make(chan struct{}, 1), seen: map[string]bool{}, told: map[string][]string{}, online: map[string]bool{},
	}
	server := httptest.NewServer(http.HandlerFunc(r.serve))
	t.Cleanup(server.Close)
	r.url = server.URL
	return r
}

func (r *presenceReceiver) serve(w http.ResponseWriter, req *http.Request) {
	text, err := io.ReadAll(req.Body)
	var body api.StateCallback
	if err != nil || json.Unmarshal(text, &body) != nil || body.CallbackCommand != api.CallbackStateChange {
		w.WriteHeader(http.StatusBadRequest) // half a request of a killed server
		return
	}
	r.add(req.Header.Get(api.HeaderWebhookID), req.URL.Query().Get("OptPlatform"), body.Info)
	select {
	case r.arrived <- struct{}{}:
	default:
	}
	_, _ = io.WriteString(w, `{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":""}`)
}

// add takes an event, once: it may come again after a kill.
func (r *presenceReceiver) add(id, platform string, info api.StateInfo) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.seen[id] {
		return
	}
	r.seen[id] = true
	r.told[info.ToAccount] = append(r.told[info.ToAccount], info.Action+" "+platform)
	device := info.ToAccount + " " + platform
	if login := info.Action == api.StateLogin; login == r.online[device] {
		r.problems = append(r.problems, fmt.Sprintf("%s was told twice of %s: %q", info.Action, device, r.told[info.ToAccount]))
	}
	if info.Action == api.StateLogin {
		r.online[device] = true
	} else {
		delete(r.online, device)
	}
}
