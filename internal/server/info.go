package server

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/kithchat/kith/api"
	"github.com/kithchat/kith/internal/apps"
	"github.com/kithchat/kith/internal/operator"
	"github.com/kithchat/kith/usersig"
)

// Info says what runs and where, for the person or program that started it.
type Info struct {
	Version  string `json:"version"`
	HTTP     string `json:"http,omitempty"`  // URL of the plain REST API, without a slash at the end; empty: none
	HTTPS    string `json:"https,omitempty"` // the same over TLS
	Operator string `json:"operator"`        // URL of the operator API
	// Gateway is where phones and browsers connect, as ws:// where there is plain HTTP, else as wss://; empty: nowhere.
	Gateway string `json:"gateway,omitempty"`
	// SelfSigned is the file of the self-signed certificate; empty when the certificate is the operator's own, or none.
	SelfSigned string `json:"self_signed,omitempty"`
	Data       string `json:"data"`   // the data directory, absolute
	Engine     string `json:"engine"` // sqlite or postgres
	Apps       int    `json:"apps"`
	// FirstApp is set at the start that created it.
	FirstApp *FirstApp `json:"first_app,omitempty"`
}

// FirstApp is the app that the first start made, with its secrets. They are shown once and kept nowhere else in clear
// but in the store.
type FirstApp struct {
	SDKAppID uint32 `json:"sdkappid"`
	Key      string `json:"key"`
	Admin    string `json:"admin"`
	// UserSig is the admin's, good until Expires.
	UserSig string    `json:"usersig"`
	Expires time.Time `json:"expires"`
}

// Info describes the server. The addresses are known after New, the rest after Start.
func (s *Server) Info() Info {
	info := Info{
		Version: s.version, Operator: s.front(frontOperator).url(),
		Data: s.config.Data, Engine: s.store.Engine(), Apps: len(s.registry.All()), FirstApp: s.firstApp,
	}
	if f := s.front(frontHTTP); f != nil {
		info.HTTP = f.url()
	}
	if f := s.front(frontHTTPS); f != nil {
		info.HTTPS = f.url()
	}
	if s.gateway != nil {
		info.Gateway = "ws" + strings.TrimPrefix(cmp.Or(info.HTTP, info.HTTPS), "http") + api.GatewayPath
	}
	if s.certs != nil && s.certs.selfSigned {
		info.SelfSigned = s.certs.certFile
	}
	return info
}

// createFirstApp creates an app when there is none and the configuration wants one.
func (s *Server) createFirstApp(ctx context.Context) error {
	if !s.config.FirstApp || len(s.registry.All()) > 0 {
		return nil
	}
	app, err := s.registry.Create(ctx, apps.New{Name: "first app"})
	if err != nil {
		return fmt.Errorf("create the first app: %w", err)
	}
	ticket := usersig.Ticket{
		SDKAppID: app.SDKAppID, Identifier: app.Admins[0],
		Issued: s.now().Unix(), Expire: int64(operator.DefaultExpire / time.Second),
	}
	sig, err := usersig.Sign(app.Keys[0].Secret, ticket)
	if err != nil {
		return fmt.Errorf("sign for the first app: %w", err)
	}
	s.firstApp = &FirstApp{
		SDKAppID: app.SDKAppID, Key: app.Keys[0].Secret, Admin: app.Admins[0],
		UserSig: sig, Expires: time.Unix(ticket.ExpiresAt(), 0).UTC(),
	}
	return nil
}

// readyFile is what Config.ReadyFile holds while the server serves.
type readyFile struct {
	HTTP     string `json:"http"`
	HTTPS    string `json:"https"`
	Operator string `json:"operator"`
	PID      int    `json:"pid"`
}

// checkReadyFile finds out early that the file cannot be written: later there would be a first app whose key nobody saw.
func (s *Server) checkReadyFile(context.Context) error {
	if s.config.ReadyFile == "" {
		return nil
	}
	if info, err := os.Stat(filepath.Dir(s.config.ReadyFile)); err != nil || !info.IsDir() {
		return fmt.Errorf("ready-file %s is not in a directory that exists; make it, or choose another", s.config.ReadyFile)
	}
	// It is replaced at the start, and removed at the end.
	if info, err := os.Stat(s.config.ReadyFile); err == nil && !info.Mode().IsRegular() {
		return fmt.Errorf("ready-file %s is there and is no plain file; choose another", s.config.ReadyFile)
	}
	return nil
}

func (s *Server) writeReadyFile() error {
	if s.config.ReadyFile == "" {
		return nil
	}
	info := s.Info()
	text, err := json.Marshal(readyFile{HTTP: info.HTTP, HTTPS: info.HTTPS, Operator: info.Operator, PID: os.Getpid()})
	if err != nil {
		return fmt.Errorf("encode the ready file: %w", err)
	}
	return writeAtomic(s.config.ReadyFile, append(text, '\n'))
}
