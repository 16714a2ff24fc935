package main

import (
	"fmt"
	"io"
	"net/url"
	"strings"

	"github.com/kithchat/kith/internal/config"
	"github.com/kithchat/kith/internal/server"
)

// exampleCallback is where examples/appbackend listens.
const exampleCallback = "http://127.0.0.1:9000/callback"

// welcome is what a server prints when it has started: where it is, and after the first start how to use it.
type welcome struct {
	server.Info
	program string // how kith was called
	data    string // the data directory as it was given
}

func (i welcome) write(w io.Writer) {
	p := func(format string, args ...any) { _, _ = fmt.Fprintf(w, format+"\n", args...) }
	p("Kith %s is running.\n", i.Version)
	if i.HTTP != "" {
		p("  REST API\t%s", i.HTTP)
	}
	if i.HTTPS != "" {
		p("  REST API\t%s%s", i.HTTPS, i.certificateNote())
	}
	if i.Gateway != "" {
		p("  gateway\t%s", i.Gateway)
	}
	p("  operator API\t%s", i.Operator)
	p("  data\t%s (%s)", i.data, i.Engine)
	p("  apps: %d", i.Apps)
	if i.FirstApp != nil {
		i.writeFirstApp(p)
	}
}

func (i welcome) certificateNote() string {
	if i.SelfSigned == "" {
		return ""
	}
	return " (self-signed: " + i.SelfSigned + ")"
}

func (i welcome) writeFirstApp(p func(string, ...any)) {
	app := i.FirstApp
	p("\nThis is the first start, so there is an app for you. Its secret key is not shown again.\n")
	p("  SDKAppID\t%d", app.SDKAppID)
	p("  secret key\t%s", app.Key)
	p("  admin\t%s", app.Admin)
	p("  UserSig\t%s", app.UserSig)
	p("  \t(of %s, good until %s)", app.Admin, when(app.Expires))
	p("\nSee it work. Start an app backend that prints each callback, in a second terminal:\n")
	p("  go run ./examples/appbackend\n")
	p("Then paste this into a third one:\n")
	query := fmt.Sprintf("sdkappid=%d&identifier=%s&usersig=%s&random=1&contenttype=json",
		app.SDKAppID, url.QueryEscape(app.Admin), app.UserSig) // a UserSig needs no escapes
	p("  Q='%s'", query)
	p("  %s", i.curl("im_open_login_svc/multiaccount_import", `{"Accounts":["mira","tom","ann","rob"]}`))
	p("  %s app callback set %d --url %s%s", shellWord(i.program), app.SDKAppID, exampleCallback, i.dataFlag())
	p("  %s", i.curl("sns/black_list_add", `{"From_Account":"mira","To_Account":["tom","ann","rob"]}`))
	p("  %s", i.curl("sns/black_list_delete", `{"From_Account":"mira","To_Account":["tom","ann"]}`))
	p("")
}

// curl is a line that calls a command with the query in Q.
func (i welcome) curl(command, body string) string {
	base, trust := i.HTTP, ""
	if base == "" {
		base = i.HTTPS
		if i.SelfSigned != "" {
			trust = "--cacert " + shellWord(i.SelfSigned) + " "
		}
	}
	return fmt.Sprintf(`curl -sw '\n' %s"%s/v4/%s?$Q" -d '%s'`, trust, base, command, body)
}

// dataFlag is what a client command needs to find this server.
func (i welcome) dataFlag() string {
	if i.data == config.Default().Data {
		return ""
	}
	return " --data " + shellWord(i.data)
}

// shellWord quotes text for a POSIX shell where it needs that.
func shellWord(text string) string {
	plain := !strings.ContainsFunc(text, func(r rune) bool {
		return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=:,./@%", r)
	})
	if text != "" && plain {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}
