package config

import (
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"net"
	"net/netip"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Limits of values.
const (
	minOperatorToken = 16
	minBody          = 1 << 10
	maxBody          = 64 << 20
	minFrame         = 1 << 10
	maxFrame         = 16 << 20
	minQueue         = 64 << 10
	minRecord        = 1 << 20
	maxNodeName      = 64
	masterKeyBytes   = 32
	maxDuration      = 10 * 365 * 24 * time.Hour
)

// Validate returns an error with a line for each problem, beginning with the field's name, or nil. It looks at the
// values only, not at the files they name.
func (c Config) Validate() error {
	var p problems
	p.texts(c)
	p.check(c.Data != "", "data", "must name a directory")
	p.store(c.Store)
	p.addresses(c)
	p.check((c.TLSCert == "") == (c.TLSKey == ""), "tls-cert", "and tls-key belong together; set both or none")
	for _, text := range c.TrustedProxies {
		_, err := parseProxy(text)
		p.check(err == nil, "trusted-proxies", "%q is not an address or CIDR such as 10.0.0.0/8", text)
	}
	p.check(c.MaxBody >= minBody && c.MaxBody <= maxBody, "max-body", "must be %d to %d bytes", minBody, maxBody)
	p.check(c.TicketCache >= 0 && c.TicketCache <= math.MaxInt32, "ticket-cache", "must be 0 or more tickets")
	p.gateway(c)
	p.token(c.OperatorToken)
	p.durations(c)
	p.check(c.CallbackConcurrency >= 1 && c.CallbackConcurrency <= 1024, "callback-concurrency", "must be 1 to 1024 attempts")
	p.callbacks(c)
	p.check(c.LogFormat == "text" || c.LogFormat == "json", "log-format", "must be text or json, not %q", c.LogFormat)
	_, known := levels[c.LogLevel]
	p.check(known, "log-level", "must be debug, info, warn or error, not %q", c.LogLevel)
	return errors.Join(p...)
}

// problems collects sentences.
type problems []error

// check adds the sentence about the field unless ok.
func (p *problems) check(ok bool, name, format string, args ...any) {
	if !ok {
		*p = append(*p, fmt.Errorf("%s %s", name, fmt.Sprintf(format, args...)))
	}
}

// texts refuses what cannot be printed, in any field: it is never meant, and a line feed would forge a log line.
func (p *problems) texts(c Config) {
	for _, f := range fields() {
		var text string
		switch v := reflect.ValueOf(c).Field(f.index).Interface().(type) {
		case string:
			text = v
		case []string:
			text = strings.Join(v, " ")
		}
		odd := strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) })
		p.check(utf8.ValidString(text) && !odd, f.name, "has a character that cannot be printed; remove it")
	}
}

func (p *problems) store(text string) {
	if text == "" {
		return
	}
	if !strings.HasPrefix(text, "postgres://") && !strings.HasPrefix(text, "postgresql://") {
		p.check(false, "store", "must be a URL that begins with postgres://, or empty for SQLite in the data directory")
		return
	}
	_, err := url.Parse(text)
	p.check(err == nil, "store", "is no URL: in user and password write special characters as in %%40 for @ and %%20 for a blank")
}

func (p *problems) addresses(c Config) {
	p.check(c.Listen != "" || c.ListenHTTP != "", "listen", "and listen-http are both empty; the REST API needs one of them")
	p.address("listen", c.Listen)
	p.address("listen-http", c.ListenHTTP)
	p.check(c.OperatorListen != "", "operator-listen", "must be an address such as 127.0.0.1:8081")
	p.address("operator-listen", c.OperatorListen)
	p.check(c.ListenHTTP == "" || c.AllowPlain || loopback(c.ListenHTTP), "listen-http",
		"%s is beyond loopback, where plain HTTP shows tickets to the network; use listen (HTTPS), or set allow-plain", c.ListenHTTP)
	addresses := map[string]string{}
	for _, a := range []struct{ name, text string }{
		{"listen", c.Listen},
		{"listen-http", c.ListenHTTP},
		{"operator-listen", c.OperatorListen},
	} {
		if a.text == "" || strings.HasSuffix(a.text, ":0") {
			continue
		}
		p.check(addresses[a.text] == "", a.name, "has the same address as %s", addresses[a.text])
		addresses[a.text] = a.name
	}
}

func (p *problems) address(name, text string) {
	if text == "" {
		return
	}
	_, port, err := net.SplitHostPort(text)
	_, portErr := strconv.ParseUint(port, 10, 16)
	p.check(err == nil && portErr == nil, name, "must be host:port, such as 127.0.0.1:8443 or [::1]:8443, not %q", text)
}

func (p *problems) token(token string) {
	odd := strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' })
	p.check(token == "" || len(token) >= minOperatorToken && !odd, "operator-token",
		"must be at least %d printable ASCII characters without blanks", minOperatorToken)
}

