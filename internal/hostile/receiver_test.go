package hostile

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kithchat/kith/api"
	"github.com/kithchat/kith/webhook"
)

const (
	// testPatience is the sender's, as far as the receiver knows, and how long the sender waits for an answer that does not
	// come; generous is what it grants where one does, and until the receiver has its event.
	testPatience, generous = 200 * time.Millisecond, time.Minute
)

// TestModes sends an event in every mode, over plain HTTP and over TLS, and compares what the sender learns with what
// the journal holds.
func TestModes(t *testing.T) {
	for _, overTLS := range []bool{false, true} {
		for _, mode := range Modes(overTLS) {
			t.Run(fmt.Sprintf("tls %t %s", overTLS, mode), func(t *testing.T) {
				if mode != Refuse { // while it does, others that begin to listen could get its port
					t.Parallel()
				}
				o := Options{TLS: overTLS, Patience: testPatience}
				if mode == TakenLate {
					o.Patience = time.Hour // so that its answer is late, however slow the sender is
				}
				r := startReceiver(t, o)
				if err := r.Use(mode); err != nil {
					t.Fatal(err)
				}
				want := 0
				if mode.Takes() {
					want = 1
				}
				s := newSender(t, r)
				if strings.Contains(string(mode), "hang") || strings.Contains(string(mode), "drip") || mode == HangBacklog || mode == TakenLate {
					s.giveUp = func() { awaitMet(t, r, mode, want) }
				}
				got := s.send(event{id: "1", account: "mira"})
				if (got == nil) != mode.Told() {
					t.Errorf("the sender learned %v", got)
				}
				if n := r.Journal().Counts().Taken; n != want {
					t.Errorf("%d events were taken, want %d", n, want)
				}
				if n := r.Count(mode); n == 0 {
					t.Error("the mode was not used")
				}
				if problems := r.Journal().Problems(nil); len(problems) > 0 {
					t.Errorf("the journal complains about a sender without fault: %v", problems)
				}
				if err := r.Use(Good); err != nil {
					t.Fatal(err)
				}
				s.giveUp = nil
				if err := s.send(event{id: "1", account: "mira", attempt: 2}); err != nil {
					t.Errorf("when it behaves again: %v", err)
				}
			})
		}
	}
}

// awaitMet returns when the receiver has met a sender in a mode, and has taken so many events, and time for an answer has
// passed since.
func awaitMet(t *testing.T, r *Receiver, mode Mode, taken int) {
	t.Helper()
	for deadline := time.Now().Add(generous); r.Count(mode) == 0 || r.Journal().Counts().Taken < taken; {
		if time.Now().After(deadline) {
			t.Errorf("nobody met %q within %s, or its event was not taken", mode, generous)
			return
		}
		time.Sleep(time.Millisecond) // a receiver gives no signal
	}
	time.Sleep(testPatience) // for an answer that must not come
}

// TestDraws: modes are drawn from the seed, and all of them are.
func TestDraws(t *testing.T) {
	var first []int
	for range 2 {
		r := startReceiver(t, Options{Seed: 7})
		if err := r.Use(Status500, CodeOne, Empty); err != nil {
			t.Fatal(err)
		}
		s := newSender(t, r)
		for i := range 30 {
			if s.send(event{id: "1", account: "mira", attempt: i + 1}) == nil {
				t.Fatal("a bad mode answered well")
			}
		}
		counts := []int{r.Count(Status500), r.Count(CodeOne), r.Count(Empty)}
		if first == nil {
			first = counts
		}
		if fmt.Sprint(counts) != fmt.Sprint(first) || min(counts[0], counts[1], counts[2]) == 0 {
			t.Errorf("drew %v, before that %v", counts, first)
		}
	}
}

func TestUseRefusesNonsense(t *testing.T) {
	r := startReceiver(t, Options{})
	for _, modes := range [][]Mode{nil, {"unheard of"}, {CertExpired}, {Refuse, Good}, {Good, HangBacklog}} {
		if err := r.Use(modes...); err == nil {
			t.Errorf("%q was taken", modes)
		}
	}
	if err := newSender(t, r).send(event{id: "1", account: "mira"}); err != nil {
		t.Errorf("a refused change spoiled the receiver: %v", err)
	}
}

