package webhook

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/kithchat/kith/api"
)

// receivers stand for the callback receivers in use, each with what it requires and how it answers. A callback that this
// package builds must be settled by all of them.
func receivers(t *testing.T) map[string]http.Handler {
	ours, err := New(Options{SDKAppID: testApp, Tokens: []string{testToken}, Now: func() time.Time { return time.Unix(testTime, 0) }})
	if err != nil {
		t.Fatal(err)
	}
	return map[string]http.Handler{
		"ours": ours,
		// Routes by the query, tells case apart, has strings only, answers text/plain in its own order; refuses with 200.
		"go, strict": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			var body struct {
				PairList []struct {
					From string `json:"From_Account"`
					To   string `json:"To_Account"`
				}
			}
			q := r.URL.Query()
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			switch {
			case q.Get("SdkAppid") != "1600077123":
				_, _ = io.WriteString(w, `{"ErrorCode":1,"ErrorInfo":"invalid sdk appId","ActionStatus":"FAIL"}`)
			case q.Get("CallbackCommand") != "Sns.CallbackBlackListDelete":
				_, _ = io.WriteString(w, `{"ErrorCode":1,"ErrorInfo":"invalid callback command","ActionStatus":"FAIL"}`)
			case json.NewDecoder(r.Body).Decode(&body) != nil || len(body.PairList) != 1 || body.PairList[0].To != "troll_77":
				_, _ = io.WriteString(w, `{"ErrorCode":1,"ErrorInfo":"json","ActionStatus":"FAIL"}`)
			default:
				_, _ = io.WriteString(w, `{"ErrorCode":0,"ErrorInfo":"","ActionStatus":"OK"}`)
			}
		}),
		// Reads 2048 bytes at most, and loses the body of a form.
		"go, short buffer": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_ = r.ParseForm()
			buf := make([]byte, 2048)
			n, _ := io.ReadFull(r.Body, buf)
			if !json.Valid(buf[:n]) || r.Form.Get("CallbackCommand") == "" {
				_, _ = io.WriteString(w, `{"ActionStatus":"FAIL","ErrorCode":1,"ErrorInfo":"body"}`)
				return
			}
			_, _ = io.WriteString(w, `{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":""}`)
		}),
		// Compares Sign, not its age; its source file begins with a byte order mark, so its answer does.
		"php, signed": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			q := r.URL.Query()
			sum := sha256.Sum256([]byte(testToken + q.Get("RequestTime")))
			w.Header().Set("Content-Type", "text/html; charset=UTF-8")
			if q.Get("Sign") != hex.EncodeToString(sum[:]) {
				_, _ = io.WriteString(w, "\xef\xbb\xbf"+`{"ErrorCode":1}`)
				return
			}
			_, _ = io.WriteString(w, "\xef\xbb\xbf"+`{"ActionStatus":"OK","ErrorInfo":"","ErrorCode":0}`+"\n")
		}),
		// Names no Content-Type at all.
		"java, no Content-Type": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header()["Content-Type"] = nil
			_, _ = io.WriteString(w, `{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":""}`)
		}),
	}
}

func TestReceiversInUseSettle(t *testing.T) {
	for name, receiver := range receivers(t) {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(receiver)
			defer server.Close()
			target, err := NewTarget(TargetOptions{URL: server.URL + "/hooks/im?key=v", SDKAppID: testApp, Token: testToken})
			if err != nil {
				t.Fatal(err)
			}
			body := EncodeBlackList(api.CallbackBlackListDelete, []api.Pair{{FromAccount: "mira.k", ToAccount: "troll_77"}})
			response, err := server.Client().Post(target.URL(unblock).String(), "application/json", bytes.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			answer, err := io.ReadAll(response.Body)
			if err != nil {
				t.Fatal(err)
			}
			got, err := ParseAnswer(answer)
			if response.StatusCode != 200 || err != nil || got.ErrorCode != 0 {
				t.Errorf("%d %q: %+v, %v; want settled", response.StatusCode, answer, got, err)
			}
		})
	}
}
