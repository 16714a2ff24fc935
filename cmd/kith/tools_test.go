package main

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/kithchat/kith/internal/operator"
	"github.com/kithchat/kith/internal/relation"
)

// What is wrong without a server is told without one.
func TestWrongUseOfTools(t *testing.T) {
	for _, test := range []struct {
		want string
		args []string
	}{
		{`no command "lst"`, []string{"events", "lst"}},
		{"invalid argument", []string{"events", "list", "--limit", "x"}},
		{"invalid argument", []string{"events", "list", "--app", "x"}},
		{"show takes ID", []string{"events", "show"}},
		{"tail takes no arguments", []string{"events", "tail", "x"}},
		{"--lines must be 0 or more", []string{"events", "tail", "-n", "-1"}},
		{"name an event, or an app", []string{"replay"}},
		{"name an event, or an app", []string{"replay", "--dead"}},
		{"replay takes one EVENT_ID", []string{"replay", "a", "b"}},
		{"--rate must be more than 0", []string{"replay", "--app", "7", "--rate", "0"}},
		{"--rate must be more than 0", []string{"replay", "--app", "7", "--rate", "-1"}},
		{"--rate must be more than 0", []string{"replay", "--app", "7", "--rate", "NaN"}},
		{"--rate must be more than 0", []string{"replay", "--app", "7", "--rate", "Inf"}},
		{"choose one", []string{"replay", "--app", "7", "--dry-run", "--wait"}},
		{"show takes ID", []string{"replay", "show"}},
		{"pause takes ID", []string{"replay", "pause"}},
		{"rate takes ID RATE", []string{"replay", "rate", "x"}},
		{"name one of the commands", []string{"export"}},
		{`no command "lists"`, []string{"export", "lists"}},
		{"endpoints takes no arguments", []string{"endpoints", "7"}},
	} {
		checkFailure(t, execute(t, nil, test.args...), exitUsage, test.want, test.args)
	}
}

func TestPassing(t *testing.T) {
	for _, test := range []struct {
		err  error
		want bool
	}{
		{fmt.Errorf("%w: cut", operator.ErrStreamEnded), true},
		{noServer{errors.New("no server")}, true},
		{&operator.Error{Status: http.StatusServiceUnavailable}, true},
		{&operator.Error{Status: http.StatusInternalServerError}, true},
		{&operator.Error{Status: http.StatusUnauthorized}, false},
		{&operator.Error{Status: http.StatusNotFound}, false},
		{errors.New("cannot print"), false},
	} {
		if got := passing(test.err); got != test.want {
			t.Errorf("%v: %v, want %v", test.err, got, test.want)
		}
	}
}

func TestLinesOfStreams(t *testing.T) {
	equal(t, "cells", cells("a", 3, "b\x1b", 0, 7, 4), "a    b�  7")
	activity := &operator.Activity{
		Event:   operator.Event{State: relation.StateRetrying, Change: &relation.StateChange{Action: "Login", Reason: "Register"}},
		Attempt: operator.Attempt{Number: 2, DurationMS: 1500.4, Status: 503, Reason: "status", Detail: "HTTP 503", Replay: "r"},
		Verdict: "retry", Due: testTime.Add(time.Minute), Test: true,
	}
	equal(t, "outcome", outcome(activity), "attempt 2, status (HTTP 503), 1.5s, again at 00:01:00, replay, test")
	activity = &operator.Activity{Attempt: operator.Attempt{Number: 1, DurationMS: 3, Status: 200}, Verdict: "delivered"}
	equal(t, "outcome", outcome(activity), "attempt 1, 200, 3ms")
	equal(t, "answered", answered(operator.Attempt{Reason: "connect"}), "connect")
}

func TestShortTexts(t *testing.T) {
	equal(t, "selection", selects(relation.ReplaySelection{}), "all events")
	equal(t, "selection", selects(relation.ReplaySelection{ID: "x"}), "event x")
	equal(t, "selection", selects(relation.ReplaySelection{
		Dead: true, Kind: relation.EventState, Account: "mira", From: testTime, To: testTime.Add(time.Hour), After: "x",
	}), "dead letters State.StateChange of mira from 2026-01-01T00:00:00Z to 2026-01-01T01:00:00Z after x")
	equal(t, "progress", progressLine(operator.Replay{State: relation.ReplayPaused, Delivered: 3, Total: 9, Failed: 1, Note: "status"}),
		"paused: 3 of 9, 1 failed (status)")
	equal(t, "rate", []string{replayRate(0), replayRate(2.5)}, []string{"as the endpoint takes them", "2.5 a second"})
	equal(t, "attempts", []string{
		attemptMark(operator.Attempt{Number: 2}), attemptMark(operator.Attempt{Number: 2, Fault: true}), attemptMark(operator.Attempt{Replay: "01a21e3f-b98a-715c-8561-500451b794ca"}),
	}, []string{"2", "2 (own fault)", "replay …500451b794ca"})
	equal(t, "times", []string{took(0), took(0.4), took(3.2), took(1500)}, []string{"0s", "<1ms", "3ms", "1.5s"})
	equal(t, "exported", exported(operator.ExportSummary{Lists: 1, Entries: 2, Position: "x"}, "f"), "f: 1 list, 2 entries, position x")
	many := make([]string, maxShownTargets+3)
	if text := shorten(many); !strings.HasSuffix(text, " and 3 more") {
		t.Errorf("%q", text)
	}
	equal(t, "follow-up", []string{
		followUp(operator.ExportSummary{SDKAppID: 7}), followUp(operator.ExportSummary{SDKAppID: 7, Position: "x"}),
	}, []string{"kith replay --app 7", "kith replay --app 7 --after x"})
}

func TestAgrees(t *testing.T) {
	for answer, want := range map[string]bool{"y\n": true, "YES\n": true, "yes": true, "n\n": false, "\n": false, "": false, "yep\n": false} {
		var asked strings.Builder
		c := &cli{in: strings.NewReader(answer), err: &asked}
		if got := c.agrees("Send?"); got != want || asked.String() != "Send? [y/N] " {
			t.Errorf("%q: %v, asked %q", answer, got, asked.String())
		}
	}
}

func TestCompletion(t *testing.T) {
	data, _ := startServer(t)
	k := shell{t, data}
	k.run("app", "create", "--sdkappid", appFlag, "--name", "shop")
	for want, args := range map[string][]string{
		"delivered\n":                 {"events", "list", "--state", ""},
		"Sns.CallbackBlackListAdd\n":  {"events", "tail", "--command", ""},
		"State.StateChange\n":         {"trigger", ""},
		"1600077123\tshop\n":          {"replay", "--data", data, "--app", ""},
		"Sns.CallbackBlackListDelete": {"replay", "--command", ""},
		"blocklists\tWrite all":       {"export", ""},
		":4\n":                        {"events", "list", "--data", t.TempDir(), "--app", ""},
	} {
		r := execute(t, nil, append([]string{"__complete"}, args...)...)
		if r.status != exitDone || !strings.Contains(r.out, want) {
			t.Errorf("%v: status %d, %q, want %q", args, r.status, r.out, want)
		}
	}
}
