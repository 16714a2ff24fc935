package gateway

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/kithchat/kith/api"
	"github.com/kithchat/kith/internal/auth"
	"github.com/kithchat/kith/internal/relation"
	"github.com/kithchat/kith/usersig"
)

// login is login: it authenticates, makes the connection a session and queues the answer.
func (c *conn) login(r request, f *followed) (err error) {
	defer recoverTo(&err)
	var p api.LoginParams
	if err := decodeParams(r.Params, &p); err != nil {
		return loginProblem(err.Error())
	}
	if err := checkLogin(&p); err != nil {
		return err
	}
	app, err := c.g.o.Auth.App(p.SDKAppID)
	if err != nil {
		return err
	}
	if !originAllowed(app.WebOrigins, c.origin) {
		return &problem{
			code: api.CodeNotAdmin, refusal: api.RefusalOrigin,
			message: "the app does not allow pages of this web origin; allow it with: kith app update --web-origins",
		}
	}
	ticket, signer, err := c.g.o.Auth.Verify(app, p.UserID, p.UserSig)
	if err != nil {
		return err
	}
	s := c.newSession(&p)
	s.setTicket(ticket, signer)
	ctx, cancel := context.WithTimeout(c.g.calls, c.g.o.CallTimeout)
	defer cancel()
	return c.g.enter(ctx, arrival{session: s, app: app, ticket: ticket, position: p.Blocklist, request: r, trace: f.traceparent()})
}

func (c *conn) newSession(p *api.LoginParams) *session {
	origin := relation.Origin{Platform: p.Platform}
	if c.ip.IsValid() {
		origin.ClientIP = c.ip.String()
	}
	return &session{
		conn: c, id: uuid.Must(uuid.NewV7()).String(),
		key:    relation.AccountKey{SDKAppID: p.SDKAppID, UserID: p.UserID},
		device: relation.Device{ID: p.DeviceID, Origin: origin},
		login:  c.g.o.Now().Unix(),
	}
}

// loginProblem is a login parameter that is wrong. Nothing of the parameters is quoted.
func loginProblem(message string) error {
	return &problem{code: api.CodeAccountParameter, refusal: api.RefusalLogin, message: message}
}

// checkLogin checks the parameters, and fills in what may be left out.
func checkLogin(p *api.LoginParams) error {
	switch {
	case p.SDKAppID == 0:
		return &problem{code: api.CodeSDKAppIDMissing, refusal: api.RefusalLogin, message: "SDKAppID is missing"}
	case !relation.ValidUserID(p.UserID):
		return loginProblem("UserID must be 1 to 32 bytes of printable ASCII")
	case len(p.DeviceID) > api.MaxDeviceID || !printable(p.DeviceID):
		return loginProblem("DeviceID must be 1 to 64 bytes of printable ASCII")
	case len(p.SDKVersion) > api.MaxSDKVersion || !printable(p.SDKVersion):
		return loginProblem("SDKVersion must be at most 64 bytes of printable ASCII")
	}
	if p.DeviceID == "" {
		p.DeviceID = uuid.NewString()
	}
	if !slices.Contains(api.Platforms(), p.Platform) {
		p.Platform = api.PlatformUnknown
	}
	return nil
}

func printable(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' })
}

// originAllowed reports whether a page of this origin may connect. Clients that are not browsers send none.
func originAllowed(allowed []string, origin string) bool {
	if origin == "" || len(allowed) == 0 {
		return true
	}
	u, err := url.Parse(strings.ToLower(origin))
	if err != nil {
		return false
	}
	return slices.ContainsFunc(allowed, func(pattern string) bool {
		scheme, host, _ := strings.Cut(pattern, "://")
		if scheme != u.Scheme {
			return false
		}
		below, wild := strings.CutPrefix(host, "*")
		return !wild && host == u.Host || wild && strings.HasSuffix(u.Host, below)
	})
}

// checkKick returns an error for a ticket that was made before the account's last kick.
func (g *Gateway) checkKick(t usersig.Ticket, kickedAt int64) error {
	return auth.TimeFailure(t.CheckTime(g.o.Now(), kickedAt))
}
