package dispatch

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/kithchat/kith/api"
)

// modelJournal is what receivers and listeners saw.
type modelJournal struct {
	mu       sync.Mutex
	under    map[string]int // requests under way, by owner
	last     map[string]int64
	took     map[string]bool                // ids of live events that were accepted
	again    map[string]map[string][]string // by replay and owner
	parked   map[string]bool                // ids of events that Park reported as parked
	requests int
	faults   []string
}

func newModelJournal() *modelJournal {
	return &modelJournal{
		under: map[string]int{}, last: map[string]int64{}, took: map[string]bool{}, again: map[string]map[string][]string{}, parked: map[string]bool{},
	}
}

// begin notes a request, and that it breaks no rule.
func (j *modelJournal) begin(d delivery, sequence int64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.requests++
	if d.Owner == "" {
		return // a test
	}
	if j.under[d.Owner]++; j.under[d.Owner] > 1 {
		j.faults = append(j.faults, fmt.Sprintf("two at a time for %s: %s", d.Owner, d.ID))
	}
	if d.Replay != "" {
		return
	}
	if j.parked[d.ID] {
		j.faults = append(j.faults, d.ID+" came after it was parked")
	}
	if sequence < j.last[d.Owner] {
		j.faults = append(j.faults, fmt.Sprintf("%s came after number %d", d.ID, j.last[d.Owner]))
	}
	j.last[d.Owner] = sequence
}

func (j *modelJournal) count() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.requests
}

func (j *modelJournal) park(id string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.parked[id] = true
}

func (j *modelJournal) end(d delivery, took bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.under[d.Owner]--
	switch {
	case !took:
	case d.Replay == "":
		j.took[d.ID] = true
	default:
		if j.again[d.Replay] == nil {
			j.again[d.Replay] = map[string][]string{}
		}
		j.again[d.Replay][d.Owner] = append(j.again[d.Replay][d.Owner], d.ID)
	}
}

// readModel reads a callback.
func readModel(header http.Header, query string, body []byte) (delivery, int64) {
	r := &http.Request{Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(body)), URL: &url.URL{RawQuery: query}}
	var sequence int64
	for name, values := range header {
		r.Header.Set(name, values[0])
		if strings.EqualFold(name, api.HeaderSequence) {
			_ = json.Unmarshal([]byte(values[0]), &sequence)
		}
	}
	return readDelivery(r), sequence
}

// receive is what app backends do.
func (m *model) receive(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body) // to its end, or the server does not notice when the client goes
	d, sequence := readModel(r.Header, r.URL.RawQuery, body)
	m.journal.begin(d, sequence)
	m.answer(w, r, func(took bool) { m.journal.end(d, took) })
}

// answer answers one request. It calls end before anybody can think that the request is over.
func (m *model) answer(w http.ResponseWriter, r *http.Request, end func(took bool)) {
	m.mu.Lock()
	mode := m.mode
	m.mu.Unlock()
	if mode == "mixed" {
		mode = []string{"well", "well", "failing", "slow", "hanging", "busy", "broken", "refusing"}[m.rnd.n(8)]
	}
	if mode == "slow" || mode == "hanging" {
		pass(m.rnd.upTo(modelTimeout * 9 / 10))
	}
	end(mode == "well" || mode == "slow")
	switch mode {
	case "failing":
		w.WriteHeader(http.StatusInternalServerError)
	case "busy":
		w.Header().Set("Retry-After", fmt.Sprint(m.rnd.n(400)))
		w.WriteHeader(http.StatusServiceUnavailable)
	case "gone":
		w.WriteHeader(http.StatusGone)
	case "hanging":
		<-r.Context().Done()
	case "refusing":
		_, _ = io.WriteString(w, `{"ActionStatus":"FAIL","ErrorCode":1,"ErrorInfo":"not now"}`)
	case "broken":
		panic(http.ErrAbortHandler)
	default:
		_, _ = io.WriteString(w, answerOK)
	}
}
