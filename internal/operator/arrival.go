package operator

import (
	"io"
	"net/http"
	"time"
)

// DefaultBodyTimeout is how long the body of a request may take to arrive.
const DefaultBodyTimeout = 30 * time.Second

// timely bounds how long the body of a request may take to arrive, also one that is not read because the caller may not do
// what he asks for: the HTTP server waits for it, too, before it answers. The answer is not bounded.
func (h *handler) timely(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength != 0 {
			control := http.NewResponseController(w)
			_ = control.SetReadDeadline(time.Now().Add(h.BodyTimeout)) // best effort: not every writer has one
			r.Body = &arriving{r.Body, control}
		}
		next.ServeHTTP(w, r)
	})
}

// arriving is a body under a deadline, which it lifts at its end: from then on the server reads to see that the caller goes.
type arriving struct {
	io.ReadCloser
	control *http.ResponseController
}

func (a *arriving) Read(p []byte) (int, error) {
	n, err := a.ReadCloser.Read(p)
	if err == io.EOF {
		_ = a.control.SetReadDeadline(time.Time{})
	}
	return n, err
}
