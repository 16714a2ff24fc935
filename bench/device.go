package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kithchat/kith/api"
	"github.com/kithchat/kith/usersig"
)

// devices describes sessions to open: of the accounts First to First+Users-1, one on each of the first Each platforms.
type devices struct {
	Addr     string
	Path     string
	App      uint32
	Key      string // of the app
	First    int
	Users    int
	Each     int
	Parallel int  // sessions that are being opened at a time
	Compress bool // ask for compression
}

// opened tells how opening went.
type opened struct {
	Elapsed  time.Duration
	P50, P99 time.Duration // of one session: connection, upgrade, login
}

// platforms are those that the devices of one user are on.
var platforms = []string{api.PlatformWeb, api.PlatformAndroid, api.PlatformIOS, api.PlatformWindows, api.PlatformMac}

// sources is how many loopback addresses connections come from, so that ports do not run out.
const sources = 8

// localAddress is where connection i comes from.
func localAddress(i int) net.Addr {
	return &net.TCPAddr{IP: net.IPv4(127, 0, 0, byte(2+i%sources))}
}

// login returns the login frame of a device.
func (d *devices) login(user, device int) ([]byte, error) {
	sig, err := usersig.Sign(d.Key, usersig.Ticket{
		SDKAppID: d.App, Identifier: userID(user), Issued: time.Now().Unix(), Expire: 86400,
	})
	if err != nil {
		return nil, err
	}
	params, err := json.Marshal(api.LoginParams{
		SDKAppID: d.App, UserID: userID(user), UserSig: sig, Platform: platforms[device],
		DeviceID: fmt.Sprintf("bench-%d", device), SDKVersion: "bench",
	})
	return fmt.Appendf(nil, `{"jsonrpc":"2.0","id":1,"method":%q,"params":%s}`, api.MethodLogin, params), err
}

var resultBegins = []byte(`{"jsonrpc":"2.0","id":1,"result":`)

// openOne connects and logs in.
func (d *devices) openOne(i int, login []byte) (*socket, error) {
	s, err := dialSocket(d.Addr, d.Path, localAddress(i), d.Compress)
	if err != nil {
		return nil, err
	}
	answer, _, err := s.ask(login)
	if err == nil && !bytes.HasPrefix(answer, resultBegins) {
		err = fmt.Errorf("login was answered %.300q", answer)
	}
	if err != nil {
		return nil, errors.Join(err, s.conn.Close())
	}
	return s, nil
}

// open opens all sessions. Tickets are made before the clock runs.
func (d *devices) open() ([]*socket, opened, error) {
	n := d.Users * d.Each
	logins := make([][]byte, n)
	for i := range logins {
		var err error
		if logins[i], err = d.login(d.First+i/d.Each, i%d.Each); err != nil {
			return nil, opened{}, err
		}
	}
	sockets, took, errs := make([]*socket, n), make([]int64, n), make([]error, n)
	next := make(chan int, n)
	for i := range n {
		next <- i
	}
	close(next)
	start := time.Now()
	var group sync.WaitGroup
	for range min(d.Parallel, n) {
		group.Go(func() {
			for i := range next {
				began := time.Now()
				sockets[i], errs[i] = d.openOne(i, logins[i])
				took[i] = int64(time.Since(began))
			}
		})
	}
	group.Wait()
	o := opened{Elapsed: time.Since(start)}
	q := quantiles(took, 0.5, 0.99)
	o.P50, o.P99 = time.Duration(q[0]), time.Duration(q[1])
	return sockets, o, errors.Join(errs...)
}

// hold keeps sessions open, in place of those that were.
func (g *generator) hold(d devices) (any, error) {
	g.letGo()
	sockets, o, err := d.open()
	g.held = sockets
	return o, err
}

// letGo closes the sessions that are held.
func (g *generator) letGo() {
	for _, s := range g.held {
		if s != nil {
			s.close()
		}
	}
	g.held = nil
}

// fanOut is a job whose changes are followed by devices of the owners.
type fanOut struct {
	Job     job
	Devices devices
}

// fanned tells how long after calls the devices of their owners knew.
type fanned struct {
	Calls    int
	Each     []time.Duration // p50, p99: from call sent to each device
	Last     []time.Duration // to the last of the owner's devices
	Answered []time.Duration // to the call's own answer
}

// fan runs the job while devices follow, and waits until each of them has been told of each change of its owner.
func (g *generator) fan(f fanOut) (any, error) {
	sockets, _, err := f.Devices.open()
	followers := make([]*follower, 0, len(sockets))
	var reading sync.WaitGroup
	defer func() {
		for _, s := range sockets {
			if s != nil {
				s.close()
			}
		}
		reading.Wait()
	}()
	if err != nil {
		return nil, err
	}
	var told atomic.Int64
	for i, s := range sockets {
		w := &follower{owner: f.Devices.First + i/f.Devices.Each, socket: s, told: &told, at: map[int64]int64{}}
		followers = append(followers, w)
		reading.Go(w.follow)
	}
	f.Job.Record = true
	p, err := g.run(f.Job)
	if err != nil {
		return nil, err
	}
	limit := time.Now().Add(callTimeout)
	for told.Load() < int64(p.Calls*f.Devices.Each) {
		if time.Now().After(limit) {
			return nil, fmt.Errorf("%d calls were told %d times to %d devices each", p.Calls, told.Load(), f.Devices.Each)
		}
		time.Sleep(pollEvery)
	}
	return gatherFan(p, followers)
}

// gatherFan puts calls and notifications together.
func gatherFan(p phase, followers []*follower) (fanned, error) {
	var each, last, answered []int64
	of := map[int64][]*follower{}
	for _, w := range followers {
		of[int64(w.owner)] = append(of[int64(w.owner)], w)
	}
	for _, c := range p.Records {
		var slowest int64
		for _, w := range of[c.Key>>32] {
			at, ok := w.arrival(c.Key)
			if !ok {
				return fanned{}, fmt.Errorf("a device of %s was not told of a call", userID(w.owner))
			}
			each = append(each, at-c.Sent)
			slowest = max(slowest, at-c.Sent)
		}
		last = append(last, slowest)
		answered = append(answered, c.Answered-c.Sent)
	}
	return fanned{Calls: p.Calls, Each: p50p99(each), Last: p50p99(last), Answered: p50p99(answered)}, nil
}

func p50p99(times []int64) []time.Duration {
	q := quantiles(times, 0.5, 0.99)
	return []time.Duration{time.Duration(q[0]), time.Duration(q[1])}
}

// follower notes when one device is told of removals.
type follower struct {
	owner  int
	socket *socket
	told   *atomic.Int64

	mu sync.Mutex
	at map[int64]int64 // by pairKey
}

func (w *follower) arrival(key int64) (int64, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	at, ok := w.at[key]
	return at, ok
}

// follow reads until the connection is closed.
func (w *follower) follow() {
	removed := []byte(`"Removed":["user_`)
	for {
		frame, _, err := w.socket.receive()
		if err != nil {
			return
		}
		now := time.Now().UnixNano()
		_, rest, ok := bytes.Cut(frame, removed)
		if !ok || len(rest) < userDigits {
			continue
		}
		target, err := strconv.Atoi(string(rest[:userDigits]))
		if err != nil {
			continue
		}
		w.mu.Lock()
		w.at[pairKey(w.owner, target)] = now
		w.mu.Unlock()
		w.told.Add(1)
	}
}
