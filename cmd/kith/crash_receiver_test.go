package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/kithchat/kith/api"
)

// crashReceiver is an app backend's callback handler that lives across the kills.
type crashReceiver struct {
	url     string
	arrived chan struct{} // a signal for await, not one for each callback

	mu       sync.Mutex
	arrivals map[string][]crashArrival // by owner
	ids      map[string]bool
	all      int
}

type crashArrival struct {
	id string
	change
}

func startCrashReceiver(t *testing.T) *crashReceiver {
	r := &crashReceiver{arrived: make(chan struct{}, 1), arrivals: map[string][]crashArrival{}, ids: map[string]bool{}}
	server := httptest.NewServer(http.HandlerFunc(r.serve))
	t.Cleanup(server.Close)
	r.url = server.URL
	return r
}

func (r *crashReceiver) serve(w http.ResponseWriter, req *http.Request) {
	text, err := io.ReadAll(req.Body)
	var body api.BlackListCallback
	if err != nil || json.Unmarshal(text, &body) != nil || len(body.PairList) == 0 {
		w.WriteHeader(http.StatusBadRequest) // half a request of a killed server
		return
	}
	a := crashArrival{id: req.Header.Get(api.HeaderWebhookID), change: change{command: body.CallbackCommand}}
	owner := body.PairList[0].FromAccount
	for _, pair := range body.PairList {
		a.targets = append(a.targets, pair.ToAccount)
	}
	r.mu.Lock()
	r.arrivals[owner] = append(r.arrivals[owner], a)
	r.ids[a.id] = true
	r.all++
	r.mu.Unlock()
	select {
	case r.arrived <- struct{}{}:
	default:
	}
	_, _ = io.WriteString(w, `{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":""}`)
}

// count returns how many callbacks came, repeated ones included.
func (r *crashReceiver) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.all
}

func (r *crashReceiver) different() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.ids)
}

// await returns when callbacks with n different ids have come.
func (r *crashReceiver) await(t *testing.T, n int) {
	t.Helper()
	deadline := time.After(crashSettle)
	for r.different() < n {
		select {
		case <-r.arrived:
		case <-deadline:
			t.Fatalf("%d of %d callbacks came within %s", r.different(), n, crashSettle)
		}
	}
}

// check compares an owner's callbacks with its changes. An id may come again, but not after a newer one.
func (r *crashReceiver) check(t *testing.T, h *history) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	var distinct []crashArrival
	seen := map[string]int{}
	for _, a := range r.arrivals[h.owner] {
		place, again := seen[a.id]
		switch {
		case !again:
			seen[a.id] = len(distinct)
			distinct = append(distinct, a)
		case place != len(distinct)-1:
			t.Errorf("%s: event %s came again after %d newer ones", h.owner, a.id, len(distinct)-1-place)
		case !slices.Equal(a.targets, distinct[place].targets) || a.command != distinct[place].command:
			t.Errorf("%s: event %s came again with another content", h.owner, a.id)
		}
	}
	for i := range max(len(distinct), len(h.done)) {
		switch {
		case i >= len(distinct):
			t.Fatalf("%s: change %d %+v has no callback", h.owner, i, h.done[i])
		case i >= len(h.done):
			t.Fatalf("%s: callback %+v reports a change that is not there", h.owner, distinct[i])
		case distinct[i].command != h.done[i].command || !slices.Equal(distinct[i].targets, h.done[i].targets):
			t.Fatalf("%s: callback %d is %+v, the change was %+v", h.owner, i, distinct[i], h.done[i])
		}
	}
}
