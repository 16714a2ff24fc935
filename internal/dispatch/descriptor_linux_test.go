package dispatch

import (
	"errors"
	"net"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/kithchat/kith/internal/relation"
)

// starvedURL is a variable with the URL of an app backend. With it this test binary is the process that runs out of descriptors.
const starvedURL = "KITH_TEST_STARVED_URL"

// TestOutOfDescriptors has a process that may open no file any more, for real: its dials fail with EMFILE. An event that has one
// attempt only is not given up for that, and is delivered once descriptors are free. The app backend lives here, where there are
// enough.
func TestOutOfDescriptors(t *testing.T) {
	if url := os.Getenv(starvedURL); url != "" {
		starve(t, url)
		return
	}
	rc := &receiver{}
	backend := httptest.NewServer(rc)
	defer backend.Close()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	child := exec.CommandContext(t.Context(), program, "-test.run=^TestOutOfDescriptors$", "-test.v", "-test.timeout=1m")
	child.Env = append(os.Environ(), starvedURL+"="+backend.URL+"/cb")
	out, err := child.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: TestOutOfDescriptors") {
		t.Fatalf("the process without descriptors: %v\n%s", err, out)
	}
	seen := rc.seen()
	if len(seen) != 1 || seen[0].Owner != "tom" || seen[0].Attempt != 1 || !seen[0].Took {
		t.Errorf("the app backend saw %+v, want one event at its first attempt", seen)
	}
}

// starve uses all descriptors up, and frees them after two attempts at an event.
func starve(t *testing.T, url string) {
	w := &world{t: t, outbox: newMemoryOutbox(time.Now), apps: &appSet{}}
	w.apps.set(testApp(appA, relation.Callback{URL: url, MaxAttempts: 1, TimeoutMS: unhurried})) // or a slow machine uses it up
	w.o = Options{Outbox: w.outbox, Apps: w.apps, Egress: loopback(t)}
	w.start()
	defer w.stop()
	watch := w.d.Watch(appA, false)
	defer watch.Close()
	listener, err := net.Listen("tcp", "127.0.0.1:0") // the runtime cannot do without the descriptors that it opens for its first socket
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	free := useUp(t)
	w.outbox.commit(appA, "tom", "x")
	for range 2 {
		if a := <-watch.C; a.Verdict != relation.Retry || a.Attempt.Reason != string(ReasonLocal) || a.Attempt.Detail != syscall.EMFILE.Error() {
			t.Fatalf("without descriptors: %+v", a)
		}
	}
	free()
	a := <-watch.C
	for a.Verdict == relation.Retry { // one that was under way
		a = <-watch.C
	}
	if a.Verdict != relation.Delivered {
		t.Errorf("with descriptors again: %+v", a)
	}
	w.outbox.mu.Lock()
	defer w.outbox.mu.Unlock()
	for _, s := range w.outbox.settled {
		if s.Verdict == relation.Retry && (s.Attempts != 0 || !s.BudgetFrom.IsZero()) {
			t.Errorf("a fault of our own used the budget up: %+v", s)
		}
	}
}

// useUp opens files until there are no descriptors left, and returns what closes them.
func useUp(t *testing.T) (free func()) {
	t.Helper()
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	limit.Cur = 128
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	var open []*os.File
	for {
		file, err := os.Open(os.DevNull)
		if errors.Is(err, syscall.EMFILE) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		open = append(open, file)
	}
	return func() {
		for _, file := range open {
			_ = file.Close()
		}
	}
}