func (p *problems) durations(c Config) {
	for _, d := range []struct {
		name       string
		value, min time.Duration
		max        time.Duration
	}{
		{"call-timeout", c.CallTimeout, 100 * time.Millisecond, time.Minute},
		{"header-timeout", c.HeaderTimeout, time.Second, time.Hour},
		{"read-timeout", c.ReadTimeout, time.Second, time.Hour},
		{"idle-timeout", c.IdleTimeout, time.Second, 24 * time.Hour},
		{"gateway-login-timeout", c.GatewayLoginTimeout, time.Second, time.Hour},
		{"gateway-heartbeat", c.GatewayHeartbeat, time.Second, time.Hour},
		{"gateway-grace", c.GatewayGrace, 10 * time.Millisecond, time.Hour},
		{"gateway-spread", c.GatewaySpread, 10 * time.Millisecond, time.Hour},
		{"retry-budget", c.RetryBudget, time.Second, maxDuration},
		{"callback-timeout", c.CallbackTimeout, 100 * time.Millisecond, time.Minute},
		{"record-retention", c.RecordRetention, 0, maxDuration},
		{"shutdown-timeout", c.ShutdownTimeout, 0, time.Hour},
	} {
		p.check(d.value >= d.min && d.value <= d.max, d.name, "must be %s to %s, not %s",
			shortDuration(d.min), shortDuration(d.max), shortDuration(d.value))
	}
}

func (p *problems) gateway(c Config) {
	p.check(c.GatewayMaxFrame >= minFrame && c.GatewayMaxFrame <= maxFrame, "gateway-max-frame", "must be %d to %d bytes", minFrame, maxFrame)
	p.check(c.GatewayQueue >= minQueue && c.GatewayQueue <= maxFrame, "gateway-queue", "must be %d to %d bytes", minQueue, maxFrame)
	p.check(c.GatewayRate >= 1 && c.GatewayRate <= 1_000_000, "gateway-rate", "must be 1 to 1000000 calls a second")
	p.check(c.GatewayMaxSessions >= 1 && c.GatewayMaxSessions <= 1000, "gateway-max-sessions", "must be 1 to 1000 connections")
	p.check(c.GatewayMaxAddress >= 1 || c.GatewayMaxAddress == -1, "gateway-max-address", "must be 1 or more connections, or -1 for no limit")
	p.check(c.GatewayHistory >= 0, "gateway-history", "must be 0 or more bytes")
}

func (p *problems) callbacks(c Config) {
	for i, text := range c.CallbackAllow {
		_, err := parseProxy(text)
		p.check(err == nil || text == AllowLoopback || text == AllowPrivate || text == AllowNone && len(c.CallbackAllow) == 1 && i == 0,
			"callback-allow", "must be loopback, private, CIDRs such as 10.1.0.0/16, or none alone, not %q", text)
	}
	if c.CallbackProxy != "" {
		u, err := url.Parse(c.CallbackProxy)
		p.check(err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && strings.Trim(u.Path, "/") == "",
			"callback-proxy", "must be a URL such as http://proxy.example.net:3128")
	}
	p.check((c.CallbackCACert == "") == (c.CallbackCAKey == ""), "callback-ca-cert", "and callback-ca-key belong together; set both or none")
	p.check(c.RecordSize >= minRecord, "record-size", "must be %d bytes or more; to keep no record set record-retention to 0", minRecord)
	p.check(len(c.NodeName) <= maxNodeName, "node-name", "must have at most %d characters", maxNodeName)
	if c.TraceEndpoint != "" {
		u, err := url.Parse(c.TraceEndpoint)
		p.check(err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && u.User == nil && u.RawQuery == "",
			"trace-endpoint", "must be a URL such as http://127.0.0.1:4318, without user or query; "+
				"give a token to OTEL_EXPORTER_OTLP_HEADERS in the environment")
	}
	p.check(c.TraceSample >= 0 && c.TraceSample <= 1, "trace-sample", "must be 0 to 1")
	for _, text := range strings.Split(c.MasterKey, ",") {
		key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
		p.check(c.MasterKey == "" || err == nil && len(key) == masterKeyBytes, "master-key",
			"must be %d bytes in base64, as `openssl rand -base64 32` makes them", masterKeyBytes)
	}
}

// loopback reports whether only this machine can reach the address. An empty host is every interface.
func loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

// parseProxy reads a CIDR, or an address as the network of itself.
func parseProxy(text string) (netip.Prefix, error) {
	if !strings.Contains(text, "/") {
		ip, err := netip.ParseAddr(text)
		if err != nil {
			return netip.Prefix{}, err
		}
		return netip.PrefixFrom(ip.Unmap(), ip.Unmap().BitLen()), nil
	}
	prefix, err := netip.ParsePrefix(text)
	return prefix.Masked(), err
}
