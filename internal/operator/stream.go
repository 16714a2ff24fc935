package operator

import (
	"cmp"
	"encoding/json"
	"net/http"
	"time"
)

const (
	// DefaultHeartbeat is how often a stream on which nothing happens shows that it is there.
	DefaultHeartbeat = 15 * time.Second
	// DefaultLineTimeout is how long a reader may take for a line.
	DefaultLineTimeout = 30 * time.Second
	// DefaultMaxStreams is how many streams can be open at a time.
	DefaultMaxStreams = 100
)

// Pulse is what a line of any stream can say about the stream itself.
type Pulse struct {
	// Alive is the server's time, in the first line and whenever nothing happened for a while.
	Alive time.Time `json:"alive,omitzero"`
	// Lost counts what was not told since the stream began, because its reader was too slow.
	Lost int64 `json:"lost,omitempty"`
	// End says why this line is the last one.
	End string `json:"end,omitempty"`
}

// Ends of streams.
const (
	endStopped  = "the server stops, or does not deliver for this app any more" // the source was closed
	endDeleted  = "the app was deleted"
	endDropped  = "the token was dropped"
	endDisabled = "the app is disabled, and so are its tokens"
)

// lines writes JSON values, one a line, each at once.
type lines struct {
	control *http.ResponseController
	encoder *json.Encoder
	timeout time.Duration
}

// newLines begins the answer.
func (h *handler) newLines(w http.ResponseWriter) *lines {
	w.Header().Set("Content-Type", typeLines)
	w.WriteHeader(http.StatusOK)
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	return &lines{http.NewResponseController(w), encoder, h.LineTimeout}
}

// write sends a line. An error means that the reader has gone, or is too slow.
func (l *lines) write(value any) error {
	_ = l.control.SetWriteDeadline(time.Now().Add(l.timeout)) // best effort: not every writer has one
	if err := l.encoder.Encode(value); err != nil {
		return err
	}
	return l.control.Flush()
}

// end takes the deadline back, since the connection can be used again.
func (l *lines) end() { _ = l.control.SetWriteDeadline(time.Time{}) }

// stream is what comes on a channel, as lines.
type stream[T any] struct {
	app    uint32 // whose it is; 0: of all
	source <-chan T
	lost   func() int64 // nil: nothing is ever lost
	// line makes the line of a value; false leaves the value out.
	line func(T, Pulse) (any, bool)
	// pulse makes a line that holds nothing else.
	pulse func(Pulse) any
}

// send writes lines until the source is closed, the caller goes or may not read on, or it is too slow.
func (s stream[T]) send(h *handler, w http.ResponseWriter, r *http.Request) {
	out := h.newLines(w)
	defer out.end()
	beat := time.NewTicker(h.Heartbeat)
	defer beat.Stop()
	err := out.write(s.pulse(Pulse{Alive: h.Now()}))
	for err == nil {
		select {
		case <-r.Context().Done():
			return
		case <-beat.C:
			if s.ends(out, h.revoked(r, s.app)) {
				return
			}
			err = out.write(s.pulse(Pulse{Alive: h.Now(), Lost: s.losses()}))
		case value, open := <-s.source:
			end := h.revoked(r, s.app)
			if !open {
				end = cmp.Or(end, endStopped)
			}
			if s.ends(out, end) {
				return
			}
			if line, told := s.line(value, Pulse{Lost: s.losses()}); told {
				err = out.write(line)
			}
		}
	}
}

// ends writes the last line, if there is a reason for one.
func (s stream[T]) ends(out *lines, why string) bool {
	if why == "" {
		return false
	}
	_ = out.write(s.pulse(Pulse{Lost: s.losses(), End: why}))
	return true
}

func (s stream[T]) losses() int64 {
	if s.lost == nil {
		return 0
	}
	return s.lost()
}
