package proof

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/kithchat/kith/api"
	"github.com/kithchat/kith/internal/hostile"
)

// TestLink: the faults of a network are felt, and are gone when they are taken away.
func TestLink(t *testing.T) {
	receiver, err := hostile.Start(hostile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := receiver.Close(); err != nil {
			t.Error(err)
		}
	}()
	link, err := NewLink(receiver.Address())
	if err != nil {
		t.Fatal(err)
	}
	defer link.Cut()
	// send reports whether an exchange worked, and its time.
	send := func(patience time.Duration) (time.Duration, error) {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		transport := &http.Transport{DisableKeepAlives: true}
		began := time.Now()
		body := `{"CallbackCommand":"` + api.CallbackBlackListAdd + `","PairList":[{"From_Account":"mira","To_Account":"troll"}]}`
		req, err := http.NewRequestWithContext(ctx, http.MethodPost,
			receiver.URLAt(link.Address())+"?SdkAppid=1&CallbackCommand="+api.CallbackBlackListAdd, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set(api.HeaderWebhookID, "1")
		req.Header.Set(api.HeaderSequence, "1")
		req.Header.Set(api.HeaderAttempt, "1")
		resp, err := transport.RoundTrip(req)
		if err != nil {
			return 0, err
		}
		_, err = io.ReadAll(resp.Body)
		return time.Since(began), errors.Join(err, resp.Body.Close())
	}
	const generous, brief = 30 * time.Second, 300 * time.Millisecond
	for _, c := range []struct {
		toxic    Toxic
		patience time.Duration
		works    bool
		slower   time.Duration
	}{
		{Toxic{"latency", "upstream", 1, map[string]any{"latency": 150}}, generous, true, 150 * time.Millisecond},
		{Toxic{"bandwidth", "upstream", 1, map[string]any{"rate": 1}}, generous, true, 150 * time.Millisecond},
		{Toxic{"slicer", "downstream", 1, map[string]any{"average_size": 10, "delay": 2000}}, generous, true, 10 * time.Millisecond},
		{Toxic{"timeout", "downstream", 1, map[string]any{"timeout": 0}}, brief, false, 0},
		{Toxic{"timeout", "upstream", 1, map[string]any{"timeout": 50}}, generous, false, 0},
		{Toxic{"reset_peer", "downstream", 1, map[string]any{"timeout": 0}}, generous, false, 0},
		{Toxic{"limit_data", "downstream", 1, map[string]any{"bytes": 20}}, generous, false, 0},
	} {
		if err := link.Use(c.toxic); err != nil {
			t.Fatal(err)
		}
		took, err := send(c.patience)
		if (err == nil) != c.works || took < c.slower {
			t.Errorf("%s: %v after %s", c.toxic, err, took)
		}
		if err := link.Use(); err != nil {
			t.Fatal(err)
		}
		if _, err := send(generous); err != nil {
			t.Errorf("without %s: %v", c.toxic, err)
		}
	}
	link.Cut()
	if _, err := send(generous); err == nil {
		t.Error("a network that is cut carried a request")
	}
	if err := link.Use(Toxic{Type: "unheard of", Stream: "upstream"}); err == nil {
		t.Error("a toxic that does not exist was taken")
	}
}
