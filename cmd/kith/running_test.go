package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// appFlag is crashApp as an argument.
const appFlag = "1600077123"

// running is a command that goes on until it is stopped.
type running struct {
	t        *testing.T
	out, err chan string // its lines
	stop     func() int  // interrupts it and returns its exit status
}

// launch runs a command line that goes on, as execute does one that ends.
func launch(t *testing.T, env map[string]string, args ...string) *running {
	t.Helper()
	outRead, outWrite := io.Pipe()
	errRead, errWrite := io.Pipe()
	c := &cli{
		program: "kith", in: strings.NewReader(""), out: outWrite, err: errWrite,
		env: func(name string) (string, bool) { text, ok := env[name]; return text, ok },
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan int, 1)
	go func() {
		ended <- c.run(ctx, args)
		_, _ = outWrite.Close(), errWrite.Close()
	}()
	r := &running{t: t, out: lines(outRead), err: lines(errRead)}
	status := -1
	r.stop = func() int {
		if cancel(); status < 0 {
			status = <-ended
		}
		return status
	}
	t.Cleanup(func() { r.stop() })
	return r
}

// lines reads a stream to its end, whether or not anybody takes the lines.
func lines(from io.Reader) chan string {
	all := make(chan string, 1000)
	go func() {
		defer close(all)
		for scanner := bufio.NewScanner(from); scanner.Scan(); {
			all <- scanner.Text()
		}
	}()
	return all
}

// say waits for a line on standard error that has want in it.
func (r *running) said(want string) {
	r.t.Helper()
	deadline := time.After(processStart)
	for {
		select {
		case line, ok := <-r.err:
			if !ok {
				r.t.Fatalf("the command ended and did not say %q", want)
			}
			if strings.Contains(line, want) {
				return
			}
		case <-deadline:
			r.t.Fatalf("the command did not say %q within %s", want, processStart)
		}
	}
}

// line waits for the next line that was printed.
func (r *running) line() string {
	r.t.Helper()
	select {
	case line, ok := <-r.out:
		if !ok {
			r.t.Fatalf("the command ended: %v", <-r.err)
		}
		return line
	case <-time.After(processStart):
		r.t.Fatalf("the command printed nothing more within %s", processStart)
		return ""
	}
}

// next decodes the next line that was printed.
func (r *running) next(value any) {
	r.t.Helper()
	line := r.line()
	if err := json.Unmarshal([]byte(line), value); err != nil {
		r.t.Fatalf("%v in %s", err, line)
	}
}

// post is a callback as it came to a backend.
type post struct {
	query  string
	header http.Header
	body   string
}

// backend is an app backend, or a local handler, that keeps what comes and answers as it is told.
type backend struct {
	t     *testing.T
	url   string
	posts chan post
}

// next waits for the next callback that comes.
func (b *backend) next() post {
	b.t.Helper()
	select {
	case p := <-b.posts:
		return p
	case <-time.After(processStart):
		b.t.Fatalf("nothing more came to the backend within %s", processStart)
		return post{}
	}
}

const handled = `{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":""}`

// startBackend starts one. answer may be nil: everything is handled.
func startBackend(t *testing.T, answer http.HandlerFunc) *backend {
	t.Helper()
	b := &backend{t: t, posts: make(chan post, 1000)}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // the caller went away
		}
		r.Header.Del("Content-Length")
		r.Header.Del("Accept-Encoding")
		b.posts <- post{r.URL.RawQuery, r.Header, string(body)}
		if answer != nil {
			answer(w, r)
			return
		}
		_, _ = io.WriteString(w, handled)
	}))
	t.Cleanup(server.Close)
	b.url = server.URL + "/cb"
	return b
}
