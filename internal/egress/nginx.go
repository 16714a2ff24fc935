package egress

import (
	"bytes"
	"net/http"
)

// RefusedByNginx reports whether an answer is how nginx refuses a client certificate: it finishes the handshake and answers
// 400 with a page of its own. Body is the answer's, or its first few hundred bytes.
func RefusedByNginx(status int, body []byte) bool {
	if status != http.StatusBadRequest {
		return false
	}
	return bytes.Contains(body, []byte("The SSL certificate error")) ||
		bytes.Contains(body, []byte("No required SSL certificate was sent"))
}
