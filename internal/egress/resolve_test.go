package egress

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

func TestWhoseFaultAFailedLookupIs(t *testing.T) {
	dns := serveDNS(t, map[string][]answer{
		"empty.example.net.":   {{}},
		"broken.example.net.":  {{code: dnsmessage.RCodeServerFailure}},
		"refused.example.net.": {{code: dnsmessage.RCodeRefused}},
		"garbled.example.net.": {{code: dnsmessage.RCodeFormatError}},
		"silent.example.net.":  {{silent: true}},
		// What a machine with a search list is told first is about another name.
		"masked.example.net.": {{code: dnsmessage.RCodeNameError}, {code: dnsmessage.RCodeServerFailure}},
		"hidden.example.net.": {{code: dnsmessage.RCodeNameError}, {silent: true}},
	})
	for _, tt := range []struct {
		name     string
		host     string
		resolver *net.Resolver
		ours     bool
	}{
		{"no such name", "nowhere.example.net", dns.resolver(t), false},
		{"no address", "empty.example.net", dns.resolver(t), false},
		{"SERVFAIL", "broken.example.net", dns.resolver(t), true},
		{"REFUSED", "refused.example.net", dns.resolver(t), true},
		{"FORMERR", "garbled.example.net", dns.resolver(t), true},
		{"silence", "silent.example.net", dns.resolver(t), true},
		{"SERVFAIL behind a search list", "masked.example.net", dns.resolver(t), true},
		{"the name as it is", "masked2.example.net.", dns.resolver(t), false},
		{"silence behind a search list", "hidden.example.net", dns.resolver(t), true},
		{"no name server", "chat.example.net", resolverAt(t, "127.0.0.1:1"), true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			at := Endpoint{Timeout: patient}
			silence := strings.HasPrefix(tt.name, "silence")
			if silence {
				at.Timeout = 50 * time.Millisecond
			}
			transport := mustTransport(t, Options{Resolver: tt.resolver}, at)
			_, _, err := get(t, transport, "https://"+tt.host+"/cb?secret=hunter2")
			e := wantError(t, err, PhaseResolve, tt.ours)
			if e.Timeout() != silence || e.Detail() == "" || strings.Contains(e.Detail(), "127.") || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("timeout %v, detail %q, error %v", e.Timeout(), e.Detail(), err)
			}
		})
	}
}

func TestARequestWhoseTimeIsUpKnowsThatTheResolverIsToBlame(t *testing.T) {
	// The first lookup of a process makes a channel for all of them, which must not belong to a bubble.
	if _, err := serveDNS(t, nil).resolver(t).LookupHost(t.Context(), "first.example.net"); err == nil {
		t.Fatal("a name that nobody knows was found")
	}
	synctest.Test(t, func(t *testing.T) {
		silence := func(context.Context, string, string) (net.Conn, error) {
			conn, _ := net.Pipe() // to a name server that says nothing
			return conn, nil
		}
		resolver := &net.Resolver{PreferGo: true, Dial: silence}
		transport := mustTransport(t, Options{Resolver: resolver}, Endpoint{Timeout: patient})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		ctx, progress := Track(ctx)
		_, _, err := getWith(ctx, t, transport, "https://silent.example.net/")
		if Classify(err) != nil {
			t.Fatalf("error %v, want only that the time is up", err)
		}
		if e := progress.Classify(err); e == nil || e.Phase != PhaseResolve || !e.Ours || !e.Timeout() {
			t.Errorf("error %v", e)
		}
		time.Sleep(time.Minute) // of the bubble's clock: the lookup, for which nobody waits any more, ends
	})
}

func TestRebindingGainsNothing(t *testing.T) {
	// 127.0.0.2 stands for a public address, 127.0.0.1 for one that is not.
	reached := make(chan string, 10)
	inside := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached <- "inside" }))
	defer inside.Close()
	_, port, _ := net.SplitHostPort(inside.Listener.Addr().String())
	listener, err := net.Listen("tcp", "127.0.0.2:"+port)
	if err != nil {
		t.Fatal(err)
	}
	outside := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Connection", "close")
		reached <- "outside"
	}))
	_ = outside.Listener.Close()
	outside.Listener = listener
	outside.Start()
	defer outside.Close()
	dns := serveDNS(t, map[string][]answer{"rebind.example.net.": {{addresses: []string{"127.0.0.2"}}, {addresses: []string{"127.0.0.1"}}}})
	o := Options{Allow: []string{"127.0.0.2"}, Resolver: dns.resolver(t)}
	url := "http://rebind.example.net:" + port
	e, err := New(o)
	if err != nil || e.CheckURL(url) != nil {
		t.Fatalf("the URL is refused: %v, %v", err, e.CheckURL(url))
	}
	transport := mustTransport(t, o, Endpoint{Timeout: patient})
	if _, _, err := get(t, transport, url); err != nil || <-reached != "outside" {
		t.Fatalf("the first request failed: %v", err)
	}
	_, _, err = get(t, transport, url)
	wantError(t, err, PhaseBlocked, false)
	select {
	case where := <-reached:
		t.Errorf("the second request arrived %s", where)
	default:
	}
}

func TestNamesWithSeveralAddresses(t *testing.T) {
	server := httptest.NewServer(answering("fine"))
	defer server.Close()
	_, port, _ := net.SplitHostPort(server.Listener.Addr().String())
	dns := serveDNS(t, map[string][]answer{
		"some.example.net.":   {{addresses: []string{"10.0.0.1", "127.0.0.1", "169.254.169.254"}}},
		"both.example.net.":   {{addresses: []string{"fd00::1", "127.0.0.1"}}},
		"closed.example.net.": {{addresses: []string{"10.0.0.1", "127.0.0.3"}}},
		"none.example.net.":   {{addresses: []string{"10.0.0.1", "192.168.0.1", "fd00::1"}}},
	})
	transport := mustTransport(t, Options{Allow: []string{"loopback"}, Resolver: dns.resolver(t)}, Endpoint{Timeout: patient})
	for _, name := range []string{"some", "both"} {
		if _, body, err := get(t, transport, "http://"+name+".example.net:"+port); err != nil || body != "fine" {
			t.Errorf("%s: %q, %v", name, body, err)
		}
	}
	_, _, err := get(t, transport, "http://closed.example.net:"+port)
	wantError(t, err, PhaseConnect, false)
	_, _, err = get(t, transport, "http://none.example.net:"+port)
	wantError(t, err, PhaseBlocked, false)
}

func TestTheAddressThatSaysMost(t *testing.T) {
	blocked := &net.OpError{Op: "dial", Err: &blockedError{host: "10.0.0.1"}}
	noIPv6 := &net.OpError{Op: "dial", Err: syscall.EADDRNOTAVAIL}
	refused := &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
	late := &net.OpError{Op: "dial", Err: context.DeadlineExceeded}
	for _, tt := range []struct {
		errs []error
		want error
	}{
		{[]error{blocked, blocked}, blocked},
		{[]error{blocked, refused}, refused},
		{[]error{noIPv6, refused}, refused},
		{[]error{refused, noIPv6}, refused},
		{[]error{blocked, noIPv6}, noIPv6},
		{[]error{late, refused}, refused},
		{[]error{refused, late}, refused},
		{[]error{blocked, late}, late},
	} {
		var seen tries
		for _, err := range tt.errs {
			seen.add(err)
		}
		if got := seen.telling(tt.errs[0]); !errors.Is(got, tt.want) {
			t.Errorf("%v: %v, want %v", tt.errs, got, tt.want)
		}
	}
}
