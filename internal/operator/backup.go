package operator

import "net/http"

// backup streams a copy of the database. Once bytes are on their way a failure cannot be told any more in words: the
// connection is cut, so that the caller does not take half a copy for a whole one.
func (h *handler) backup(w http.ResponseWriter, r *http.Request) (any, error) {
	if h.Backup == nil {
		return nil, unsupported("this server's database is not its own; copy it with the database's tools, such as pg_dump")
	}
	stream := &lazyStream{ResponseWriter: w}
	err := h.Backup(r.Context(), stream)
	switch {
	case err != nil && stream.begun:
		h.Log.Error("backup was cut off", "err", err)
		panic(http.ErrAbortHandler)
	case err != nil:
		return nil, err
	}
	stream.begin() // an empty copy is a copy
	return nil, nil
}

// lazyStream sends the headers with the first byte, so that an earlier failure can still be answered as one.
type lazyStream struct {
	http.ResponseWriter
	begun bool
}

func (s *lazyStream) begin() {
	if !s.begun {
		s.begun = true
		s.Header().Set("Content-Type", "application/octet-stream")
		s.WriteHeader(http.StatusOK)
	}
}

// Write sends the headers, if that is still to be done, and p.
func (s *lazyStream) Write(p []byte) (int, error) {
	s.begin()
	return s.ResponseWriter.Write(p)
}
