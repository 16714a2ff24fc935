package webhook_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"time"

	"github.com/kithchat/kith/api"
	"github.com/kithchat/kith/webhook"
)

// The signature that Tencent Chat's console page prints for the Token xxxxyyyy.
func ExampleSign() {
	fmt.Println(webhook.Sign("xxxxyyyy", 1669872112))
	// Output: 17773bc39a671d7b9aa835458704d2a6db81360a5940292b587d6d760d484061
}

// A test of your own receiver sends what Kith sends.
func Example() {
	handler, err := webhook.New(webhook.Options{
		SDKAppID: 1600077123,
		Tokens:   []string{"wh-token-7"},
		OnBlackListDelete: func(_ context.Context, e webhook.BlackListEvent) error {
			for _, p := range e.Pairs {
				fmt.Println(p.FromAccount, "unblocked", p.ToAccount)
			}
			return nil
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	server := httptest.NewServer(handler)
	defer server.Close()

	target, err := webhook.NewTarget(webhook.TargetOptions{URL: server.URL, SDKAppID: 1600077123, Token: "wh-token-7"})
	if err != nil {
		fmt.Println(err)
		return
	}
	url := target.URL(webhook.Call{
		Command:     api.CallbackBlackListDelete,
		ClientIP:    "203.0.113.9",
		OptPlatform: api.PlatformREST,
		RequestTime: time.Now().Unix(),
	})
	body := webhook.EncodeBlackList(api.CallbackBlackListDelete, []api.Pair{{FromAccount: "mira.k", ToAccount: "troll_77"}})
	response, err := http.Post(url.String(), "application/json", bytes.NewReader(body))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	fmt.Println(response.StatusCode, string(answer), err)
	// Output:
	// mira.k unblocked troll_77
	// 200 {"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":""} <nil>
}

// While the Token changes, both are taken. OnUnknown shows commands that the backend does not handle.
func ExampleNew_rotation() {
	handler, err := webhook.New(webhook.Options{
		SDKAppID: 1600077123,
		Tokens:   []string{"old-token", "new-token"},
		Dedup:    10_000,
		OnUnknown: func(_ context.Context, e webhook.UnknownEvent) error {
			fmt.Println(e.Command, string(e.Body))
			return nil
		},
	})
	fmt.Println(handler != nil, err)
	// Output: true <nil>
}

// Who does not use a Handler verifies the bytes of the body before anything is decoded.
func ExampleVerify() {
	private, public := webhook.NewKeyPair() // the sender keeps private
	signer, err := webhook.NewSigner([]string{private})
	if err != nil {
		fmt.Println(err)
		return
	}
	body, at := []byte(`{"CallbackCommand":"Sns.CallbackBlackListDelete","PairList":[]}`), time.Now()
	header := http.Header{}
	header.Set(api.HeaderWebhookID, "e1")
	header.Set(api.HeaderWebhookTimestamp, strconv.FormatInt(at.Unix(), 10))
	header.Set(api.HeaderWebhookSignature, signer.Sign("e1", at, body))

	fmt.Println(webhook.Verify([]string{public}, header, body, at, webhook.DefaultSkew))
	fmt.Println(webhook.Verify([]string{public}, header, []byte(`{}`), at, webhook.DefaultSkew) != nil)
	// Output:
	// <nil>
	// true
}

func ExampleEncodeBlackList() {
	fmt.Printf("%s\n", webhook.EncodeBlackList(api.CallbackBlackListAdd, []api.Pair{{FromAccount: "mira.k", ToAccount: "troll_77"}}))
	// Output: {"CallbackCommand":"Sns.CallbackBlackListAdd","PairList":[{"From_Account":"mira.k","To_Account":"troll_77"}]}
}

func ExampleEncodeState() {
	fmt.Printf("%s\n", webhook.EncodeState(api.StateCallback{
		CallbackCommand: api.CallbackStateChange,
		EventTime:       1767225661042,
		Info:            api.StateInfo{Action: api.StateDisconnect, ToAccount: "mira.k", Reason: api.StateLinkClose},
	}))
	// Output: {"CallbackCommand":"State.StateChange","EventTime":1767225661042,"Info":{"Action":"Disconnect","To_Account":"mira.k","Reason":"LinkClose"}}
}

func ExampleParseAnswer() {
	answer, err := webhook.ParseAnswer([]byte(`{"ErrorCode":1,"ErrorInfo":"not now","ActionStatus":"FAIL"}`))
	fmt.Println(answer.ErrorCode, answer.ErrorInfo, err)
	// Output: 1 not now <nil>
}
