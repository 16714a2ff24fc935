package webclient

import (
	"fmt"
	"net/http"

	"github.com/kithchat/kith/api"
)

// maxDevices bounds the switch of the page.
const maxDevices = 20

// changeRequest names a user and, for a change of the list, the targets.
type changeRequest struct {
	UserID     string   `json:"userID"`
	UserIDList []string `json:"userIDList"`
}

// devicesRequest says how many tabs a user can have connected.
type devicesRequest struct {
	Limit int `json:"limit"`
}

// serveActions adds what only a demo offers to a page: to act as the app backend, and as its operator.
func (p *Page) serveActions(mux *http.ServeMux) {
	mux.HandleFunc("POST /app/kick", p.rest("im_open_login_svc/kick", func(c changeRequest) any {
		p.logins.end(c.UserID)
		return api.KickRequest{UserID: c.UserID}
	}))
	mux.HandleFunc("POST /app/block", p.rest("sns/black_list_add", block))
	mux.HandleFunc("POST /app/unblock", p.rest("sns/black_list_delete", block))
	if p.Restart != nil {
		mux.HandleFunc("POST /kith/restart", func(w http.ResponseWriter, r *http.Request) { done(w, p.Restart(r.Context())) })
	}
	if p.SetDevices != nil {
		mux.HandleFunc("POST /kith/devices", p.serveDevices)
	}
}

func block(c changeRequest) any {
	return api.BlockRequest{FromAccount: c.UserID, ToAccount: c.UserIDList}
}

// rest makes a REST call for one of the page's users and answers what Kith answered.
func (p *Page) rest(command string, body func(changeRequest) any) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var req changeRequest
		if !read(w, r, &req) || !p.checkUser(w, req.UserID) {
			return
		}
		result, err := p.call(r.Context(), command, body(req))
		if err != nil {
			refuse(w, http.StatusBadGateway, err)
			return
		}
		answer(w, http.StatusOK, result)
	}
}

func (p *Page) serveDevices(w http.ResponseWriter, r *http.Request) {
	var req devicesRequest
	if !read(w, r, &req) {
		return
	}
	if req.Limit < 1 || req.Limit > maxDevices {
		refuse(w, http.StatusBadRequest, fmt.Errorf("limit is %d; give 1 to %d", req.Limit, maxDevices))
		return
	}
	done(w, p.SetDevices(r.Context(), req.Limit))
}

// done answers a request that has nothing to tell but whether it worked.
func done(w http.ResponseWriter, err error) {
	if err != nil {
		refuse(w, http.StatusInternalServerError, err)
		return
	}
	answer(w, http.StatusOK, struct{}{})
}
