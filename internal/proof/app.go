package proof

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/kithchat/kith/api"
	"github.com/kithchat/kith/internal/operator"
	"github.com/kithchat/kith/usersig"
)

const (
	// AppKey signs the tickets of every App, of its admin too.
	AppKey   = "proof-test-secret-key-0001"
	appAdmin = "administrator"
	// callTime bounds a REST call.
	callTime = 30 * time.Second
	// insistTime bounds how long a call is repeated that changes nothing when it is made again.
	insistTime = time.Minute
	// importSize is how many accounts one import names.
	importSize = 100
)

// App is an app whose backend calls whichever server runs now. Its methods are safe for concurrent use.
type App struct {
	ID    uint32
	http  *http.Client
	query string

	mu   sync.Mutex
	base string        // URL of the REST API
	next chan struct{} // closed when another server took over
}

// NewApp creates an app on a server, with its callbacks set, and gives it a ticket for a day.
func NewApp(ctx context.Context, client *operator.Client, id uint32, callback operator.SetCallback) (*App, error) {
	_, err := client.CreateApp(ctx, operator.CreateApp{SDKAppID: id, Key: AppKey, Admins: []string{appAdmin}})
	if err != nil {
		return nil, err
	}
	if _, err := client.SetCallback(ctx, id, callback); err != nil {
		return nil, err
	}
	sig, err := usersig.Sign(AppKey, usersig.Ticket{SDKAppID: id, Identifier: appAdmin, Issued: time.Now().Unix(), Expire: 24 * 3600})
	if err != nil {
		return nil, err
	}
	return &App{
		ID: id, next: make(chan struct{}),
		http:  &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 256}, Timeout: callTime},
		query: url.Values{"sdkappid": {name(id)}, "identifier": {appAdmin}, "usersig": {sig}}.Encode(),
	}, nil
}

// name is the app as callbacks call it.
func name(id uint32) string { return strconv.FormatUint(uint64(id), 10) }

// Connect makes the app use the server at base from now on.
func (a *App) Connect(base string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.base = base
	close(a.next)
	a.next = make(chan struct{})
}

// Close closes idle connections.
func (a *App) Close() { a.http.CloseIdleConnections() }

// server returns where the server is, and a channel that is closed when that has changed.
func (a *App) server() (string, <-chan struct{}) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.base, a.next
}

// Call makes a REST call. An error means that its outcome is not known.
func (a *App) Call(ctx context.Context, command string, body, answer any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	base, _ := a.server()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/v4/"+command+"?"+a.query, bytes.NewReader(text))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := a.http.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if text, err = io.ReadAll(resp.Body); err != nil {
		return err
	}
	return json.Unmarshal(text, answer)
}

// Import makes accounts known.
func (a *App) Import(ctx context.Context, accounts []string) error {
	for len(accounts) > 0 {
		n := min(importSize, len(accounts))
		err := insist(ctx, func() error {
			var answer api.MultiAccountImportResponse
			err := a.Call(ctx, "im_open_login_svc/multiaccount_import", api.MultiAccountImportRequest{Accounts: accounts[:n]}, &answer)
			if err != nil || answer.ErrorCode != api.OK {
				return fmt.Errorf("import accounts: %w %+v", err, answer)
			}
			return nil
		})
		if err != nil {
			return err
		}
		accounts = accounts[n:]
	}
	return nil
}

// Change makes the call of a change and returns the result code of each target.
func (a *App) Change(ctx context.Context, owner string, c Change) ([]api.Code, error) {
	command := "sns/black_list_add"
	if c.Command == api.CallbackBlackListDelete {
		command = "sns/black_list_delete"
	}
	var answer api.BlockResponse
	if err := a.Call(ctx, command, api.BlockRequest{FromAccount: owner, ToAccount: c.Targets}, &answer); err != nil {
		return nil, err
	}
	if len(answer.ResultItem) != len(c.Targets) {
		return nil, errors.New(answer.ErrorInfo) // such as the store being closed
	}
	codes := make([]api.Code, len(answer.ResultItem))
	for i, item := range answer.ResultItem {
		codes[i] = item.ResultCode
	}
	return codes, nil
}

// list returns an owner's whole blocklist.
func (a *App) list(ctx context.Context, owner string) ([]string, error) {
	var answer api.BlockGetResponse
	err := insist(ctx, func() error {
		answer = api.BlockGetResponse{}
		err := a.Call(ctx, "sns/black_list_get", api.BlockGetRequest{FromAccount: owner, MaxLimited: 1000}, &answer)
		if err != nil || answer.ErrorCode != api.OK {
			return fmt.Errorf("list of %s: %w %+v", owner, err, answer.DisplayEnvelope)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	targets := make([]string, len(answer.BlackListItem))
	for i, entry := range answer.BlackListItem {
		targets[i] = entry.ToAccount
	}
	return targets, nil
}

// insist makes a call until it succeeds: on a slow machine the server may not answer one in its time.
func insist(ctx context.Context, call func() error) error {
	ctx, cancel := context.WithTimeout(ctx, insistTime)
	defer cancel()
	for {
		if err := call(); err == nil || pause(ctx, loadRetry) != nil {
			return err
		}
	}
}
