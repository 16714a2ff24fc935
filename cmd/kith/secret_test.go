package main

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/kithchat/kith/internal/apps"
	"github.com/kithchat/kith/internal/leaktest"
	"github.com/kithchat/kith/internal/operator"
	"github.com/kithchat/kith/internal/relation"
)

func TestSecretsFromStandardInput(t *testing.T) {
	data, _ := startServer(t)
	for _, call := range []struct{ secret, command string }{
		{leaktest.AppKey, "app create --sdkappid " + deliveryApp + " --key -"},
		{leaktest.AppKey + "2\n", "app rotate-key " + deliveryApp + " --key - --json"},
		{leaktest.CallbackToken + "\r\n", "app callback set " + deliveryApp + " --url https://backend.example/cb --token -"},
		{leaktest.SigningKey + "\n", "app callback keys add " + deliveryApp + " --secret - --json"},
		{leaktest.SigningPair, "app callback keys add " + deliveryApp + " --secret -"},
	} {
		args := append(strings.Fields(call.command), "--data", data)
		r := executeWith(t, strings.NewReader(call.secret), nil, args...)
		if r.status != exitDone || r.err != "" {
			t.Fatalf("kith %s: status %d, %s", call.command, r.status, r.err)
		}
		leaktest.Check(t, "kith "+call.command, r.out)
	}

	// They are in force.
	k := shell{t, data}
	var app operator.App
	k.json(&app, "app", "show", deliveryApp)
	got := []string{app.Keys[0].Fingerprint, app.Keys[1].Fingerprint, app.Callback.SigningKeys[0].ID, app.Callback.SigningKeys[1].ID}
	equal(t, "secrets", got, []string{
		apps.Fingerprint(relation.AppKey{Secret: leaktest.AppKey + "2"}), apps.Fingerprint(relation.AppKey{Secret: leaktest.AppKey}),
		apps.SigningKeyID(leaktest.SigningPair), apps.SigningKeyID(leaktest.SigningKey),
	})
	if !app.Callback.TokenSet {
		t.Error("the token is not set")
	}
}

func TestWrongSecretsFromStandardInput(t *testing.T) {
	data, _ := startServer(t)
	k := shell{t, data}
	k.run("app", "create", "--sdkappid", deliveryApp)
	before := k.run("app", "show", deliveryApp, "--json")
	add := []string{"app", "callback", "keys", "add", deliveryApp, "--secret", "-", "--data", data}
	for _, test := range []struct {
		status     int
		want, text string
	}{
		{exitUsage, "standard input is empty, but `--secret -` takes", ""},
		{exitUsage, "standard input is empty", "\n"},
		{exitUsage, "standard input has several lines", leaktest.SigningKey + "\n" + leaktest.SigningKey},
		{exitUsage, "longer than 4096 bytes", strings.Repeat(leaktest.SigningKey, 100)},
		{exitUsage, "neither with whsec_", strings.Repeat("x", maxSecret) + "\r\n"},
		{exitUsage, "neither with whsec_", leaktest.CallbackToken},
	} {
		r := executeWith(t, strings.NewReader(test.text), nil, add...)
		checkFailure(t, r, test.status, test.want, add)
		leaktest.Check(t, "the refusal", r.out, r.err)
	}
	r := executeWith(t, io.MultiReader(strings.NewReader(leaktest.SigningKey), iotest.ErrReader(errors.New("gone"))), nil, add...)
	checkFailure(t, r, exitFailed, "read --secret from standard input: gone", add)
	if after := k.run("app", "show", deliveryApp, "--json"); after != before {
		t.Errorf("a refused secret changed the app: %s", after)
	}
}
