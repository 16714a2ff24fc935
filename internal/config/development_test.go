package config_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/kithchat/kith/internal/config"
)

func TestDevelopment(t *testing.T) {
	production := config.Default()
	production.CallbackAllow = []string{"10.1.0.0/16"}
	production.MasterKey = strings.Repeat("A", 43) + "="
	production.FirstApp = false
	production.Listen, production.TLSCert, production.TLSKey = "0.0.0.0:8443", "cert.pem", "key.pem"
	for _, c := range []struct {
		change func(*config.Config)
		want   []string
	}{
		{func(*config.Config) {}, nil},
		{func(c *config.Config) { c.CallbackAllow = []string{config.AllowNone} }, nil},
		{func(c *config.Config) { c.CallbackAllow = []string{config.AllowLoopback, config.AllowPrivate} }, []string{"callback-allow has loopback", "callback-allow has private"}},
		{func(c *config.Config) { c.MasterKey = "" }, []string{"master-key"}},
		{func(c *config.Config) { c.FirstApp = true }, []string{"first-app"}},
		{func(c *config.Config) { c.TLSCert, c.TLSKey = "", "" }, []string{"tls-cert"}},
		{func(c *config.Config) { c.TLSCert, c.TLSKey, c.Listen = "", "", "127.0.0.1:8443" }, nil},
		{func(c *config.Config) { c.Store = "postgres://u:p@db.test/kith?sslmode=require" }, []string{"store does not verify"}},
		{func(c *config.Config) { c.Store = "postgres://u:p@db.test/kith" }, []string{"store does not verify"}},
		{func(c *config.Config) { c.Store = "postgres://u:p@db.test/kith?sslmode=verify-full" }, nil},
		{func(c *config.Config) { c.Store = "postgres://u:p@127.0.0.1/kith" }, nil},
		{func(c *config.Config) { c.Store = "postgres://u@/kith?host=/run/postgresql" }, nil},
		{func(c *config.Config) { *c = config.Default() }, []string{"callback-allow", "master-key", "first-app"}},
	} {
		cfg := production
		c.change(&cfg)
		got := cfg.Development()
		if !slices.EqualFunc(got, c.want, strings.HasPrefix) {
			t.Errorf("%q, want %q", got, c.want)
		}
		if cfg.MasterKey != "" && strings.Contains(strings.Join(got, " "), cfg.MasterKey) {
			t.Error("the key is told")
		}
	}
}
