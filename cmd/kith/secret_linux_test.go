package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/kithchat/kith/internal/leaktest"
)

// terminal opens a pseudo-terminal: what a person types and sees, and what the program has.
func terminal(t *testing.T) (person, program *os.File) {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = person.Close() })
	if err := unix.IoctlSetPointerInt(int(person.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(person.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = program.Close() })
	return person, program
}

func echoes(t *testing.T, f *os.File) bool {
	t.Helper()
	state, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	return state.Lflag&unix.ECHO != 0
}

// awaits polls: nothing tells when a terminal is read.
func awaits(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !done(); time.Sleep(time.Millisecond) { // polls, see above
		if time.Now().After(deadline) {
			t.Fatalf("not within a minute: %s", what)
		}
	}
}

// A secret that a person types is taken and not shown, and the terminal is as it was afterwards.
func TestTypedSecretIsNotShown(t *testing.T) {
	data, _ := startServer(t)
	person, program := terminal(t)
	if !isTerminal(program) {
		t.Fatal("the terminal is taken for none")
	}
	done := make(chan result, 1)
	go func() {
		done <- executeWith(t, program, nil, "app", "create", "--sdkappid", deliveryApp, "--key", "-", "--data", data)
	}()
	awaits(t, "the terminal does not show what is typed", func() bool { return !echoes(t, program) })
	if _, err := person.WriteString(leaktest.AppKey + "\n"); err != nil {
		t.Fatal(err)
	}
	r := <-done
	if r.status != exitDone || !strings.Contains(r.err, "which is not shown") {
		t.Errorf("status %d, %s", r.status, r.err)
	}
	leaktest.Check(t, "kith app create", r.out+r.err)
	if !echoes(t, program) {
		t.Error("the terminal is left as it was for the secret")
	}
	if _, err := program.WriteString("end"); err != nil {
		t.Fatal(err)
	}
	var shown []byte
	for !bytes.Contains(shown, []byte("end")) {
		b := make([]byte, 1024)
		n, err := person.Read(b)
		if err != nil {
			t.Fatal(err)
		}
		shown = append(shown, b[:n]...)
	}
	leaktest.Check(t, "the terminal", string(shown))
	// Who gives up typing gets the terminal back.
	ctx, cancel := context.WithCancel(t.Context())
	stopped := make(chan error, 1)
	go func() {
		_, err := (&cli{in: program, err: io.Discard}).readLine(ctx)
		stopped <- err
	}()
	awaits(t, "a secret is asked for again", func() bool { return !echoes(t, program) })
	cancel()
	if err := <-stopped; !errors.Is(err, context.Canceled) || !echoes(t, program) {
		t.Errorf("given up: %v, the terminal shows what is typed: %t", err, echoes(t, program))
	}
	_, _ = person.WriteString("\n") // for who still reads
	if out := (shell{t, data}).run("app", "show", deliveryApp); !strings.Contains(out, deliveryApp) {
		t.Errorf("the app is not there: %s", out)
	}
}
