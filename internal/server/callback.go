package server

import (
	"context"
	"time"

	"github.com/kithchat/kith/internal/egress"
	"github.com/kithchat/kith/internal/pki"
	"github.com/kithchat/kith/internal/relation"
	"github.com/kithchat/kith/webhook"
)

// openEgress decides where callbacks may go.
func (s *Server) openEgress(context.Context) (err error) {
	s.egress, err = egress.New(egress.Options{Allow: s.config.CallbackAllow, Proxy: s.config.CallbackProxy})
	if err != nil {
		return err
	}
	s.warn(s.egress.Warnings())
	return nil
}

// openCA reads or makes the CA that issues client certificates.
func (s *Server) openCA(context.Context) (err error) {
	o := pki.Options{Dir: s.config.Data, CertFile: s.config.CallbackCACert, KeyFile: s.config.CallbackCAKey, Now: s.now}
	if s.box != nil {
		o.Seal, o.Unseal = s.sealCA, s.unsealCA
	}
	if s.ca, err = pki.Open(o); err != nil {
		return err
	}
	s.warn(s.ca.Warnings())
	return nil
}

func (s *Server) warn(sentences []string) {
	for _, sentence := range sentences {
		s.log.Warn(sentence)
	}
}

// checkURL says what is wrong with a callback URL: its form, or an address that callbacks may not go to.
func (s *Server) checkURL(url string) error {
	if err := webhook.ValidateURL(url); err != nil {
		return err
	}
	return s.egress.CheckURL(url)
}

func (s *Server) issue(sdkAppID uint32) (relation.ClientCertificate, error) {
	return s.ca.Issue(sdkAppID, 0)
}

// renewAt is when a certificate is replaced: in time, and at once when it is another CA's.
func (s *Server) renewAt(c relation.ClientCertificate) time.Time {
	if !s.ca.Issued(c) {
		return time.Time{}
	}
	return pki.RenewAt(c)
}

// pause notes what an endpoint asked for.
func (s *Server) pause(ctx context.Context, sdkAppID uint32, seen time.Time, pause relation.Pause) error {
	return s.registry.PauseGone(ctx, sdkAppID, seen, pause)
}
