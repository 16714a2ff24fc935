package restapi

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/kithchat/kith/internal/relation"
)

// discard is the cheapest possible ResponseWriter, so that the handler's own cost shows.
type discard struct{ header http.Header }

func (d discard) Header() http.Header       { return d.header }
func (discard) Write(p []byte) (int, error) { return len(p), nil }
func (discard) WriteHeader(int)             {}

func benchFixture(b *testing.B) *fixture {
	return newFixture(b, &nullStore{}, nil)
}

func targets(n int) string {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = fmt.Sprintf(`"user_%07d"`, i)
	}
	return `{"From_Account":"mira.k","To_Account":[` + strings.Join(ids, ",") + `]}`
}

// BenchmarkBlackListDelete measures the handler alone, on a store that costs nothing.
func BenchmarkBlackListDelete(b *testing.B) {
	for _, n := range []int{1, 100, 1000} {
		b.Run(fmt.Sprintf("targets=%d", n), func(b *testing.B) {
			f := benchFixture(b)
			body := targets(n)
			target := f.target("sns/black_list_delete")
			r := httptest.NewRequest(http.MethodPost, target, nil)
			w := discard{http.Header{}}
			b.ReportAllocs()
			for b.Loop() {
				r.Body, r.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
				f.h.ServeHTTP(w, r)
			}
		})
	}
}

// BenchmarkOverHTTP compares the handler to one that reads the body and answers a constant, both behind a real server
// on loopback. The budget of design is a ratio of 1.6.
func BenchmarkOverHTTP(b *testing.B) {
	null := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, `{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":"","ErrorDisplay":""}`)
	})
	f := benchFixture(b)
	for _, side := range []struct {
		name    string
		handler http.Handler
	}{{"null", null}, {"kith", f.h}} {
		b.Run(side.name, func(b *testing.B) {
			srv := httptest.NewServer(side.handler)
			defer srv.Close()
			url, body := srv.URL+f.target("sns/black_list_delete"), targets(1)
			client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
			defer client.CloseIdleConnections()
			b.SetParallelism(32)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					resp, err := client.Post(url, "application/json", strings.NewReader(body))
					if err != nil {
						b.Error(err)
						return
					}
					_, _ = io.Copy(io.Discard, resp.Body)
					_ = resp.Body.Close()
				}
			})
		})
	}
}

var _ relation.Store = (*nullStore)(nil)
