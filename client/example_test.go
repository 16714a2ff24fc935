package client_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/coder/websocket"

	"github.com/kithchat/kith/api"
	"github.com/kithchat/kith/client"
)

// answering is a server that gives one answer to every call, so that the examples run by themselves.
func answering(body string) *httptest.Server {
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, body)
	}))
}

// An app backend unblocks two people and looks at what became of each.
func ExampleREST_Unblock() {
	server := answering(`{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":"","ResultItem":[
		{"To_Account":"tom","ResultCode":0,"ResultInfo":""},
		{"To_Account":"ann","ResultCode":30001,"ResultInfo":"Err_SNS_BlackListDelete_Not_Exist"}],"Fail_Account":["ann"]}`)
	defer server.Close()
	rest, err := client.NewREST(client.RESTOptions{URL: server.URL, SDKAppID: 1600077123, Key: "the secret key of the app"})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer rest.Close()

	items, err := rest.Unblock(context.Background(), "mira", "tom", "ann")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, it := range items {
		fmt.Println(it.UserID, it.OK(), it.Code)
	}
	// Output:
	// tom true 0
	// ann false 30001
}

// A refused call has a code to decide on.
func ExampleError() {
	server := answering(`{"ActionStatus":"FAIL","ErrorCode":30003,"ErrorInfo":"From_Account is not an imported account"}`)
	defer server.Close()
	rest, err := client.NewREST(client.RESTOptions{URL: server.URL, SDKAppID: 1600077123, Key: "the secret key of the app"})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer rest.Close()

	for _, err := range rest.Blocklist(context.Background(), "nobody") {
		var refused *client.Error
		if errors.As(err, &refused) {
			fmt.Println(refused.Code == api.CodeNoAccount, refused.Temporary())
		}
	}
	// Output: true false
}

// A device connects and follows the user's blocklist.
func ExampleDial() {
	server := httptest.NewServer(http.HandlerFunc(gatewayOfOneDevice))
	defer server.Close()
	ctx := context.Background()
	session, err := client.Dial(ctx, client.Options{
		URL: strings.Replace(server.URL, "http", "ws", 1), SDKAppID: 1600077123, UserID: "mira", Platform: api.PlatformAndroid,
		UserSig: func(context.Context) (string, error) { return "a ticket from the app's backend", nil },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer session.Close()

	for update := range session.Updates(ctx) {
		switch u := update.(type) {
		case client.Connected:
			fmt.Println("connected")
		case client.Synced:
			fmt.Println("the list:", u.Blocklist.Entries[0].UserID)
		case client.Ended:
			fmt.Println("ended, kicked:", u.Kicked())
		}
	}
	// Output:
	// connected
	// the list: rob
	// ended, kicked: true
}

// gatewayOfOneDevice lets a device in, tells it its list, and puts it out again.
func gatewayOfOneDevice(w http.ResponseWriter, r *http.Request) {
	ws, err := websocket.Accept(w, r, nil)
	if err != nil {
		return
	}
	for _, answer := range []string{
		`{"jsonrpc":"2.0","id":1,"result":{"SessionID":"s1","HeartbeatSeconds":25,"Blocklist":{"List":"2s","Sequence":9,"Reload":true,"Changes":[]}}}`,
		`{"jsonrpc":"2.0","id":2,"result":{"BlackListItem":[{"To_Account":"rob","AddBlackTimeStamp":1767225699}],"Cursor":"","List":"2s","Sequence":9}}`,
	} {
		if _, _, err := ws.Read(r.Context()); err != nil {
			return
		}
		if err := ws.Write(r.Context(), websocket.MessageText, []byte(answer)); err != nil {
			return
		}
	}
	_ = ws.Close(websocket.StatusCode(api.RefusalKicked), "another device logged in")
}
