package config_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/kithchat/kith/internal/config"
)

func TestValidateNamesEachProblem(t *testing.T) {
	tests := []struct {
		name  string
		spoil func(*config.Config)
		want  string // the problem begins so; empty: valid
	}{
		{"defaults", func(*config.Config) {}, ""},
		{"any free port", func(c *config.Config) {
			c.Listen, c.ListenHTTP, c.OperatorListen = "127.0.0.1:0", "[::1]:0", "localhost:0"
		}, ""},
		{"only HTTPS, everywhere", func(c *config.Config) { c.Listen, c.ListenHTTP = ":8443", "" }, ""},
		{"plain HTTP said explicitly", func(c *config.Config) { c.ListenHTTP, c.AllowPlain = ":8080", true }, ""},
		{"plain HTTP beyond loopback", func(c *config.Config) { c.ListenHTTP = "0.0.0.0:8080" }, "listen-http 0.0.0.0:8080 is beyond loopback"},
		{"plain HTTP on all interfaces", func(c *config.Config) { c.ListenHTTP = ":8080" }, "listen-http :8080 is beyond loopback"},
		{"plain HTTP by name", func(c *config.Config) { c.ListenHTTP = "kith.example:80" }, "listen-http kith.example:80 is beyond"},
		{"no data directory", func(c *config.Config) { c.Data = "" }, "data must name"},
		{"store of another kind", func(c *config.Config) { c.Store = "mysql://h/n" }, "store must be"},
		{"password as it is", func(c *config.Config) { c.Store = "postgres://u:a b@h/n" }, "store is no URL: in user and password write"},
		{"no address", func(c *config.Config) { c.Listen, c.ListenHTTP = "", "" }, "listen and listen-http are both empty"},
		{"no port", func(c *config.Config) { c.Listen = "127.0.0.1" }, "listen must be host:port"},
		{"port by name", func(c *config.Config) { c.Listen = "127.0.0.1:https" }, "listen must be host:port"},
		{"large port", func(c *config.Config) { c.Listen = "127.0.0.1:65536" }, "listen must be host:port"},
		{"same address", func(c *config.Config) { c.OperatorListen = c.Listen }, "operator-listen has the same address as listen"},
		{"no operator address", func(c *config.Config) { c.OperatorListen = "" }, "operator-listen must be"},
		{"certificate without key", func(c *config.Config) { c.TLSCert = "c.pem" }, "tls-cert and tls-key belong together"},
		{"bad proxy", func(c *config.Config) { c.TrustedProxies = []string{"10.0.0.0/33"} }, `trusted-proxies "10.0.0.0/33" is not`},
		{"small body", func(c *config.Config) { c.MaxBody = 1023 }, "max-body must be 1024 to"},
		{"negative cache", func(c *config.Config) { c.TicketCache = -1 }, "ticket-cache must be 0"},
		{"short token", func(c *config.Config) { c.OperatorToken = "hunter2" }, "operator-token must be at least 16"},
		{"no time for a call", func(c *config.Config) { c.CallTimeout = 0 }, "call-timeout must be 100ms to 1m, not 0s"},
		{"negative budget", func(c *config.Config) { c.RetryBudget = -time.Second }, "retry-budget must be 1s to"},
		{"line feed", func(c *config.Config) { c.ReadyFile = "a\nb" }, "ready-file has a character"},
		{"slow callback", func(c *config.Config) { c.CallbackTimeout = 61 * time.Second }, "callback-timeout must be 100ms to 1m, not 1m1s"},
		{"no concurrency", func(c *config.Config) { c.CallbackConcurrency = 0 }, "callback-concurrency must be 1 to"},
		{"any address", func(c *config.Config) { c.CallbackAllow = []string{"everything"} }, "callback-allow must be loopback"},
		{"none among others", func(c *config.Config) { c.CallbackAllow = []string{"none", "private"} }, "callback-allow must be loopback"},
		{"none", func(c *config.Config) { c.CallbackAllow = []string{"none"} }, ""},
		{"ranges", func(c *config.Config) { c.CallbackAllow = []string{"loopback", "private", "100.64.0.0/10", "fd00::1"} }, ""},
		{"proxy of another kind", func(c *config.Config) { c.CallbackProxy = "socks5://hunter2@h:1" }, "callback-proxy must be"},
		{"CA without key", func(c *config.Config) { c.CallbackCACert = "ca.pem" }, "callback-ca-cert and callback-ca-key belong"},
		{"tiny record", func(c *config.Config) { c.RecordSize = 1 }, "record-size must be 1048576 bytes"},
		{"no record", func(c *config.Config) { c.RecordRetention = 0 }, ""},
		{"long node name", func(c *config.Config) { c.NodeName = strings.Repeat("n", 65) }, "node-name must have at most 64"},
		{"traces to nowhere", func(c *config.Config) { c.TraceEndpoint = "127.0.0.1:4318" }, "trace-endpoint must be"},
		{"traces with a secret in the URL", func(c *config.Config) { c.TraceEndpoint = "https://kith:secret@traces.example.net" }, "trace-endpoint must be"},
		{"more than all traces", func(c *config.Config) { c.TraceSample = 1.5 }, "trace-sample must be 0 to 1"},
		{"traces of no number", func(c *config.Config) { c.TraceSample = math.NaN() }, "trace-sample must be 0 to 1"},
		{"short master key", func(c *config.Config) { c.MasterKey = "aHVudGVyMg==" }, "master-key must be 32 bytes"},
		{"two master keys", func(c *config.Config) {
			c.MasterKey = strings.Repeat("A", 43) + "=," + strings.Repeat("B", 42) + "A="
		}, ""},
		{"small frame", func(c *config.Config) { c.GatewayMaxFrame = 1023 }, "gateway-max-frame must be 1024 to"},
		{"small queue", func(c *config.Config) { c.GatewayQueue = 1 }, "gateway-queue must be 65536 to"},
		{"no calls", func(c *config.Config) { c.GatewayRate = 0 }, "gateway-rate must be 1 to"},
		{"no sessions", func(c *config.Config) { c.GatewayMaxSessions = 0 }, "gateway-max-sessions must be 1 to"},
		{"no address", func(c *config.Config) { c.GatewayMaxAddress = 0 }, "gateway-max-address must be 1 or more"},
		{"no limit of addresses", func(c *config.Config) { c.GatewayMaxAddress = -1 }, ""},
		{"negative history", func(c *config.Config) { c.GatewayHistory = -1 }, "gateway-history must be 0"},
		{"hectic heartbeat", func(c *config.Config) { c.GatewayHeartbeat = time.Millisecond }, "gateway-heartbeat must be 1s to"},
		{"log format", func(c *config.Config) { c.LogFormat = "xml" }, `log-format must be text or json, not "xml"`},
		{"log level", func(c *config.Config) { c.LogLevel = "loud" }, "log-level must be"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := config.Default()
			test.spoil(&c)
			err := c.Validate()
			switch {
			case test.want == "" && err != nil:
				t.Error(err)
			case test.want == "":
			case err == nil || !strings.HasPrefix(err.Error(), test.want) || strings.Contains(err.Error(), "\n"):
				t.Errorf("err = %v, want one line that begins %q", err, test.want)
			case strings.Contains(err.Error(), "hunter2"):
				t.Errorf("the error tells the token: %v", err)
			}
		})
	}
}

func TestValidateTellsAllProblems(t *testing.T) {
	c := config.Default()
	c.Data, c.LogLevel, c.MaxBody = "", "x", 0
	if err := c.Validate(); err == nil || len(strings.Split(err.Error(), "\n")) != 3 {
		t.Errorf("err = %v, want three lines", err)
	}
}

func TestOperatorTLS(t *testing.T) {
	for address, want := range map[string]bool{
		"127.0.0.1:8081": false, "[::1]:1": false, "localhost:1": false, ":8081": true, "0.0.0.0:1": true, "ops.example:1": true,
	} {
		if got := (config.Config{OperatorListen: address}).OperatorTLS(); got != want {
			t.Errorf("OperatorTLS on %s = %t, want %t", address, got, want)
		}
	}
}
