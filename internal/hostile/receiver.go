package hostile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

// maxBody is the longest request that is read, in bytes. A callback has at most 1000 pairs.
const maxBody = 1 << 20

// Options says what a Receiver is like.
type Options struct {
	// Address to listen on; empty: that of FreeAddress. It stays the same across refusals.
	Address string
	TLS     bool
	Seed    uint64 // of the draws
	// Patience is how long the sender waits for an answer; 0: two seconds. Late answers are a little later than that.
	Patience time.Duration
	Journal  *Journal // nil: a new one in memory
}

// Receiver is the server. It begins in mode Good.
type Receiver struct {
	o       Options
	address string
	certs   *certificates // nil: plain HTTP
	trap    *trap
	server  *http.Server
	served  *handover // connections for the server

	mu       sync.Mutex
	random   *rand.Rand
	modes    []Mode
	bag      []Mode          // what is left of modes in this round of draws
	window   context.Context // of the modes in use
	end      context.CancelFunc
	listener net.Listener // nil while it refuses
	conns    map[net.Conn]bool
	counts   map[Mode]int
	wrong    map[net.Conn]Mode // served on a certificate that must not be trusted
	work     sync.WaitGroup    // accept loops and connections that are not served
}

// Start starts a receiver.
func Start(o Options) (*Receiver, error) {
	if o.Journal == nil {
		o.Journal = NewJournal(nil)
	}
	if o.Patience <= 0 {
		o.Patience = 2 * time.Second
	}
	r := &Receiver{
		o: o, random: rand.New(rand.NewPCG(o.Seed, 1)), modes: []Mode{Good},
		conns: map[net.Conn]bool{}, counts: map[Mode]int{}, wrong: map[net.Conn]Mode{},
	}
	r.window, r.end = context.WithCancel(context.Background())
	var err error
	if r.o.Address == "" {
		if r.o.Address, err = FreeAddress(); err != nil {
			return nil, err
		}
	}
	if o.TLS {
		if r.certs, err = newCertificates(); err != nil {
			return nil, fmt.Errorf("make the certificates of the receiver: %w", err)
		}
	}
	if r.trap, err = newTrap(o.Journal); err != nil {
		return nil, err
	}
	if r.listener, err = net.Listen("tcp", r.o.Address); err != nil {
		return nil, errors.Join(fmt.Errorf("the receiver cannot listen: %w", err), r.trap.close())
	}
	r.address = r.listener.Addr().String()
	r.served = newHandover(r.listener.Addr())
	r.server = &http.Server{
		Handler: r, ErrorLog: log.New(io.Discard, "", 0), // handshakes and answers that fail are the point
		ReadHeaderTimeout: time.Minute, MaxHeaderBytes: 64 << 10, ConnContext: withConn,
	}
	r.work.Go(func() { _ = r.server.Serve(r.served) })
	listener, window := r.listener, r.window
	r.work.Go(func() { r.accept(listener, window) })
	return r, nil
}

// FreeAddress finds a port on loopback below those that the system hands out, to outgoing connections and to listeners that
// ask for any port, so that none of them takes it while nobody listens there.
func FreeAddress() (string, error) {
	for range 100 {
		address := fmt.Sprintf("127.0.0.1:%d", 20000+rand.IntN(12000))
		if l, err := net.Listen("tcp", address); err == nil {
			return address, l.Close()
		}
	}
	return "", errors.New("no free port between 20000 and 32000")
}

// Address returns host and port.
func (r *Receiver) Address() string { return r.address }

// URL returns where events go. Behind a proxy the address is another.
func (r *Receiver) URL() string { return r.URLAt(r.address) }

// URLAt returns where events go when the receiver is reached at another address.
func (r *Receiver) URLAt(address string) string {
	if r.certs != nil {
		return "https://" + address + "/callback"
	}
	return "http://" + address + "/callback"
}

// CA returns the certificate in PEM that verifies the receiver's right one; nil for plain HTTP.
func (r *Receiver) CA() []byte {
	if r.certs == nil {
		return nil
	}
	return r.certs.ca
}

// Journal returns what the receiver notes.
func (r *Receiver) Journal() *Journal { return r.o.Journal }

// Count returns how often a mode was drawn.
func (r *Receiver) Count(m Mode) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.counts[m]
}

// Use changes the modes: connections are closed, and each connection and request from now on draws one of these, all
// equally likely. A mode that is named twice is twice as likely. Refuse and HangBacklog exclude all others.
func (r *Receiver) Use(modes ...Mode) error {
	if len(modes) == 0 {
		return errors.New("the receiver needs at least one mode")
	}
	for _, m := range modes {
		b, ok := behaviours[m]
		if !ok || b.phase == inHandshake && r.certs == nil || b.phase == inListener && len(modes) > 1 {
			return fmt.Errorf("the receiver cannot be used with %q among %d modes", m, len(modes))
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.end()
	r.window, r.end = context.WithCancel(context.Background())
	r.modes, r.bag = slices.Clone(modes), nil
	for conn := range r.conns {
		_ = conn.Close()
	}
	if behaviours[modes[0]].phase == inListener {
		r.counts[modes[0]]++
	}
	return r.listen(modes[0] != Refuse)
}

// listen opens or closes the port. An accept loop that waits for the end of its window has to be replaced too.
func (r *Receiver) listen(open bool) error {
	if r.listener != nil {
		_ = r.listener.Close()
		r.listener = nil
	}
	if !open {
		return nil
	}
	var err error
	// Somebody who looks for a free port may hold this one for a moment.
	for range 50 {
		if r.listener, err = net.Listen("tcp", r.address); err == nil {
			listener, window := r.listener, r.window
			r.work.Go(func() { r.accept(listener, window) })
			return nil
		}
		time.Sleep(20 * time.Millisecond)
	}
	r.listener = nil
	return fmt.Errorf("the receiver cannot listen again: %w", err)
}

// ServeHTTP implements http.Handler: one exchange.
func (r *Receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	window, wrong := r.window, r.wrong[connOf(req)]
	r.mu.Unlock()
	if req.URL.Path == followedPath {
		r.o.Journal.complain("a redirect was followed", "")
		w.WriteHeader(http.StatusNotFound)
		return
	}
	if wrong != "" {
		r.o.Journal.complain("an event was sent to an endpoint that "+string(wrong), "")
	}
	mode, ok := r.drawRequest()
	if !ok {
		mode = CloseRequest // all modes concern connections, and this one was made before
	}
	b := behaviours[mode]
	x := &exchange{w: w, r: req, window: window, patience: r.o.Patience, trap: r.trap.url}
	defer func() {
		if x.conn != nil {
			_ = x.conn.Close()
		}
	}()
	if b.phase == inRequest {
		b.serve(x)
		return
	}
	body, err := io.ReadAll(io.LimitReader(req.Body, maxBody))
	if err != nil {
		return // the sender was cut off
	}
	e, err := readEvent(req, body)
	if err != nil {
		r.o.Journal.complain("what came is no event: "+err.Error(), "")
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	v := r.o.Journal.arrive(e)
	if b.takes {
		v.take()
	}
	b.serve(x)
	// Of a connection that was taken from the server nobody knows when the sender has gone.
	v.end(x.broken || x.conn != nil || window.Err() != nil || req.Context().Err() != nil)
}

// Close ends the receiver.
func (r *Receiver) Close() error {
	r.mu.Lock()
	r.end()
	_ = r.listen(false)
	for conn := range r.conns {
		_ = conn.Close()
	}
	r.mu.Unlock()
	err := r.server.Close()
	r.work.Wait()
	return errors.Join(err, r.trap.close())
}
