package egress

import (
	"strings"
	"testing"
)

func TestCheckURL(t *testing.T) {
	e, err := New(Options{Allow: []string{"none"}})
	if err != nil {
		t.Fatal(err)
	}
	for raw, want := range map[string]string{
		"https://chat.example.net/cb?key=hunter2":    "",
		"https://8.8.8.8/cb":                         "",
		"https://[2606:4700::1111]:8443/cb":          "",
		"http://10.0.0.1/cb?key=hunter2":             "add private or 10.0.0.1 to callback-allow",
		"http://127.0.0.1:3000/cb?key=hunter2":       "add loopback or 127.0.0.1 to callback-allow",
		"http://localhost:3000/cb":                   "localhost is a loopback address",
		"http://[::1]/cb":                            "a loopback address",
		"http://[::ffff:10.0.0.1]/cb":                "a private address",
		"http://169.254.169.254/latest/?key=hunter2": "a cloud metadata address",
		"http://[fe80::1%25eth0]/":                   "a link-local address",
		"http://2130706433/?key=hunter2":             "four numbers with dots",
		"http://１２７.0.0.1/":                          "four numbers with dots",
		"http://h\u202e/":                            `\u202e`,
		"http:///cb?key=hunter2":                     "no host",
		"http://%zz/?key=hunter2":                    "no host",
		"":                                           "no host",
	} {
		err := e.CheckURL(raw)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", raw, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: the error %v repeats the query", raw, err)
		}
	}
}

func TestWarnings(t *testing.T) {
	for _, tt := range []struct {
		o    Options
		want []string
	}{
		{Options{}, nil},
		{Options{Allow: []string{"none"}}, nil},
		{Options{Allow: []string{"private"}}, nil},
		{Options{Allow: []string{"10.0.0.0/8"}}, nil},
		{Options{Allow: []string{"loopback"}}, []string{"callback-allow is loopback"}},
		{Options{Allow: []string{"private", "127.0.0.0/8"}}, []string{"callback-allow is private,127.0.0.0/8"}},
		{Options{Allow: []string{"100.64.0.0/10"}}, []string{"metadata address 100.100.100.200"}},
		{Options{Proxy: "http://u:hunter2@proxy.example.net:3128"}, []string{"callback-proxy, which resolves names itself"}},
	} {
		e, err := New(tt.o)
		if err != nil {
			t.Fatal(err)
		}
		got := e.Warnings()
		if len(got) != len(tt.want) {
			t.Errorf("%+v: %q", tt.o.Allow, got)
			continue
		}
		for i := range got {
			if !strings.Contains(got[i], tt.want[i]) || strings.Contains(got[i], "hunter2") {
				t.Errorf("%q: %q, want %q", tt.o.Allow, got[i], tt.want[i])
			}
		}
	}
}

// FuzzCheckURL looks for a URL that makes the check fail, or whose error tells more than the host.
func FuzzCheckURL(f *testing.F) {
	for _, raw := range []string{"https://h/cb?key=v", "http://127.1/", "http://[::1%25lo]:1/?q", "http://%31/", "http://localhost./#x"} {
		f.Add(raw)
	}
	e, err := New(Options{})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		_ = e.CheckURL(raw)
		if err := e.CheckURL("https://127.0.0.1/?q=hunter2" + raw); err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("the error %v repeats the query", err)
		}
	})
}
