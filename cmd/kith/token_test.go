package main

import (
	"strings"
	"testing"

	"github.com/kithchat/kith/internal/operator"
)

func TestTokenCommands(t *testing.T) {
	data, info := startServer(t)
	k := shell{t, data}
	k.run("app", "create", "--sdkappid", "1600077123")
	k.run("app", "create", "--sdkappid", "5")
	if out := k.run("app", "token", "list", "1600077123"); !strings.Contains(out, "has no tokens") {
		t.Errorf("no tokens: %q", out)
	}
	var made operator.TokenSecret
	k.json(&made, "app", "token", "create", "1600077123", "--name", "laptop")
	if made.Name != "laptop" || !strings.HasPrefix(made.Secret, "kat_1600077123_") {
		t.Errorf("made %+v", made.Token)
	}
	if out := k.run("app", "token", "create", "5"); !strings.Contains(out, "kat_5_") || !strings.Contains(out, "shown this once") {
		t.Error("the token is not printed for people")
	}
	var listed []operator.Token
	k.json(&listed, "app", "token", "list", "1600077123")
	equal(t, "listed", listed, []operator.Token{made.Token})
	for _, out := range []string{k.run("app", "token", "list", "1600077123"), k.run("app", "show", "1600077123")} {
		if strings.Contains(out, made.Secret) || !strings.Contains(out, made.ID) || !strings.Contains(out, "laptop") {
			t.Error("the token is shown again, or its name is not")
		}
	}

	// What holds the token sees its app's callbacks and events, and nothing else.
	env := map[string]string{"KITH_OPERATOR": info.Operator, "KITH_OPERATOR_TOKEN": made.Secret}
	own := []string{"app", "callback", "show", "1600077123"}
	for _, args := range [][]string{own, {"events", "list", "--app", "1600077123"}, {"events", "list"}} {
		if r := execute(t, env, args...); r.status != exitDone {
			t.Errorf("%v: status %d, %s", args, r.status, r.err)
		}
	}
	named := execute(t, env, "app", "callback", "test", "1600077123", "--json")
	if r := execute(t, env, "app", "callback", "test", "--json"); r.status != named.status || !strings.Contains(r.err, "app 1600077123 has no callback URL") {
		t.Errorf("test of the token's app: %+v, with the app's name %+v", r, named)
	}
	k.fail(exitUsage, "name the app with SDKAPPID", "app", "callback", "test")
	k.fail(exitUsage, "takes SDKAPPID, but got 2", "app", "callback", "test", "1600077123", "5")
	// It goes before the token of the data directory, as a variable and as a flag.
	local := []string{"app", "list", "--data", data}
	refused := "this token is good for callbacks and events of app 1600077123 only"
	checkFailure(t, execute(t, map[string]string{"KITH_OPERATOR_TOKEN": made.Secret}, local...), exitFailed, refused, local)
	checkFailure(t, execute(t, nil, append(local, "--operator-token", made.Secret)...), exitFailed, refused, local)
	for _, args := range [][]string{{"app", "callback", "show", "5"}, {"app", "list"}, {"app", "delete", "1600077123"}} {
		r := execute(t, env, args...)
		checkFailure(t, r, exitFailed, "this token is good for callbacks and events of app 1600077123 only", args)
	}
	k.json(&listed, "app", "token", "drop", "1600077123", made.ID)
	equal(t, "left", listed, []operator.Token{})
	checkFailure(t, execute(t, env, own...), exitFailed, "was dropped", own)
	k.fail(exitUsage, "no token", "app", "token", "drop", "1600077123", made.ID)
	k.fail(exitUsage, "the name of a token must be", "app", "token", "create", "1600077123", "--name", " ")
	k.fail(exitUsage, "not an SDKAppID", "app", "token", "create", "x")
}
