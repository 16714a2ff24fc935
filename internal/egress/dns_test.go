package egress

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// answer is what the name server says to one question about a name.
type answer struct {
	addresses []string
	code      dnsmessage.RCode
	silent    bool
}

// nameServer is a DNS server on a loopback port. The answers for a name are given one lookup after another, the last one
// for good. A name that it does not know does not exist.
type nameServer struct {
	conn net.PacketConn

	mu      sync.Mutex
	names   map[string][]answer
	lookups map[string]int // questions for A records
}

func serveDNS(t *testing.T, names map[string][]answer) *nameServer {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &nameServer{conn: conn, names: names, lookups: map[string]int{}}
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.serve()
	}()
	t.Cleanup(func() {
		_ = conn.Close()
		<-done
	})
	return s
}

// resolver asks this server whatever the machine's settings are.
func (s *nameServer) resolver(t *testing.T) *net.Resolver {
	return resolverAt(t, s.conn.LocalAddr().String())
}

// resolverAt returns a resolver that asks at an address until the test ends. A lookup that nobody waits for any more would
// go on for seconds.
func resolverAt(t *testing.T, address string) *net.Resolver {
	var mu sync.Mutex
	var conns []net.Conn
	ended := false
	t.Cleanup(func() {
		mu.Lock()
		defer mu.Unlock()
		ended = true
		for _, c := range conns {
			_ = c.Close()
		}
	})
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		mu.Lock()
		defer mu.Unlock()
		if ended {
			return nil, net.ErrClosed
		}
		conn, err := new(net.Dialer).DialContext(ctx, "udp", address)
		if err == nil {
			conns = append(conns, conn)
		}
		return conn, err
	}}
}

func (s *nameServer) serve() {
	buffer := make([]byte, 1500)
	for {
		n, peer, err := s.conn.ReadFrom(buffer)
		if err != nil {
			return
		}
		if reply := s.reply(buffer[:n]); reply != nil {
			_, _ = s.conn.WriteTo(reply, peer)
		}
	}
}

func (s *nameServer) reply(request []byte) []byte {
	var m dnsmessage.Message
	if m.Unpack(request) != nil || len(m.Questions) != 1 {
		return nil
	}
	q := m.Questions[0]
	a := s.next(q)
	if a.silent {
		return nil
	}
	reply := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: m.ID, Response: true, RecursionAvailable: true, RCode: a.code},
		Questions: m.Questions,
	}
	for _, text := range a.addresses {
		address := netip.MustParseAddr(text)
		header := dnsmessage.ResourceHeader{Name: q.Name, Class: dnsmessage.ClassINET}
		switch {
		case q.Type == dnsmessage.TypeA && address.Is4():
			reply.Answers = append(reply.Answers, dnsmessage.Resource{Header: header, Body: &dnsmessage.AResource{A: address.As4()}})
		case q.Type == dnsmessage.TypeAAAA && address.Is6():
			reply.Answers = append(reply.Answers, dnsmessage.Resource{Header: header, Body: &dnsmessage.AAAAResource{AAAA: address.As16()}})
		}
	}
	packed, err := reply.Pack()
	if err != nil {
		return nil
	}
	return packed
}

// next returns the answer that is due. Only questions for A records count as lookups, since AAAA is asked along with it.
func (s *nameServer) next(q dnsmessage.Question) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := strings.ToLower(q.Name.String())
	answers, ok := s.names[name]
	if !ok {
		return answer{code: dnsmessage.RCodeNameError}
	}
	n := s.lookups[name]
	if q.Type == dnsmessage.TypeA {
		s.lookups[name]++
	}
	return answers[min(n, len(answers)-1)]
}
