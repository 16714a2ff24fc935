package config

import (
	"net"
	"net/url"
	"slices"
)

// Development returns a sentence for each setting whose value is fine for development and not in production, beginning with
// the setting's name. None of them keeps a server from starting.
func (c Config) Development() []string {
	var notes []string
	note := func(when bool, sentence string) {
		if when {
			notes = append(notes, sentence)
		}
	}
	note(slices.Contains(c.CallbackAllow, AllowLoopback),
		"callback-allow has loopback: who may set a callback URL can reach services of this machine; set none, or the ranges that app backends are in")
	note(slices.Contains(c.CallbackAllow, AllowPrivate),
		"callback-allow has private: who may set a callback URL can reach the whole inner network; name the ranges that app backends are in")
	note(c.MasterKey == "",
		"master-key is empty: keys and tokens of apps are in clear in the database and its backups; make one with `openssl rand -base64 32`")
	note(c.FirstApp,
		"first-app is on: a first start with an empty database makes an app and prints its key; set it to false and use `kith app create`")
	note(c.TLSCert == "" && c.Listen != "" && !loopback(c.Listen),
		"tls-cert is not set: other machines are shown a self-signed certificate, which they do not trust")
	note(unverified(c.Store),
		"store does not verify the database server's certificate: who is between the two can read and change everything; "+
			"add sslmode=verify-full, and sslrootcert=FILE for a CA of your own")
	return notes
}

// unverified reports whether a database on another machine is used whose certificate is not looked at.
func unverified(store string) bool {
	u, err := url.Parse(store)
	if err != nil || u.Hostname() == "" || loopback(net.JoinHostPort(u.Hostname(), "0")) {
		return false
	}
	mode := u.Query().Get("sslmode")
	return mode != "verify-full" && mode != "verify-ca"
}
