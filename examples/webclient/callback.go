package webclient

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/kithchat/kith/api"
)

// keptCallbacks is how many callbacks the log holds.
const keptCallbacks = 200

// Callback is a callback that the app backend accepted, as the page shows it. Number counts from 1.
type Callback struct {
	Number          int64          `json:"number"`
	Time            int64          `json:"time"` // Unix milliseconds
	CallbackCommand string         `json:"CallbackCommand"`
	Pairs           []api.Pair     `json:"pairs"`
	Info            *api.StateInfo `json:"info,omitempty"` // of State.StateChange
	ClientIP        string         `json:"ClientIP"`
	OptPlatform     string         `json:"OptPlatform"`
	ID              string         `json:"webhookID"`
	Attempt         string         `json:"attempt"`
}

// Record returns a handler that lets backend, the app backend's callback handler, answer, and shows on the page what it
// accepted, which means: what was signed well.
func (p *Page) Record(backend http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxAnswer))
		if err != nil {
			return // half a request; it comes again
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		status := &statusWriter{ResponseWriter: w, status: http.StatusOK}
		backend.ServeHTTP(status, r)
		command := r.URL.Query().Get(api.QueryCallbackCommand)
		if status.status == http.StatusOK && command != "" && !strings.HasPrefix(r.Header.Get(api.HeaderWebhookID), api.TestIDPrefix) {
			p.log.add(p.callback(command, r, body))
		}
	})
}

func (p *Page) callback(command string, r *http.Request, body []byte) Callback {
	var content struct {
		PairList []api.Pair
		Info     *api.StateInfo
	}
	_ = json.Unmarshal(body, &content) // the backend has accepted it
	query := r.URL.Query()
	return Callback{
		Time: p.Now().UnixMilli(), CallbackCommand: command, Pairs: content.PairList, Info: content.Info,
		ClientIP: query.Get(api.QueryClientIP), OptPlatform: query.Get(api.QueryOptPlatform),
		ID: r.Header.Get(api.HeaderWebhookID), Attempt: r.Header.Get(api.HeaderAttempt),
	}
}

// serveCallbacks streams the log as server-sent events: what there is, then what comes. A browser that connects again names
// the last one that it got.
func (p *Page) serveCallbacks(w http.ResponseWriter, r *http.Request) {
	last, _ := strconv.ParseInt(r.Header.Get("Last-Event-ID"), 10, 64) // without one: all
	w.Header().Set("Content-Type", "text/event-stream")
	out := http.NewResponseController(w)
	for {
		callbacks, more := p.log.after(last)
		for _, c := range callbacks {
			text, err := json.Marshal(c)
			if err != nil {
				return
			}
			if _, err := fmt.Fprintf(w, "id: %d\ndata: %s\n\n", c.Number, text); err != nil {
				return
			}
			last = c.Number
		}
		if out.Flush() != nil {
			return
		}
		select {
		case <-more:
		case <-r.Context().Done():
			return
		}
	}
}

// callbackLog holds the newest callbacks. The zero value is empty.
type callbackLog struct {
	mu     sync.Mutex
	kept   []Callback
	number int64
	more   chan struct{} // closed when one is added; nil while nobody waits
}

func (l *callbackLog) add(c Callback) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.number++
	c.Number = l.number
	l.kept = append(l.kept, c)
	if len(l.kept) > keptCallbacks {
		l.kept = append(l.kept[:0], l.kept[1:]...)
	}
	if l.more != nil {
		close(l.more)
		l.more = nil
	}
}

// after returns the callbacks after a number, and a channel that is closed when there are more.
func (l *callbackLog) after(number int64) ([]Callback, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if number > l.number {
		number = 0 // of an earlier process
	}
	if l.more == nil {
		l.more = make(chan struct{})
	}
	var callbacks []Callback
	for _, c := range l.kept {
		if c.Number > number {
			callbacks = append(callbacks, c)
		}
	}
	return callbacks, l.more
}

// statusWriter remembers the status.
type statusWriter struct {
	http.ResponseWriter
	status int
}

// WriteHeader implements http.ResponseWriter.
func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}
