package demo

import (
	"context"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/kithchat/kith/api"
)

// scene is the demo's page in a browser.
type scene struct {
	*webStage
	*browser
	*tab // with both users, both connected
}

func play(t *testing.T) *scene {
	t.Helper()
	w, err := openWeb(t.Context(), WebOptions{Listen: "127.0.0.1:0", Version: "v1"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.close(); err != nil {
			t.Error(err)
		}
	})
	s := &scene{webStage: w, browser: openBrowser(t)}
	s.tab = s.browser.open(w.webInfo().Page)
	s.awaitState(webUser, "ready")
	s.awaitState(webOther, "ready")
	return s
}

// second opens mira's second tab by the link on the page.
func (s *scene) second() *tab {
	tab := s.follow(pane(webUser, `[data-part="second"]`))
	tab.awaitState(webUser, "ready")
	return tab
}

// rest changes mira's list as the app backend does.
func (s *scene) rest(t *testing.T, command string, targets ...string) {
	t.Helper()
	call, err := s.call(t.Context(), step{command: command, body: api.BlockRequest{FromAccount: webUser, ToAccount: targets}})
	if err != nil {
		t.Fatal(err)
	}
	if problem := (step{command: command}).checkAnswer(call); problem != "" {
		t.Fatal(problem)
	}
}

// goOffline takes the network from the page, or gives it back.
func (s *scene) goOffline(offline bool) {
	send(s.tab, emulateNetwork, network.OverrideNetworkStateParams{Offline: offline, DownloadThroughput: -1, UploadThroughput: -1})
}

// emulateNetwork cuts the network off, which the newer commands do only together.
var emulateNetwork = cdp.Command[network.OverrideNetworkStateParams, cdp.Empty]{Method: "Network.emulateNetworkConditions"}

func TestWebChangeReachesTheOtherTabAndTheAppBackend(t *testing.T) {
	s := play(t)
	second := s.second()
	if second.is(`document.querySelectorAll(".pane").length !== 1`) {
		t.Error("the second tab shows more than one user")
	}
	s.click(pane(webUser, `[value="block"]`))
	for _, tab := range []*tab{s.tab, second} {
		tab.awaitList(webUser, webOther)
		tab.awaitCallback(1, api.CallbackBlackListAdd, api.PlatformWeb, "mira → troll")
	}
	s.awaitLog(webUser, "block troll: 0")

	s.click(pane(webUser, `.list [data-blocked="troll"] button`))
	for _, tab := range []*tab{s.tab, second} {
		tab.awaitList(webUser)
		tab.awaitCallback(2, api.CallbackBlackListDelete, api.PlatformWeb, "mira → troll")
	}
	s.awaitList(webOther)
	if s.is(`document.querySelector('` + pane(webOther, ".log") + `').innerText.includes("BLACKLIST")`) {
		t.Error("the blocked person was told")
	}
}

func TestWebShowsTheResultOfEachAccount(t *testing.T) {
	s := play(t)
	field := chromedp.CSS(pane(webUser, `[name="accounts"]`))
	s.do(chromedp.SetValue(field, "rob, nobody , mira"), chromedp.SendKeys(field, kb.Enter)) // by the keyboard
	s.awaitList(webUser, rob)
	s.awaitCallback(1, api.CallbackBlackListAdd, api.PlatformWeb, "mira → rob")
	s.awaitLog(webUser, "block rob: 0")
	s.awaitLog(webUser, "block nobody: 30003")
	s.awaitLog(webUser, "block mira: 30001")
}

// While a tab is offline, the list changes elsewhere, and a call is made in the tab. Back online it has caught up, and the
// call goes out, all without a reload.
func TestWebOffline(t *testing.T) {
	for name, toggle := range map[string]func(s *scene, offline bool){
		"by the button": func(s *scene, _ bool) { s.click(pane(webUser, `[data-do="offline"]`)) },
		"by losing the network": func(s *scene, offline bool) {
			s.goOffline(offline)
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := play(t)
			s.is(`window.loadedOnce = true`)
			toggle(s, true)
			s.awaitState(webUser, "offline")
			s.rest(t, "sns/black_list_add", rob, ann)
			s.rest(t, "sns/black_list_delete", ann)
			s.click(pane(webUser, `[value="block"]`))
			s.awaitLog(webUser, "block troll: waiting")
			s.awaitList(webUser)
			toggle(s, false)
			s.awaitState(webUser, "ready")
			s.awaitList(webUser, rob, webOther)
			s.awaitLog(webUser, "block troll: 0")
			s.await("four callbacks", `document.querySelectorAll("#callbacks > li").length >= 3`)
			s.awaitCallback(3, api.CallbackBlackListAdd, api.PlatformWeb, "mira → troll")
			if !s.is(`window.loadedOnce`) {
				t.Error("the page was loaded again")
			}
		})
	}
}

