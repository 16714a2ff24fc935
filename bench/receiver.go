package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
)

// arrival is one callback that came. Times are Unix nanoseconds.
type arrival struct {
	Key  int64 // of its owner and first target
	At   int64
	Made int64 // time of the event's id, 0 when that is not a UUID of version 7
	id   uuid.UUID
}

// tally sums up what came since the last reset.
type tally struct {
	Count  int
	Unique int // by id
	First  int64
	Last   int64
	Soon   int // of them in the first second
}

// serveReceiver is the role of the app backend: it answers every callback with the documented triple and notes when it
// came. It reads HTTP by hand, see message.
func serveReceiver(in io.Reader, out io.Writer) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	r := &receiver{address: listener.Addr().String(), conns: map[*inbox]net.Conn{}}
	r.serve(listener)
	return serveCommands(in, out, r.address, map[string]action{
		"reset":   takes(r.reset),
		"count":   takes(r.count),
		"tally":   takes(r.tally),
		"collect": takes(r.collect),
		"down":    takes(r.down),
		"up":      takes(r.up),
		"delay":   takes(r.hold),
	})
}

// none is the argument of a command that needs none.
type none struct{}

type receiver struct {
	address string
	delay   atomic.Int64 // nanoseconds before each answer

	mu       sync.Mutex
	listener net.Listener
	conns    map[*inbox]net.Conn // ended ones too, for what came over them
}

// inbox holds what came over one connection.
type inbox struct {
	mu       sync.Mutex
	arrivals []arrival
}

func (r *receiver) serve(l net.Listener) {
	r.listener = l
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return // closed by down
			}
			box := &inbox{}
			r.mu.Lock()
			r.conns[box] = conn
			r.mu.Unlock()
			go r.receive(conn, box)
		}
	}()
}

// noPairs is what a test of the endpoint tells.
var noPairs = []byte(`"PairList":[]`)

// triple is the documented answer.
var triple = func() []byte {
	const body = `{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":""}`
	return fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
}()

func (r *receiver) receive(conn net.Conn, box *inbox) {
	defer conn.Close()
	reader := bufio.NewReaderSize(conn, wireBuffer)
	var m message
	for m.read(reader) == nil {
		at := time.Now().UnixNano()
		if d := time.Duration(r.delay.Load()); d > 0 {
			time.Sleep(d)
		}
		if bytes.Contains(m.body, noPairs) { // a test
			if _, err := conn.Write(triple); err != nil {
				return
			}
			continue
		}
		a, err := arrivalOf(&m, at)
		if err != nil {
			_, _ = fmt.Fprintf(conn, "HTTP/1.1 400 Bad Request\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", len(err.Error()), err)
			return
		}
		box.mu.Lock()
		box.arrivals = append(box.arrivals, a)
		box.mu.Unlock()
		if _, err := conn.Write(triple); err != nil || m.close {
			return
		}
	}
}

// arrivalOf reads the parts of a callback that count here.
func arrivalOf(m *message, at int64) (arrival, error) {
	a := arrival{At: at}
	owner, err := accountAfter(m.body, `"From_Account":"user_`)
	if err != nil {
		return a, err
	}
	target, err := accountAfter(m.body, `"To_Account":"user_`)
	if err != nil {
		return a, err
	}
	a.Key = pairKey(owner, target)
	if len(m.webhookID) > 0 {
		if a.id, err = uuid.ParseBytes(m.webhookID); err != nil {
			return a, err
		}
		a.Made = madeAt(a.id)
	}
	return a, nil
}

func accountAfter(body []byte, name string) (int, error) {
	i := bytes.Index(body, []byte(name))
	if i < 0 || len(body) < i+len(name)+userDigits {
		return 0, fmt.Errorf("the callback has no %s", name)
	}
	return strconv.Atoi(string(body[i+len(name):][:userDigits]))
}

// madeAt returns the time in a UUID of version 7: 48 bits of milliseconds and, as Kith's library makes them, 12 bits of the
// rest in steps of 256 ns.
func madeAt(id uuid.UUID) int64 {
	if id.Version() != 7 {
		return 0
	}
	var milli int64
	for _, b := range id[:6] {
		milli = milli<<8 | int64(b)
	}
	steps := int64(id[6]&0x0f)<<8 | int64(id[7])
	return milli*int64(time.Millisecond) + steps<<8
}

func (r *receiver) boxes(do func(*inbox)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for box := range r.conns {
		box.mu.Lock()
		do(box)
		box.mu.Unlock()
	}
}

func (r *receiver) reset(none) (any, error) {
	r.boxes(func(b *inbox) { b.arrivals = nil })
	return nil, nil
}

func (r *receiver) count(none) (any, error) {
	n := 0
	r.boxes(func(b *inbox) { n += len(b.arrivals) })
	return n, nil
}

func (r *receiver) all() []arrival {
	var all []arrival
	r.boxes(func(b *inbox) { all = append(all, b.arrivals...) })
	return all
}

func (r *receiver) tally(none) (any, error) {
	all := r.all()
	t := tally{Count: len(all)}
	if len(all) == 0 {
		return t, nil
	}
	first := slices.MinFunc(all, func(a, b arrival) int { return int(a.At - b.At) })
	last := slices.MaxFunc(all, func(a, b arrival) int { return int(a.At - b.At) })
	t.First, t.Last = first.At, last.At
	for _, a := range all {
		if a.At < t.First+int64(time.Second) {
			t.Soon++
		}
	}
	slices.SortFunc(all, func(a, b arrival) int { return bytes.Compare(a.id[:], b.id[:]) })
	t.Unique = len(slices.CompactFunc(all, func(a, b arrival) bool { return a.id == b.id }))
	return t, nil
}

func (r *receiver) collect(none) (any, error) { return r.all(), nil }

// hold makes each answer take so long.
func (r *receiver) hold(d time.Duration) (any, error) {
	r.delay.Store(int64(d))
	return nil, nil
}

// down makes the app backend go away: nothing listens, and open connections end.
func (r *receiver) down(none) (any, error) {
	err := r.listener.Close()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, conn := range r.conns {
		_ = conn.Close() // its reader notices
	}
	return nil, err
}

// up brings it back on the same address.
func (r *receiver) up(none) (any, error) {
	l, err := net.Listen("tcp", r.address)
	if err != nil {
		return nil, err
	}
	r.serve(l)
	return nil, nil
}
