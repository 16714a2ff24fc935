package demo

import (
	"context"
	"fmt"
	"net/url"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"

	cdplog "github.com/chromedp/cdproto/log"
)

// pageWait bounds the wait for something to appear on a page.
const pageWait = time.Minute

// browser is a headless Chromium with a profile of its own.
type browser struct {
	t   *testing.T
	ctx context.Context

	mu       sync.Mutex
	problems []string
}

// openBrowser starts Chromium. It ends with the test, which fails if a page threw, broke its content policy, or asked for
// something beyond loopback or with a secret in its URL.
func openBrowser(t *testing.T) *browser {
	t.Helper()
	program, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal("chromium is not installed; run `make deps`")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(program), chromedp.UserDataDir(t.TempDir()), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.WSURLReadTimeout(pageWait), // until it has started
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
		chromedp.WindowSize(1280, 800),
	)
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, cancel := chromedp.NewContext(allocator, chromedp.WithErrorf(func(string, ...any) {})) // events newer than the library
	b := &browser{t: t, ctx: ctx}
	t.Cleanup(func() {
		_ = chromedp.Cancel(ctx) // waits for the process
		cancel()
		stop()
		b.mu.Lock()
		defer b.mu.Unlock()
		for _, problem := range b.problems {
			t.Error(problem)
		}
	})
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("chromium does not start: %v", err)
	}
	return b
}

// tab is one page.
type tab struct {
	b   *browser
	ctx context.Context
}

// open opens a page in a tab of its own.
func (b *browser) open(address string) *tab {
	b.t.Helper()
	t := b.attach()
	t.do(chromedp.Navigate(address))
	return t
}

// attach opens a tab, or takes the one that an option names.
func (b *browser) attach(options ...chromedp.ContextOption) *tab {
	b.t.Helper()
	ctx, cancel := chromedp.NewContext(b.ctx, append(options, chromedp.WithListener(b.watch))...)
	b.t.Cleanup(cancel)
	t := &tab{b, ctx}
	if err := chromedp.Do(ctx); err != nil { // without a deadline, which would be that of the tab
		b.t.Fatal(err)
	}
	send(t, network.Enable, network.EnableParams{})
	send(t, cdplog.Enable, cdp.Empty{})
	return t
}

// watch notes what a page must not do.
func (b *browser) watch(event any) {
	problem := ""
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		problem = "a page threw " + describe(e.ExceptionDetails)
	case *cdplog.EventEntryAdded:
		if e.Entry.Source == cdplog.EntrySourceSecurity || strings.Contains(e.Entry.Text, "Content Security Policy") {
			problem = "a page broke its policy: " + e.Entry.Text
		}
	case *network.EventRequestWillBeSent:
		problem = checkAddress(e.Request.URL)
	case *network.EventWebSocketCreated:
		problem = checkAddress(e.URL)
	}
	if problem != "" {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.problems = append(b.problems, problem)
	}
}

// checkAddress returns what is wrong with the URL of a request.
func checkAddress(text string) string {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Hostname() != "127.0.0.1":
		return "a page asked for " + text
	case strings.Contains(strings.ToLower(u.RawQuery), "sig"):
		return "a page put a UserSig into a URL"
	}
	return ""
}

// describe tells what was thrown, and where.
func describe(e *runtime.ExceptionDetails) string {
	text := fmt.Sprintf("%s (%s:%d)", e.Text, e.URL, e.LineNumber+1)
	if e.Exception != nil {
		text = e.Exception.Description + " " + text
	}
	return text
}

// do carries out actions that need no waiting for the page's state.
func (t *tab) do(actions ...chromedp.Action[chromedp.Void]) {
	t.b.t.Helper()
	ctx, cancel := context.WithTimeout(t.ctx, pageWait)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		t.b.t.Fatal(err)
	}
}

// send sends a command of the browser's protocol that has no action.
func send[P, R any](t *tab, command cdp.Command[P, R], params P) {
	t.b.t.Helper()
	ctx, cancel := context.WithTimeout(t.ctx, pageWait)
	defer cancel()
	if _, err := chromedp.Call(ctx, command, params); err != nil {
		t.b.t.Fatalf("%s: %v", command.Method, err)
	}
}

