package main

import (
	"bytes"
	"io"
	"log"
	"net"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kithchat/kith/internal/operator"
	"github.com/kithchat/kith/internal/proof"
)

// An endpoint that goes on after its answer writes nothing into the log of the process.
func TestEndpointCannotWriteTheLog(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	go func() {
		for conn, err := listener.Accept(); err == nil; conn, err = listener.Accept() {
			_, _ = conn.Read(make([]byte, 64<<10))
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n{\"ErrorCode\":0}and more, such as a secret")
			_ = conn.Close()
		}
	}()
	program, err := proof.Build(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	l := launcher{program: program, data: filepath.Join(t.TempDir(), "data")}
	p := l.start(t)
	newCrashCaller(t, l.data, "http://"+listener.Addr().String()+"/")
	for range 10 {
		var report operator.CallbackReport
		if (shell{t, l.data}).json(&report, "app", "callback", "test", appFlag); !report.Delivered {
			t.Errorf("%+v", report)
		}
	}
	p.stop(t)
	if log := p.Log(); strings.Contains(log, "secret") {
		t.Errorf("the log:\n%s", log)
	}
}

func TestLibrary(t *testing.T) {
	var buf bytes.Buffer
	l := log.New(library{&buf}, "", log.LstdFlags)
	l.Printf("Unsolicited response received on idle HTTP channel starting with %q", "secret")
	l.Print("something else")
	if text := buf.String(); strings.Contains(text, "secret") || !strings.Contains(text, "something else\n") {
		t.Errorf("printed %q", text)
	}
}
