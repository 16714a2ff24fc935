package operator

import (
	"io"
	"net/http"
	"time"

	"github.com/kithchat/kith/internal/config"
)

// Status describes the running server.
type Status struct {
	Version string    `json:"version"`
	Started time.Time `json:"started,omitzero"`
	Apps    int       `json:"apps"`
	Ready   bool      `json:"ready"`
	// Reason says why it is not ready.
	Reason string `json:"reason,omitempty"`
}

// Settings is the effective configuration, secrets replaced.
type Settings struct {
	Settings []config.Setting `json:"settings"`
}

func (h *handler) status(http.ResponseWriter, *http.Request) (any, error) {
	status := Status{Version: h.Version, Started: h.Started, Apps: len(h.Registry.All()), Ready: true}
	if err := h.Ready(); err != nil {
		status.Ready, status.Reason = false, err.Error()
	}
	return status, nil
}

func (h *handler) config(http.ResponseWriter, *http.Request) (any, error) {
	return Settings{Settings: append([]config.Setting{}, h.Settings...)}, nil
}

// health says that the process answers.
func (h *handler) health(w http.ResponseWriter, _ *http.Request) {
	_, _ = io.WriteString(w, "ok\n")
}

// ready says whether the server can serve. Why it cannot is for processes of the same machine and holders of the token.
func (h *handler) ready(w http.ResponseWriter, r *http.Request) {
	if err := h.Ready(); err != nil {
		w.WriteHeader(http.StatusServiceUnavailable)
		text := "not ready"
		if local(r) || same(bearer(r), h.Token) {
			text += ": " + err.Error()
		}
		_, _ = io.WriteString(w, text+"\n")
		return
	}
	_, _ = io.WriteString(w, "ready\n")
}