// eval returns the value of an expression on the page. A promise is waited for.
func eval[T any](t *tab, expression string) (T, error) {
	ctx, cancel := context.WithTimeout(t.ctx, pageWait)
	defer cancel()
	return chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
}

// await waits until an expression is true on the page. It looks whenever the page changes.
func (t *tab) await(what, expression string) {
	t.b.t.Helper()
	_, err := eval[bool](t, fmt.Sprintf(`new Promise((resolve) => {
		const check = () => { try { return %s; } catch { return false; } };
		if (check()) return resolve(true);
		const observer = new MutationObserver(() => { if (check()) { observer.disconnect(); resolve(true); } });
		observer.observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
	})`, expression))
	if err != nil {
		text, _ := eval[string](t, `document.body.innerText`)
		t.b.t.Fatalf("not within %s: %s (%v)\n%s", pageWait, what, err, text)
	}
}

// is reports whether an expression is true now.
func (t *tab) is(expression string) bool {
	t.b.t.Helper()
	ok, err := eval[bool](t, expression)
	if err != nil {
		t.b.t.Fatalf("%s: %v", expression, err)
	}
	return ok
}

// click clicks an element as a person does: it must be there, be seen and be enabled.
func (t *tab) click(selector string) {
	t.b.t.Helper()
	t.await(selector+" can be clicked", fmt.Sprintf(`!document.querySelector(%q).disabled`, selector))
	t.do(chromedp.Click(chromedp.CSS(selector), chromedp.NodeVisible))
}

// follow clicks a link that opens a tab, and returns that tab.
func (t *tab) follow(selector string) *tab {
	t.b.t.Helper()
	opened := chromedp.WaitNewTarget(t.ctx, func(info *target.Info) bool { return info.Type == "page" })
	t.click(selector)
	select {
	case id := <-opened:
		return t.b.attach(chromedp.WithTargetID(id))
	case <-time.After(pageWait):
		t.b.t.Fatalf("no tab was opened within %s", pageWait)
		return nil
	}
}

// pane is the selector of something in a user's pane.
func pane(user, rest string) string { return `[data-user="` + user + `"].pane ` + rest }

// awaitState waits for a pane's state: ready, connecting, offline or ended.
func (t *tab) awaitState(user, state string) {
	t.b.t.Helper()
	t.await(user+" is "+state, fmt.Sprintf(`document.querySelector(%q).dataset.state === %q`, pane(user, ".state"), state))
}

// awaitList waits until a pane's blocklist has exactly these people.
func (t *tab) awaitList(user string, blocked ...string) {
	t.b.t.Helper()
	t.await("the blocklist of "+user+" is "+strings.Join(blocked, ", "), fmt.Sprintf(
		`[...document.querySelectorAll(%q)].map((item) => item.dataset.blocked).sort().join() === %q`,
		pane(user, ".list li"), strings.Join(blocked, ",")))
}

// awaitLog waits for a line of a pane's log.
func (t *tab) awaitLog(user, text string) {
	t.b.t.Helper()
	t.await("the log of "+user+" says "+text, fmt.Sprintf(
		`[...document.querySelectorAll(%q)].some((line) => line.innerText.includes(%q))`, pane(user, ".log li"), text))
}

// awaitCallback waits until the number-th callback is the newest that the page shows, and is this one.
func (t *tab) awaitCallback(number int, command, platform string, pairs ...string) {
	t.b.t.Helper()
	fields := []string{platform, "127.0.0.1", "1"}
	t.await("callback "+strconv.Itoa(number)+" is "+command+" "+strings.Join(pairs, ", "), fmt.Sprintf(`(() => {
		const all = document.querySelectorAll("#callbacks > li"), newest = all[0];
		const texts = (selector) => [...newest.querySelectorAll(selector)].map((node) => node.textContent).join();
		const field = (name) => texts('[data-field="' + name + '"]');
		return all.length === %d && newest.dataset.command === %q && texts(".pairs li") === %q
			&& [field("OptPlatform"), field("ClientIP"), field("attempt")].join() === %q && field("webhook-id").length > 20;
	})()`, number, command, strings.Join(pairs, ","), strings.Join(fields, ",")))
}
