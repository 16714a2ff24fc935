package operator

import (
	"net/http"
	"time"

	"github.com/kithchat/kith/internal/relation"
)

// Token names a token of the operator API that is good for one app only.
type Token struct {
	ID      string    `json:"id"`
	Name    string    `json:"name,omitempty"`
	Created time.Time `json:"created"`
}

// CreateToken describes a token to make. The name is for people and may be empty.
type CreateToken struct {
	Name string `json:"name,omitempty"`
}

// TokenSecret is a token together with its secret. It is the answer that made it; no other answer has it.
type TokenSecret struct {
	Token
	Secret string `json:"token"` // kat_…, what a caller presents
}

func (h *handler) createToken(_ http.ResponseWriter, r *http.Request) (any, error) {
	var req CreateToken
	id, err := appID(r)
	if err != nil {
		return nil, err
	}
	if err := readJSON(r, &req); err != nil {
		return nil, err
	}
	secret, made, err := h.Registry.CreateToken(r.Context(), id, req.Name)
	if err != nil {
		return nil, err
	}
	return TokenSecret{Token: showToken(made), Secret: secret}, nil
}

func (h *handler) dropToken(_ http.ResponseWriter, r *http.Request) (any, error) {
	id, err := appID(r)
	if err != nil {
		return nil, err
	}
	app, err := h.Registry.DropToken(r.Context(), id, r.PathValue("token"))
	if err != nil {
		return nil, err
	}
	return show(app, h.Now()), nil
}

func showToken(t relation.AppToken) Token { return Token{ID: t.ID, Name: t.Name, Created: t.Created} }

func showTokens(tokens []relation.AppToken) []Token {
	shown := make([]Token, len(tokens))
	for i, t := range tokens {
		shown[i] = showToken(t)
	}
	return shown
}
