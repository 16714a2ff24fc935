package conformance

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// callbackTime bounds the wait for callbacks that are due.
const callbackTime = time.Minute

// callback is one request that a receiver got.
type callback struct {
	id, query, contentType, body string
}

// receiver is an app backend's callback handler: it keeps what it gets and says OK.
type receiver struct {
	url      string
	arrivals chan callback
}

func startReceiver(t *testing.T) *receiver {
	r := &receiver{arrivals: make(chan callback, 100)}
	server := httptest.NewServer(http.HandlerFunc(r.serve))
	t.Cleanup(server.Close)
	r.url = server.URL + "/hooks/im"
	return r
}

// serve answers the documented triple in the Content-Type that existing receivers use.
func (r *receiver) serve(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil || req.Method != http.MethodPost || req.URL.Path != "/hooks/im" {
		http.Error(w, "want POST /hooks/im", http.StatusBadRequest)
		return
	}
	r.arrivals <- callback{
		id:          req.Header.Get("webhook-id"),
		query:       req.URL.RawQuery,
		contentType: req.Header.Get("Content-Type"),
		body:        string(body),
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, `{"ErrorCode":0,"ErrorInfo":"","ActionStatus":"OK"}`)
}

// await returns the first n callbacks with different ids, in order of arrival. A repeated id is the same event again,
// which at-least-once delivery allows.
func (r *receiver) await(t *testing.T, n int) []callback {
	t.Helper()
	var got []callback
	seen := make(map[string]bool)
	deadline := time.After(callbackTime)
	for len(got) < n {
		select {
		case c := <-r.arrivals:
			if !seen[c.id] {
				seen[c.id] = true
				got = append(got, c)
			}
		case <-deadline:
			t.Fatalf("%d of %d callbacks arrived within %v: %+v", len(got), n, callbackTime, got)
		}
	}
	return got
}

// checkQuery holds a callback's parameters to the documented names, order and signature.
func (c callback) checkQuery(t *testing.T, sdkAppID, command, token string) {
	t.Helper()
	unsigned := "SdkAppid=" + sdkAppID + "&CallbackCommand=" + command +
		"&contenttype=json&ClientIP=127.0.0.1&OptPlatform=RESTAPI"
	signature, ok := strings.CutPrefix(c.query, unsigned+"&")
	if !ok {
		t.Errorf("query is %q, want it to begin with %q", c.query, unsigned)
		return
	}
	var sign string
	var requestTime int64
	for pair := range strings.SplitSeq(signature, "&") {
		switch name, value, _ := strings.Cut(pair, "="); name {
		case "Sign":
			sign = value
		case "RequestTime":
			if _, err := fmt.Sscan(value, &requestTime); err != nil {
				t.Errorf("RequestTime is %q: %v", value, err)
			}
		default:
			t.Errorf("the query has an extra parameter %q", pair)
		}
	}
	if age := time.Since(time.Unix(requestTime, 0)).Abs(); age > time.Minute {
		t.Errorf("RequestTime %d is %v away from now", requestTime, age)
	}
	sum := sha256.Sum256(fmt.Append([]byte(token), requestTime))
	if want := hex.EncodeToString(sum[:]); sign != want {
		t.Errorf("Sign is %q, want %q", sign, want)
	}
}
