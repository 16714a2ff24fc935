package apps_test

import (
	"encoding/pem"
	"strings"
	"testing"

	"github.com/kithchat/kith/internal/apps"
	"github.com/kithchat/kith/internal/leaktest"
)

func TestCheckBundle(t *testing.T) {
	one, key := makeCertificate()
	two, _ := makeCertificate()
	damaged := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("x")}))
	headed := strings.Replace(one, "-----\n", "-----\nProc-Type: 4,ENCRYPTED\n\n", 1)
	broken := strings.Replace(one, "\n", "\n!", 2)
	for name, test := range map[string]struct{ bundle, problem string }{
		"one":                {one, ""},
		"two":                {one + "\n\n" + two, ""},
		"blanks around":      {"\n " + one + "\r\n", ""},
		"carriage returns":   {strings.ReplaceAll(one, "\n", "\r\n"), ""},
		"no final line feed": {strings.TrimSpace(one), ""},
		"nothing":            {" \n", "holds no certificate"},
		"a text":             {leaktest.URLSecret, "something else than certificates in PEM at entry 1"},
		"a comment":          {one + "# of Mira\n" + two, "something else than certificates in PEM at entry 2"},
		"a text behind":      {one + "x", "something else than certificates in PEM at entry 2"},
		"a key":              {one + key, "entry 2 of the CA bundle is no certificate"},
		"a key first":        {key + one, "entry 1 of the CA bundle is no certificate"},
		"no certificate":     {damaged, "entry 1 of the CA bundle is a damaged certificate"},
		"headers":            {headed, "entry 1 of the CA bundle has PEM headers"},
		"broken":             {broken, "entry 1 of the CA bundle is broken PEM"},
		"broken, then whole": {broken + one, "entry 1 of the CA bundle is broken PEM"},
		"cut off":            {one[:len(one)/2], "entry 1 of the CA bundle is broken PEM"},
		"too large":          {strings.Repeat(one, 64<<10/len(one)+1), "the limit is 65536"},
	} {
		err := apps.CheckBundle(test.bundle)
		switch {
		case test.problem == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case test.problem != "" && (err == nil || !strings.Contains(err.Error(), test.problem)):
			t.Errorf("%s: %v, want %q", name, err, test.problem)
		case err != nil && (strings.Contains(err.Error(), "Mira") || strings.Contains(err.Error(), key[40:60])):
			t.Errorf("%s: the error repeats the bundle: %v", name, err)
		}
		if err != nil {
			leaktest.Check(t, "the error", err.Error())
		}
	}
	if certs, err := apps.ParseBundle(one + two); err != nil || len(certs) != 2 || certs[0].Subject.CommonName != "a test" {
		t.Errorf("parsed %d, err %v", len(certs), err)
	}
}

// FuzzParseBundle: what passes is nothing but certificates, so that writing them anew gives the same ones.
func FuzzParseBundle(f *testing.F) {
	one, key := makeCertificate()
	two, _ := makeCertificate()
	for _, seed := range []string{"", "x", one, one + two, key + one, one + "x" + two, strings.ReplaceAll(one, "\n", "\r\n"), "-----BEGIN " + one} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, bundle string) {
		certs, err := apps.ParseBundle(bundle)
		if (err == nil) != (len(certs) > 0) {
			t.Fatalf("%d certificates, err %v", len(certs), err)
		}
		if err == nil && strings.Count(bundle, "-----BEGIN CERTIFICATE-----") != len(certs) {
			t.Errorf("%d certificates of %q", len(certs), bundle)
		}
	})
}
