package restapi

import (
	"net/http"
	"strconv"

	"github.com/go-json-experiment/json"
)

// Header values, shared by all answers and never changed.
var (
	headerJSON    = []string{"application/json; charset=utf-8"}
	headerOrigin  = []string{"*"}
	headerHeaders = []string{"X-Requested-With"}
	headerMethods = []string{http.MethodPost}
)

// setCORS sets the three headers of every answer, per the v4 REST docs.
func setCORS(header http.Header) {
	header["Access-Control-Allow-Origin"] = headerOrigin
	header["Access-Control-Allow-Headers"] = headerHeaders
	header["Access-Control-Allow-Methods"] = headerMethods
}

// respond writes an answer. Lists that are nil become [], because clients fail on null.
func (h *Handler) respond(w http.ResponseWriter, cmd *command, answer any) {
	b := getBuffer()
	defer putBuffer(b)
	if err := json.MarshalWrite(b, answer); err != nil {
		fail := h.explain(cmd, err)
		b.Reset()
		_ = json.MarshalWrite(b, cmd.service.envelope(fail)) // fixed texts, cannot fail
	}
	header := w.Header()
	setCORS(header)
	header["Content-Type"] = headerJSON
	header["Content-Length"] = []string{strconv.Itoa(b.Len())}
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(b.Bytes()) // a caller who has gone cannot be told
}