func TestWebExpiredTicket(t *testing.T) {
	s := play(t)
	s.click(pane(webUser, `[data-do="expire"]`))
	s.awaitState(webUser, "ended")
	s.await("it says why", `document.querySelector('`+pane(webUser, ".notice p")+`').innerText.includes("UserSig has expired")`)
	s.rest(t, "sns/black_list_add", rob)
	s.click(pane(webUser, `.notice [data-do="login"]`))
	s.awaitState(webUser, "ready")
	s.awaitList(webUser, rob)
	s.awaitState(webOther, "ready")
}

func TestWebKickedByTheAppBackend(t *testing.T) {
	s := play(t)
	second := s.second()
	s.click(pane(webUser, `[data-do="rest-kick"]`))
	for _, tab := range []*tab{s.tab, second} {
		tab.awaitState(webUser, "ended")
		tab.awaitLog(webUser, "KICKED_OUT")
	}
	s.awaitState(webOther, "ready")
	s.click(pane(webUser, `.notice [data-do="login"]`))
	s.awaitState(webUser, "ready")
	second.awaitState(webUser, "ended")
}

func TestWebKickedByAnotherTab(t *testing.T) {
	s := play(t)
	s.do(chromedp.SendKeys(chromedp.CSS("#devices"), "1"))
	s.await("the limit is set", `document.querySelector("#devices").dataset.set === "1"`)
	second := s.second()
	s.awaitState(webUser, "ended")
	s.awaitLog(webUser, "KICKED_OUT")
	second.awaitState(webUser, "ready")
	s.awaitState(webOther, "ready")
}

func TestWebServerRestart(t *testing.T) {
	s := play(t)
	s.click(pane(webUser, `[value="block"]`))
	s.awaitList(webUser, webOther)
	times := `document.querySelector('` + pane(webUser, ".state") + `').dataset.times`
	s.is(`(window.timesBefore = ` + times + `) !== ""`)
	s.click("#restart")
	s.await("mira was connected again", times+` > window.timesBefore`)
	s.awaitState(webUser, "ready")
	s.awaitState(webOther, "ready")
	s.awaitList(webUser, webOther)
	s.click(pane(webUser, `.list [data-blocked="troll"] button`))
	s.awaitList(webUser)
	s.awaitCallback(2, api.CallbackBlackListDelete, api.PlatformWeb, "mira → troll")
}

// Whoever cannot see the page, or uses no mouse, can use it too.
func TestWebEverythingHasAName(t *testing.T) {
	s := play(t)
	if s.is(`[...document.querySelectorAll("button, a, input, select")].some((node) => node.offsetParent && !(node.ariaLabel || node.textContent.trim() || node.labels?.length))`) {
		t.Error("a control has no name")
	}
	if s.is(`[...document.querySelectorAll("[id]")].length !== new Set([...document.querySelectorAll("[id]")].map((n) => n.id)).size`) {
		t.Error("an id occurs twice")
	}
	if s.is(`document.documentElement.scrollWidth > innerWidth`) {
		t.Error("the page is wider than its window")
	}
	s.do(chromedp.EmulateViewport(390, 800))
	s.await("a phone's width is enough", `document.documentElement.scrollWidth <= innerWidth`)
}

func TestWebNeedsLoopback(t *testing.T) {
	for _, address := range []string{"0.0.0.0:0", "192.0.2.1:0", ":0", "127.0.0.1"} {
		err := RunWeb(t.Context(), WebOptions{Listen: address})
		if err == nil {
			t.Errorf("%s was taken", address)
		}
	}
}

func TestWebEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	err := RunWeb(ctx, WebOptions{Listen: "127.0.0.1:0", Version: "v1", Started: func(WebInfo) { cancel() }})
	if err != nil {
		t.Error(err)
	}
}
