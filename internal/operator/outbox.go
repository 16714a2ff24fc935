package operator

import (
	"net/http"
	"time"

	"github.com/kithchat/kith/internal/relation"
)

// Outbox describes what waits for each app that has anything in its outbox.
type Outbox struct {
	Apps []OutboxStats `json:"apps"`
}

// Waiting returns how many events wait, of all apps.
func (o Outbox) Waiting() (n int64) {
	for _, a := range o.Apps {
		n += a.Waiting
	}
	return n
}

// OutboxStats describes what waits for one app.
type OutboxStats struct {
	SDKAppID uint32    `json:"sdkappid"`
	Waiting  int64     `json:"waiting"`          // events not yet settled
	Dead     int64     `json:"dead"`             // dead letters
	Oldest   time.Time `json:"oldest,omitzero"`  // when the oldest waiting event was made
	AgeMS    int64     `json:"age_ms,omitempty"` // how old it is, in milliseconds
}

func (h *handler) outbox(_ http.ResponseWriter, r *http.Request) (any, error) {
	q := h.query(r)
	app := q.app()
	if q.err != nil {
		return nil, q.err
	}
	if err := h.known(app); err != nil {
		return nil, err
	}
	stats, err := h.Options.Outbox.OutboxStats(r.Context())
	if err != nil {
		return nil, err
	}
	outbox := Outbox{Apps: []OutboxStats{}}
	for _, s := range stats {
		if app == 0 || s.SDKAppID == app {
			outbox.Apps = append(outbox.Apps, showOutbox(s, h.Now()))
		}
	}
	return outbox, nil
}

func showOutbox(s relation.OutboxStats, now time.Time) OutboxStats {
	shown := OutboxStats{SDKAppID: s.SDKAppID, Waiting: s.Waiting, Dead: s.Dead, Oldest: s.Oldest}
	if !s.Oldest.IsZero() {
		shown.AgeMS = max(0, now.Sub(s.Oldest).Milliseconds())
	}
	return shown
}
