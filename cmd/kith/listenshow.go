package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/kithchat/kith/api"
	"github.com/kithchat/kith/internal/operator"
)

// shownAnswer is how many bytes of an answer that is not OK are shown.
const shownAnswer = 200

// shownExchange is an exchange as it is printed.
type shownExchange struct {
	heard
	ID         string  `json:"exchange"`
	Event      string  `json:"event"`
	Attempt    string  `json:"attempt"`
	Test       bool    `json:"test,omitempty"`
	Replay     string  `json:"replay,omitempty"`
	Status     int     `json:"status,omitempty"` // of the local handler
	DurationMS int64   `json:"duration_ms"`      // of the local handler
	OK         bool    `json:"ok"`
	Verdict    string  `json:"verdict"`
	Answer     string  `json:"answer,omitempty"`   // first bytes, unless OK
	Endpoint   *string `json:"endpoint,omitempty"` // the verdict on the app's own endpoint
}

// heard is what a body tells, in short.
type heard struct {
	Command string `json:"command"`
	Account string `json:"account"`
	Pairs   int    `json:"pairs"`
}

// describe says what was exchanged and what came of it.
func describe(line operator.ListenLine, answer operator.ExchangeAnswer) shownExchange {
	e := line.Exchange
	shown := shownExchange{
		heard: hear(e.Body), ID: e.ID, Event: e.Header.Get(api.HeaderWebhookID), Attempt: e.Header.Get(api.HeaderAttempt),
		Test: strings.HasPrefix(e.Header.Get(api.HeaderWebhookID), api.TestIDPrefix), Replay: e.Header.Get(api.HeaderReplay), Status: answer.Status,
	}
	shown.Verdict, shown.OK = judge(answer)
	if !shown.OK {
		shown.Answer = string(answer.Body[:min(len(answer.Body), shownAnswer)])
	}
	if line.Activity != nil {
		shown.Endpoint = &line.Activity.Verdict
	}
	return shown
}

// hear reads the parts of a body that are shown. It takes whatever is there.
func hear(body []byte) heard {
	var b struct {
		CallbackCommand string
		PairList        []api.Pair
		Info            struct {
			ToAccount string `json:"To_Account"`
		}
	}
	_ = json.Unmarshal(body, &b)
	h := heard{Command: b.CallbackCommand, Account: b.Info.ToAccount, Pairs: len(b.PairList)}
	if len(b.PairList) > 0 {
		h.Account = b.PairList[0].FromAccount
	}
	return h
}

func (l *listener) show(e shownExchange) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	marks := ""
	if e.Test {
		marks += ", test"
	}
	if e.Replay != "" {
		marks += ", replay"
	}
	if e.Endpoint != nil {
		marks += ", app's endpoint: " + *e.Endpoint
	}
	line := cells(clock(time.Now()), 8, e.Command, 27, dash(e.Account), 16, count(int64(e.Pairs), "pair", "pairs"), 8, "attempt "+dash(e.Attempt), 10,
		status(e.Status), 3, fmt.Sprintf("%d ms", e.DurationMS), 7, e.Verdict+marks, 0)
	if e.Answer != "" {
		line += "\n          " + visible(oneLine(e.Answer))
	}
	return l.printLine(e, line)
}
