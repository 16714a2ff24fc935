package operator_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/kithchat/kith/internal/operator"
)

func TestStatusAndConfig(t *testing.T) {
	var sick error
	f := serve(t, func(o *operator.Options) {
		o.Ready, o.Settings = func() error { return sick }, someSettings
	})
	f.newApp(t)
	want := operator.Status{Version: "v1", Started: start, Apps: 1, Ready: true}
	if got, err := f.Status(t.Context()); err != nil || got != want {
		t.Errorf("status %+v, err %v, want %+v", got, err, want)
	}
	sick = errors.New("the disk is full")
	want.Ready, want.Reason = false, "the disk is full"
	if got, err := f.Status(t.Context()); err != nil || got != want {
		t.Errorf("status %+v, err %v, want %+v", got, err, want)
	}
	proxied := http.Header{"X-Forwarded-For": {"203.0.113.9"}}
	trusted := http.Header{"X-Forwarded-For": {"203.0.113.9"}, "Authorization": {"Bearer " + token}}
	for _, test := range []struct {
		name   string
		header http.Header
		want   string
	}{
		{"local", nil, "not ready: the disk is full\n"},
		{"elsewhere", proxied, "not ready\n"},
		{"elsewhere, with the token", trusted, "not ready: the disk is full\n"},
	} {
		if status, body := f.do(t, http.MethodGet, "/readyz", "", test.header); status != http.StatusServiceUnavailable || body != test.want {
			t.Errorf("readyz, %s: %d %q, want %q", test.name, status, body, test.want)
		}
	}
	if got, err := f.Settings(t.Context()); err != nil || !reflect.DeepEqual(got.Settings, someSettings) {
		t.Errorf("settings %+v, err %v", got, err)
	}
}

func TestBackup(t *testing.T) {
	copied := bytes.Repeat([]byte("page"), 1<<16)
	tests := []struct {
		name  string
		send  int // bytes before the failure
		err   error
		wants string // of the error the caller sees
	}{
		{"whole", len(copied), nil, ""},
		{"empty", 0, nil, ""},
		{"fails at once", 0, errors.New("disk"), "the server failed; its log has the reason"},
		{"fails on the way", len(copied), errors.New("disk"), "the server cut the copy off; its log has the reason"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := serve(t, func(o *operator.Options) {
				o.Backup = func(_ context.Context, w io.Writer) error {
					if test.send > 0 {
						if _, err := w.Write(copied[:test.send]); err != nil {
							t.Error(err)
						}
					}
					return test.err
				}
			})
			var got bytes.Buffer
			n, err := f.Backup(t.Context(), &got)
			switch {
			case test.wants == "" && (err != nil || n != int64(test.send) || !bytes.Equal(got.Bytes(), copied[:test.send])):
				t.Errorf("%d bytes, err %v", n, err)
			case test.wants != "" && (err == nil || err.Error() != test.wants):
				t.Errorf("err = %v, want %q", err, test.wants)
			}
		})
	}
}

func TestWhatTheServerCannotDo(t *testing.T) {
	f := serve(t, nil)
	f.newApp(t)
	_, err := f.Backup(t.Context(), io.Discard)
	refused(t, err, http.StatusNotImplemented, operator.CodeUnsupported)
	if _, err := f.SetCallback(t.Context(), 7, operator.SetCallback{URL: ptr("http://x/")}); err != nil {
		t.Fatal(err)
	}
	_, err = f.TestCallback(t.Context(), 7)
	refused(t, err, http.StatusNotImplemented, operator.CodeUnsupported)
}

func TestWrongBodies(t *testing.T) {
	f := serve(t, nil)
	tests := []struct {
		name, body string
		status     int
		code       string
		message    string
	}{
		{"unknown field", `{"nam":"x"}`, 400, "invalid", `there is no field "nam"; client and server may be of different versions`},
		{"wrong type", `{"name":5}`, 400, "invalid", `field "name" must not be a JSON number`},
		{"too large a number", `{"sdkappid":4294967296}`, 400, "invalid", `field "sdkappid" must be a whole number that fits`},
		{"secret of wrong type", `{"key":["` + firstKey + `"]}`, 400, "invalid", `field "key" must not be a JSON array`},
		{"array", `[]`, 400, "invalid", "the body is not a JSON object"},
		{"broken", `{"name":"x"`, 400, "invalid", "the body is not a JSON object"},
		{"not JSON", `name=x`, 400, "invalid", "the body is not valid JSON from byte 2 on"},
		{"two values", `{} {}`, 400, "invalid", "the body has more than one JSON value"},
		{"too large", `{"name":"` + strings.Repeat("x", 1<<20) + `"}`, 413, "too_large", "the body is larger than 1 MiB"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			status, body := f.do(t, http.MethodPost, "/operator/v1/apps", test.body, authorized())
			var got struct{ Error operator.Error }
			if err := json.Unmarshal([]byte(body), &got); err != nil {
				t.Fatalf("%v in %q", err, body)
			}
			if want := (operator.Error{Code: test.code, Message: test.message}); status != test.status || got.Error != want {
				t.Errorf("%d %+v, want %d %+v", status, got.Error, test.status, want)
			}
		})
	}
	if list, err := f.Apps(t.Context()); err != nil || len(list.Apps) != 0 {
		t.Errorf("a wrong body made an app: %+v, err %v", list, err)
	}
}

func TestWrongPaths(t *testing.T) {
	f := serve(t, nil)
	for _, test := range []struct {
		method, path string
		status       int
	}{
		{http.MethodGet, "/", 404},
		{http.MethodGet, "/operator/v1/nothing", 404},
		{http.MethodPut, "/operator/v1/apps", 404},
		{http.MethodGet, "/operator/v1/apps/0", 400},
		{http.MethodGet, "/operator/v1/apps/x", 400},
		{http.MethodGet, "/operator/v1/apps/4294967296", 400},
		{http.MethodGet, "/metrics", 404},
	} {
		status, body := f.do(t, test.method, test.path, "", authorized())
		var got struct{ Error operator.Error }
		if err := json.Unmarshal([]byte(body), &got); err != nil || status != test.status || got.Error.Message == "" {
			t.Errorf("%s %s: %d %q, want %d and an error", test.method, test.path, status, body, test.status)
		}
	}
}
