package dispatch

import (
	"bufio"
	"context"
	"flag"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kithchat/kith/internal/egress"
	"github.com/kithchat/kith/internal/relation"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// TestGoldenBytesOnTheWire holds each byte of a callback. The files are the requests as a receiver reads them, with \r\n
// written as a line end.
func TestGoldenBytesOnTheWire(t *testing.T) {
	event := relation.Event{
		SDKAppID: appA, Owner: "mira.k", Seq: 1, ID: "0197c2d0-0000-7000-8000-000000000001",
		NewEvent: relation.NewEvent{
			Kind: relation.EventBlockAdd, Targets: []string{"troll_77"},
			Origin: relation.Origin{ClientIP: "203.0.113.9", Platform: "RESTAPI"},
		},
	}
	removed := event
	removed.Kind, removed.Targets, removed.Attempts = relation.EventBlockDelete, []string{`a"b\c`, "<x>&y", "z"}, 41
	removed.Origin = relation.Origin{ClientIP: "2001:db8::7", Platform: "iPad"}
	plain := settings{url: "http://app.example.net/hooks/im"}
	tests := []wireTest{
		{"add", event, plain},
		{"delete-signed", removed, settings{url: "http://app.example.net:8080/?tenant=7", token: "wh-token-7"}},
		{"state-login", stateOf(event, relation.StateChange{Action: "Login", Reason: "Register"}), plain},
		{"state-login-kicked", stateOf(event, relation.StateChange{
			Action: "Login", Reason: "Register", Kicked: []string{"iOS", "Unknown"},
		}), plain},
		{"state-logout", stateOf(event, relation.StateChange{Action: "Logout", Reason: "Unregister"}), plain},
		{"state-linkclose", stateOf(event, relation.StateChange{Action: "Disconnect", Reason: "LinkClose"}), plain},
		{"state-timeout", stateOf(event, relation.StateChange{Action: "Disconnect", Reason: "TimeOut"}), plain},
	}
	for _, tt := range tests {
		t.Run(tt.file, func(t *testing.T) {
			tt.settings.timeout, tt.settings.concurrency = time.Minute, 1
			got := strings.ReplaceAll(onTheWire(t, tt.settings, tt.event), "\r\n", "\n")
			file := filepath.Join("testdata", "wire", tt.file+".txt")
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

type wireTest struct {
	file     string
	event    relation.Event
	settings settings
}

// stateOf makes an event one of a device.
func stateOf(e relation.Event, state relation.StateChange) relation.Event {
	e.NewEvent = relation.NewEvent{
		Kind: relation.EventState, State: &state,
		Origin: relation.Origin{ClientIP: "198.51.100.4", Platform: "iOS"},
	}
	e.Created = time.UnixMilli(1767225661042)
	return e
}

// onTheWire sends an event at a fixed time and returns the bytes that arrive.
func onTheWire(t *testing.T, s settings, event relation.Event) string {
	client, server := net.Pipe()
	d := New(Options{
		Egress: egressOf(t, egress.Options{Dial: func(context.Context, string, string) (net.Conn, error) { return client, nil }}),
		Now:    func() time.Time { return time.Unix(1767225660, 0) }, Version: "1.2.3",
	})
	r, err := d.newRoute(event.SDKAppID, s)
	if err != nil {
		t.Fatal(err)
	}
	defer r.close()
	got := make(chan string, 1)
	go func() {
		var raw strings.Builder
		reader := bufio.NewReader(io.TeeReader(server, &raw))
		request, err := http.ReadRequest(reader)
		if err == nil {
			_, err = httputil.DumpRequest(request, true)
		}
		if err != nil {
			raw.WriteString(err.Error())
		}
		_, _ = io.WriteString(server, "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n"+answerOK)
		got <- raw.String()
	}()
	a, err := r.send(t.Context(), r.compose(messageOf(&event), d.o.Now()))
	if outcome := classify(a, err, time.Time{}); !outcome.Delivered() {
		t.Errorf("outcome: %v (%v)", outcome, err)
	}
	return <-got
}
