package webclient

import (
	"encoding/json"
	"fmt"
	"net/http"
	"sync"

	"github.com/kithchat/kith/usersig"
)

// Lifetimes of a UserSig in seconds.
const (
	ticketLifetime    = 3600
	ticketMaxLifetime = 86400
)

// maxRequest bounds the body of a request in bytes.
const maxRequest = 64 << 10

// settings is what the page must know before it connects. Nothing in it is secret.
type settings struct {
	SDKAppID uint32   `json:"SDKAppID"`
	URL      string   `json:"url"` // of the gateway
	Users    []string `json:"users"`
	Restart  bool     `json:"restart"` // there is a button
	Devices  bool     `json:"devices"` // there is a switch
}

func (p *Page) serveSettings(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, settings{p.SDKAppID, p.gateway(), p.Users, p.Restart != nil, p.SetDevices != nil})
}

// userSigRequest asks for a ticket. Seconds is its lifetime, an hour when 0. Login is that of an earlier answer, to renew
// its ticket; 0 is a new login.
type userSigRequest struct {
	UserID  string `json:"userID"`
	Seconds int64  `json:"seconds"`
	Login   int64  `json:"login"`
}

// userSigAnswer is the ticket. An empty one says that the login has ended.
type userSigAnswer struct {
	UserSig string `json:"userSig"`
	Login   int64  `json:"login"`
}

// serveUserSig hands out a UserSig. A real app backend does this only after its own login: it looks at its own session
// cookie or password, and signs for the user that it found, never for the user that the request names. It signs in the
// backend, because who has the secret key can act as everybody. And it ends its own session of a user whom it kicks, or the
// next renewal would undo the kick.
func (p *Page) serveUserSig(w http.ResponseWriter, r *http.Request) {
	var req userSigRequest
	if !read(w, r, &req) || !p.checkUser(w, req.UserID) {
		return
	}
	if req.Seconds == 0 {
		req.Seconds = ticketLifetime
	}
	if req.Seconds < 1 || req.Seconds > ticketMaxLifetime {
		refuse(w, http.StatusBadRequest, fmt.Errorf("seconds is %d; give 1 to %d", req.Seconds, ticketMaxLifetime))
		return
	}
	login := p.logins.of(req.UserID)
	if req.Login != 0 && req.Login != login {
		answer(w, http.StatusOK, userSigAnswer{"", login})
		return
	}
	sig, err := p.sign(req.UserID, req.Seconds)
	if err != nil {
		refuse(w, http.StatusInternalServerError, err)
		return
	}
	answer(w, http.StatusOK, userSigAnswer{sig, login})
}

func (p *Page) sign(userID string, seconds int64) (string, error) {
	return usersig.Sign(p.Key, usersig.Ticket{
		SDKAppID: p.SDKAppID, Identifier: userID, Issued: p.Now().Unix(), Expire: seconds,
	})
}

// logins stands for the app backend's own sessions: a number for each user, from 1, which a kick raises. The zero value is
// ready.
type logins struct {
	mu    sync.Mutex
	kicks map[string]int64
}

func (l *logins) of(userID string) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.kicks[userID] + 1
}

func (l *logins) end(userID string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.kicks == nil {
		l.kicks = make(map[string]int64)
	}
	l.kicks[userID]++
}

// checkUser refuses users that are not on the page.
func (p *Page) checkUser(w http.ResponseWriter, userID string) bool {
	if !p.known(userID) {
		refuse(w, http.StatusForbidden, fmt.Errorf("userID is none of the demo's users: %q", p.Users))
		return false
	}
	return true
}

// read decodes a request's body, or refuses it.
func read(w http.ResponseWriter, r *http.Request, req any) bool {
	dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxRequest))
	dec.DisallowUnknownFields()
	if err := dec.Decode(req); err != nil {
		refuse(w, http.StatusBadRequest, fmt.Errorf("the body is not the JSON that this path takes: %w", err))
		return false
	}
	return true
}

// failure is the answer to a request that failed.
type failure struct {
	Error string `json:"error"`
}

func refuse(w http.ResponseWriter, status int, err error) { answer(w, status, failure{err.Error()}) }

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the browser has gone
}
