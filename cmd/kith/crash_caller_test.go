package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/kithchat/kith/api"
	"github.com/kithchat/kith/internal/operator"
	"github.com/kithchat/kith/usersig"
)

const (
	crashApp   = 1600077123
	crashKey   = "crash-test-secret-key-0001"
	crashAdmin = "administrator"
)

// crashCaller is an app backend that makes REST calls to whichever server runs now.
type crashCaller struct {
	http  *http.Client
	base  string
	query string
}

// newCrashCaller creates the app, with its callbacks going to callbackURL, on the server of the data directory.
func newCrashCaller(t *testing.T, dir, callbackURL string) *crashCaller {
	t.Helper()
	client, err := operator.FromDataDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if _, err := client.CreateApp(t.Context(), operator.CreateApp{SDKAppID: crashApp, Key: crashKey, Admins: []string{crashAdmin}}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.SetCallback(t.Context(), crashApp, operator.SetCallback{URL: &callbackURL}); err != nil {
		t.Fatal(err)
	}
	sig, err := usersig.Sign(crashKey, usersig.Ticket{SDKAppID: crashApp, Identifier: crashAdmin, Issued: time.Now().Unix(), Expire: 3600})
	if err != nil {
		t.Fatal(err)
	}
	c := &crashCaller{
		http:  &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: crashOwners}, Timeout: crashSettle},
		query: url.Values{"sdkappid": {fmt.Sprint(crashApp)}, "identifier": {crashAdmin}, "usersig": {sig}}.Encode(),
	}
	t.Cleanup(c.http.CloseIdleConnections)
	return c
}

// connect makes the caller use the server at base from now on.
func (c *crashCaller) connect(base string) { c.base = base }

// call makes a REST call. An error means that its outcome is not known.
func (c *crashCaller) call(command string, body, answer any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	response, err := c.http.Post(c.base+"/v4/"+command+"?"+c.query, "application/json", bytes.NewReader(text))
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if text, err = io.ReadAll(response.Body); err != nil {
		return err
	}
	return json.Unmarshal(text, answer)
}

func (c *crashCaller) importAccounts(t *testing.T) {
	t.Helper()
	var accounts []string
	for i := range crashOwners {
		accounts = append(accounts, crashOwner(i))
	}
	for i := range crashTargets {
		accounts = append(accounts, crashTarget(i))
	}
	var answer api.MultiAccountImportResponse
	err := c.call("im_open_login_svc/multiaccount_import", api.MultiAccountImportRequest{Accounts: accounts}, &answer)
	if err != nil || answer.ErrorCode != api.OK {
		t.Fatalf("import: %v %+v", err, answer)
	}
}

// change makes the call of a change and returns the result code of each target.
func (c *crashCaller) change(owner string, change change) ([]api.Code, error) {
	command := "sns/black_list_add"
	if change.command == api.CallbackBlackListDelete {
		command = "sns/black_list_delete"
	}
	var answer api.BlockResponse
	if err := c.call(command, api.BlockRequest{FromAccount: owner, ToAccount: change.targets}, &answer); err != nil {
		return nil, err
	}
	if len(answer.ResultItem) != len(change.targets) {
		return nil, errors.New(answer.ErrorInfo) // such as the store being closed
	}
	codes := make([]api.Code, len(answer.ResultItem))
	for i, item := range answer.ResultItem {
		codes[i] = item.ResultCode
	}
	return codes, nil
}

// checkList compares an owner's blocklist with what its calls made of it.
func (c *crashCaller) checkList(t *testing.T, h *history) {
	t.Helper()
	var answer api.BlockGetResponse
	err := c.call("sns/black_list_get", api.BlockGetRequest{FromAccount: h.owner, MaxLimited: 1000}, &answer)
	if err != nil || answer.ErrorCode != api.OK {
		t.Fatalf("list of %s: %v %+v", h.owner, err, answer)
	}
	var got, want []string
	for _, entry := range answer.BlackListItem {
		got = append(got, entry.ToAccount)
	}
	for target, listed := range h.listed {
		if listed {
			want = append(want, target)
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("the list of %s holds %v, want %v", h.owner, got, want)
	}
}
