package webhook

import (
	"fmt"
	"strings"
	"testing"

	"github.com/kithchat/kith/api"
)

var unblock = Call{
	Command:     api.CallbackBlackListDelete,
	ClientIP:    "203.0.113.9",
	OptPlatform: api.PlatformREST,
	RequestTime: 1767225660,
}

func TestTargetURL(t *testing.T) {
	const documented = "SdkAppid=1600077123&CallbackCommand=Sns.CallbackBlackListDelete&contenttype=json" +
		"&ClientIP=203.0.113.9&OptPlatform=RESTAPI"
	const signed = documented + "&Sign=3e9d55a4f3e3f4851cad7db3b9dfcb2b0ba87a4b4fbc02ef3bb48150e9c88dff&RequestTime=1767225660"
	from := func(ip string) Call {
		c := unblock
		c.ClientIP = ip
		return c
	}
	for _, row := range []struct {
		name, url, token string
		call             Call
		want             string
	}{
		{"as documented", "https://app.example.net/hooks/im", "", unblock, "https://app.example.net/hooks/im?" + documented},
		{"signed", "https://app.example.net/hooks/im", "wh-token-7", unblock, "https://app.example.net/hooks/im?" + signed},
		{"without a path", "http://127.0.0.1:9000", "", unblock, "http://127.0.0.1:9000/?" + documented},
		{"with a query", "http://h/cb?key=a%26b", "wh-token-7", unblock, "http://h/cb?key=a%26b&" + signed},
		{"with an empty query", "http://h/cb?", "", unblock, "http://h/cb?" + documented},
		{"with a query that ends in &", "http://h/cb?k=v&", "", unblock, "http://h/cb?k=v&" + documented},
		{"escaped path", "http://h/a%2Fb%20c", "", unblock, "http://h/a%2Fb%20c?" + documented},
		{
			"IPv6", "http://[::1]:9000/cb", "", from("2001:db8::1"),
			"http://[::1]:9000/cb?" + strings.Replace(documented, "203.0.113.9", "2001%3Adb8%3A%3A1", 1),
		},
		{
			"values are escaped", "http://h/cb", "",
			Call{Command: "a&b=c", ClientIP: "d e", OptPlatform: "é#"},
			"http://h/cb?SdkAppid=1600077123&CallbackCommand=a%26b%3Dc&contenttype=json&ClientIP=d+e&OptPlatform=%C3%A9%23",
		},
	} {
		target, err := NewTarget(TargetOptions{URL: row.url, SDKAppID: 1600077123, Token: row.token})
		if err != nil {
			t.Errorf("%s: %v", row.name, err)
			continue
		}
		for range 2 { // a second call must not see the first one's parameters
			if got := target.URL(row.call).String(); got != row.want {
				t.Errorf("%s:\n got %s\nwant %s", row.name, got, row.want)
			}
		}
	}
}

func TestNewTargetRefuses(t *testing.T) {
	if _, err := NewTarget(TargetOptions{URL: "ftp://h/", SDKAppID: 1}); err == nil {
		t.Error("a URL that ValidateURL refuses was accepted")
	}
	if _, err := NewTarget(TargetOptions{URL: "http://h/"}); err == nil {
		t.Error("SDKAppID 0 was accepted")
	}
}

func TestTargetPrintsNoSecret(t *testing.T) {
	target, err := NewTarget(TargetOptions{URL: "http://h/cb?key=secret-1", SDKAppID: 1, Token: "secret-2"})
	if err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		if got := fmt.Sprintf(verb, target); got != "http://h/cb" {
			t.Errorf("%s prints %s", verb, got)
		}
	}
}

func BenchmarkTargetURL(b *testing.B) {
	target, err := NewTarget(TargetOptions{URL: "https://app.example.net/hooks/im", SDKAppID: 1600077123, Token: "wh-token-7"})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		target.URL(unblock)
	}
}
