package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// scenario is one part of the report.
type scenario struct {
	name  string
	title string
	// run measures one engine and adds results to the rig.
	run     func(r *rig, engine string) error
	engines []string // that it is for; nil: all
}

// scenarios lists all, in the order of the report.
func scenarios() []scenario {
	return []scenario{
		{name: "unblock", title: "Unblocks a second, durable, 64 connections", run: measureUnblock},
		{name: "latency", title: "From the call to the app backend", run: measureLatency},
		{name: "sustained", title: "Accepted and delivered, sustained", run: measureSustained},
		{name: "record", title: "What the record of attempts costs", run: measureRecord},
		{name: "fairness", title: "One app beside another", run: measureFairness},
		{name: "backlog", title: "Draining a backlog", run: measureBacklog},
		{name: "waiting", title: "Start with waiting events", run: measureWaiting, engines: []string{engineSQLite}},
		{name: "gateway", title: "Phones and browsers", run: measureGateway},
		{name: "idle", title: "Idle sessions and a storm of reconnects", run: measureIdle, engines: []string{engineSQLite}},
		{name: "pairs", title: "Pairs on disk", run: measurePairs, engines: []string{engineSQLite}},
	}
}

func scenarioNames() string {
	var names []string
	for _, s := range scenarios() {
		names = append(names, s.name)
	}
	return strings.Join(names, ", ")
}

// measure runs the chosen scenarios.
func measure(ctx context.Context, o options) (rep report, err error) {
	r, err := newRig(ctx, o)
	defer func() { err = errors.Join(err, r.close()) }()
	if err != nil {
		return rep, err
	}
	rep = report{Date: time.Now().UTC().Truncate(time.Minute), Short: o.short}
	if rep.Machine, err = describeMachine(r.dir); err != nil {
		return rep, err
	}
	began := time.Now()
	for _, s := range scenarios() {
		if !o.only.MatchString(s.name) {
			continue
		}
		sec := section{Name: s.name, Title: s.title}
		for _, engine := range o.engines {
			if s.engines != nil && !slices.Contains(s.engines, engine) {
				continue
			}
			r.say("%s on %s", s.name, engine)
			r.results = nil
			if err := s.run(r, engine); err != nil {
				return rep, fmt.Errorf("%s on %s: %w", s.name, engine, err)
			}
			sec.Results = append(sec.Results, r.results...)
		}
		if len(sec.Results) > 0 {
			rep.Sections = append(rep.Sections, sec)
		}
	}
	if len(rep.Sections) == 0 {
		return rep, errors.New("no scenario has such a name and engine; see -help")
	}
	rep.Took = time.Since(began).Round(time.Second)
	return rep, nil
}