// TestJournalSeesBadSenders: each fault that a sender can have is noticed over the wire.
func TestJournalSeesBadSenders(t *testing.T) {
	t.Run("follows a redirect", func(t *testing.T) {
		for _, mode := range []Mode{RedirectSelf, RedirectPrivate} {
			r := startReceiver(t, Options{})
			if err := r.Use(mode); err != nil {
				t.Fatal(err)
			}
			s := newSender(t, r)
			s.follow = true
			_ = s.send(event{id: "1", account: "mira"})
			wantProblem(t, r.Journal(), "redirect")
		}
	})
	t.Run("trusts every certificate", func(t *testing.T) {
		for _, mode := range []Mode{CertExpired, CertWrongHost, CertSelfSigned, CertUnknownCA} {
			r := startReceiver(t, Options{TLS: true})
			if err := r.Use(mode); err != nil {
				t.Fatal(err)
			}
			s := newSender(t, r)
			s.tls.InsecureSkipVerify = true
			_ = s.send(event{id: "1", account: "mira"})
			wantProblem(t, r.Journal(), string(mode))
		}
	})
	t.Run("sends nonsense", func(t *testing.T) {
		r := startReceiver(t, Options{})
		_ = newSender(t, r).send(event{account: "mira"})
		wantProblem(t, r.Journal(), "webhook-id")
	})
}

func wantProblem(t *testing.T, j *Journal, want string) {
	t.Helper()
	problems := j.Problems(nil)
	if len(problems) != 1 || !strings.Contains(problems[0].What, want) {
		t.Errorf("the journal holds %v, want one about %q", problems, want)
	}
}

func startReceiver(t *testing.T, o Options) *Receiver {
	t.Helper()
	r, err := Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// event is what a sender sends.
type event struct {
	id, account string
	attempt     int
}

// sender sends events like Kith, unless it is told to be careless.
type sender struct {
	url    string
	giveUp func() // returns when it has waited long enough; nil: a generous time
	follow bool
	tls    *tls.Config
}

func newSender(t *testing.T, r *Receiver) *sender {
	t.Helper()
	s := &sender{url: r.URL(), tls: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: x509.NewCertPool()}}
	if r.CA() != nil && !s.tls.RootCAs.AppendCertsFromPEM(r.CA()) {
		t.Fatal("the authority's certificate cannot be read")
	}
	return s
}

// send makes one attempt and returns why the event is not settled.
func (s *sender) send(e event) error {
	transport := &http.Transport{TLSClientConfig: s.tls, DialContext: new(net.Dialer).DialContext, DisableKeepAlives: true, MaxResponseHeaderBytes: 64 << 10}
	client := &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error {
		if s.follow {
			return nil
		}
		return http.ErrUseLastResponse
	}}
	ctx, cancel := context.WithTimeout(context.Background(), 2*generous)
	defer cancel()
	if s.giveUp != nil {
		var waiting sync.WaitGroup
		defer waiting.Wait()
		waiting.Go(func() {
			s.giveUp()
			cancel()
		})
	}
	body := webhook.EncodeBlackList(api.CallbackBlackListAdd, []api.Pair{{FromAccount: e.account, ToAccount: "troll"}})
	req, err := http.NewRequestWithContext(ctx, http.MethodPost,
		s.url+"?SdkAppid=1&CallbackCommand="+api.CallbackBlackListAdd, strings.NewReader(string(body)))
	if err != nil {
		return err
	}
	req.Header.Set(api.HeaderWebhookID, e.id)
	req.Header.Set(api.HeaderSequence, cmp.Or(e.id, "1"))
	req.Header.Set(api.HeaderAttempt, fmt.Sprint(max(e.attempt, 1)))
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode == http.StatusSwitchingProtocols {
		return errors.New(resp.Status) // what follows is no body
	}
	text, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return errors.New(resp.Status)
	}
	answer, err := webhook.ParseAnswer(text)
	if err == nil && answer.ErrorCode != 0 {
		err = fmt.Errorf("ErrorCode %d", answer.ErrorCode)
	}
	return err
}
