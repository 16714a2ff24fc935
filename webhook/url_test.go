package webhook

import (
	"strings"
	"testing"
)

func TestValidateURLAccepts(t *testing.T) {
	for _, raw := range []string{
		"http://127.0.0.1:9000",
		"http://127.0.0.1:9000/callback",
		"https://app.example.net/hooks/im",
		"HTTPS://App.Example.Net./hooks/im",
		"http://[::1]:9000/callback",
		"http://[fe80::1%25eth0]/callback",
		"http://app_backend:9000/",
		"http://localhost/a%20b?key=s3cr3t&x=%26",
		"http://localhost/?",
		"http://localhost/?sdkappid=1", // receivers tell case apart
		"https://xn--bcher-kva.example/",
		"http://h/" + strings.Repeat("a", MaxURL-len("http://h/")),
	} {
		if err := ValidateURL(raw); err != nil {
			t.Errorf("%q: %v", raw, err)
		}
	}
}

func TestValidateURLRefuses(t *testing.T) {
	const secret = "hunter2"
	for _, row := range []struct{ name, raw, reason string }{
		{"empty", "", "is empty"},
		{"too long", "http://h/" + strings.Repeat("a", MaxURL-len("http://h/")+1), "the limit is 2048"},
		{"leading blank", " http://h/" + secret, "at byte 1"},
		{"blank in the query", "http://h/?a= b" + secret, "at byte 13"},
		{"newline", "http://h/\n" + secret, "at byte 10"},
		{"non-ASCII host", "http://bücher.example/" + secret, "at byte 9"},
		{"unparsable port", "http://user:" + secret + "/", "is malformed"},
		{"unparsable escape", "http://h/%zz" + secret, "is malformed"},
		{"no scheme", "app.example.net/" + secret, "must start with http"},
		{"other scheme", "ftp://h/" + secret, "must start with http"},
		{"no host", "http:///" + secret, "no host"},
		{"opaque", "http:h/" + secret, "no host"},
		{"port without host", "http://:9000/" + secret, "no host"},
		{"user and password", "http://user:" + secret + "@h/", "user name or password"},
		{"fragment", "http://h/#" + secret, "fragment"},
		{"empty fragment", "http://h/?a=" + secret + "#", "fragment"},
		{"port 0", "http://h:0/" + secret, "1 to 65535"},
		{"port too big", "http://h:65536/" + secret, "1 to 65535"},
		{"colon without port", "http://h:/" + secret, "1 to 65535"},
		{"host with $", "http://a$b/" + secret, "is not a name"},
		{"host with empty label", "http://a..b/" + secret, "is not a name"},
		{"host label begins with -", "http://-a.b/" + secret, "is not a name"},
		{"host label ends with -", "http://a-.b/" + secret, "is not a name"},
		{"host label of 64", "http://" + strings.Repeat("a", 64) + "/" + secret, "is not a name"},
		{"almost an IPv4 address", "http://256.1.1.1/" + secret, "ends in a number"},
		{"bad query escape", "http://h/?a=%zz" + secret, "query of the callback URL is malformed"},
		{"semicolon in the query", "http://h/?a=1;b=" + secret, "query of the callback URL is malformed"},
		{"SdkAppid", "http://h/?SdkAppid=1&a=" + secret, "holds the parameter SdkAppid"},
		{"CallbackCommand", "http://h/?CallbackCommand=x", "holds the parameter CallbackCommand"},
		{"contenttype", "http://h/?contenttype=json", "holds the parameter contenttype"},
		{"ClientIP", "http://h/?ClientIP=", "holds the parameter ClientIP"},
		{"OptPlatform", "http://h/?OptPlatform", "holds the parameter OptPlatform"},
		{"Sign", "http://h/?Sign=" + secret, "holds the parameter Sign"},
		{"RequestTime, escaped", "http://h/?%52equestTime=1", "holds the parameter RequestTime"},
	} {
		err := ValidateURL(row.raw)
		if err == nil {
			t.Errorf("%s: accepted", row.name)
			continue
		}
		if !strings.Contains(err.Error(), row.reason) {
			t.Errorf("%s: refused for another reason: %v", row.name, err)
		}
		if strings.Contains(err.Error(), secret) {
			t.Errorf("%s: the error repeats a part of the URL: %v", row.name, err)
		}
	}
}
