package client

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/kithchat/kith/usersig"
)

// lines are the connections of a device, to be cut at any moment.
type lines struct {
	mu   sync.Mutex
	open []net.Conn
}

func (l *lines) dial(ctx context.Context, network, address string) (net.Conn, error) {
	c, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open = append(l.open, c)
	return c, nil
}

func (l *lines) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.open {
		_ = c.Close()
	}
	l.open = nil
}

// mirror is what a reader of updates makes of them.
type mirror struct {
	t        *testing.T
	sequence int64
	ids      []string
}

// take applies an update and fails if it is not the next one.
func (m *mirror) take(u Update) {
	switch u := u.(type) {
	case Synced:
		m.sequence, m.ids = u.Blocklist.Sequence, nil
		for _, e := range u.Blocklist.Entries {
			m.ids = append(m.ids, e.UserID)
		}
	case Changed:
		if u.Sequence != m.sequence+1 {
			m.t.Errorf("change %d follows %d", u.Sequence, m.sequence)
		}
		m.sequence = u.Sequence
		for _, id := range u.Removed {
			i := slices.Index(m.ids, id)
			if i < 0 {
				m.t.Errorf("change %d removes %s, which is not there", u.Sequence, id)
				continue
			}
			m.ids = slices.Delete(m.ids, i, i+1)
		}
		for _, e := range u.Added {
			if slices.Contains(m.ids, e.UserID) {
				m.t.Errorf("change %d adds %s again", u.Sequence, e.UserID)
			}
			m.ids = append(m.ids, e.UserID)
		}
	}
}

// A device on a bad line, with a whole server behind it, while the backend and the device itself change the list: no change is
// lost, none comes twice, every call gets its answer, and in the end the copy is the server's list.
func TestNothingIsLostOnABadLine(t *testing.T) {
	const people, cuts, changes = 30, 8, 150
	url := realServer(t)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	line, transport := &lines{}, &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	rest, err := NewREST(RESTOptions{URL: url, SDKAppID: testApp, Key: realKey, HTTPClient: &http.Client{Transport: transport}})
	if err != nil {
		t.Fatal(err)
	}
	names := []Profile{{UserID: "mira"}}
	for i := range people {
		names = append(names, Profile{UserID: fmt.Sprint("p", i)})
	}
	if _, err := rest.ImportAccounts(ctx, names); err != nil {
		t.Fatal(err)
	}
	s, err := Dial(ctx, Options{
		URL: url, SDKAppID: testApp, UserID: "mira", DeviceID: "phone",
		HTTPClient: &http.Client{Transport: &http.Transport{DialContext: line.dial}},
		UserSig: func(context.Context) (string, error) {
			return usersig.Sign(realKey, usersig.Ticket{SDKAppID: testApp, Identifier: "mira", Issued: time.Now().Unix(), Expire: 3600})
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()

	var work sync.WaitGroup
	work.Go(func() { // the backend
		for range changes {
			id := fmt.Sprint("p", rand.N(people/2))
			change := rest.Block
			if rand.N(2) == 0 {
				change = rest.Unblock
			}
			if _, err := change(ctx, "mira", id); err != nil {
				t.Errorf("backend: %v", err)
			}
		}
	})
	work.Go(func() { // the device, about others, so that it can say what its calls must have done
		for i := range people { // the server takes 20 calls a second
			id := fmt.Sprint("p", people/2+i%(people/2))
			for _, change := range []func(context.Context, ...string) ([]ItemResult, error){s.Block, s.Unblock} {
				if items, err := change(ctx, id); err != nil || !items[0].OK() {
					t.Errorf("device: %+v, %v", items, err)
				}
			}
		}
	})
	stop, m := make(chan struct{}), &mirror{t: t}
	var reader, cutter sync.WaitGroup
	cutter.Go(func() {
		for range cuts {
			select {
			case <-stop:
				return
			case <-time.After(rand.N(200 * time.Millisecond)):
				line.cut()
			}
		}
	})
	reading, done := context.WithCancel(ctx)
	reader.Go(func() {
		for u := range s.Updates(reading) {
			m.take(u)
		}
	})
	work.Wait()
	close(stop)
	cutter.Wait()
	// The change of this call comes after all others, and before its answer.
	if items, err := s.Block(ctx, names[people].UserID); err != nil || !items[0].OK() {
		t.Fatalf("%+v, %v", items, err)
	}
	list, err := s.Blocklist(ctx)
	if err != nil {
		t.Fatal(err)
	}
	done()
	reader.Wait()
	for { // what the reader has not taken yet
		s.mu.Lock()
		u, more := s.updates.pop(s.list)
		s.mu.Unlock()
		if !more {
			break
		}
		m.take(u)
	}
	var server, held []string
	for e, err := range rest.Blocklist(ctx, "mira") {
		if err != nil {
			t.Fatal(err)
		}
		server = append(server, e.UserID)
	}
	for _, e := range list.Entries {
		held = append(held, e.UserID)
	}
	if !slices.Equal(held, server) || !slices.Equal(m.ids, server) || m.sequence != list.Sequence {
		t.Errorf("server %v\ncopy   %v at %d\nreader %v at %d", server, held, list.Sequence, m.ids, m.sequence)
	}
}
