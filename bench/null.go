package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
	"github.com/go-json-experiment/json"
	"github.com/google/uuid"

	"github.com/kithchat/kith/api"
	"github.com/kithchat/kith/webhook"
)

const (
	// chainQueue is how many callbacks of the null chain wait at most; then its answers wait.
	chainQueue = 1 << 16
	// chainSenders is how many callbacks the null chain sends at a time: as many as Kith does without being told.
	chainSenders = 128
)

// nullSetup is what the null handler answers, and where it posts callbacks; an empty URL means nowhere.
type nullSetup struct {
	Answer   string
	Callback string
}

// serveNull is the role of the null handler: the same kind of server as Kith's, which reads the same body with the same
// decoder and answers a constant as long as Kith's answer. As null chain it also posts, beside its answer, the callback that
// Kith would post, once, in any order, with a plain net/http client.
func serveNull(in io.Reader, out io.Writer) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	h := newNullHandler()
	server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	go func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			panic(err) // the parent sees this process end
		}
	}()
	return errors.Join(
		serveCommands(in, out, listener.Addr().String(), map[string]action{
			"setup":   takes(h.setup),
			"collect": takes(func(none) (any, error) { runtime.GC(); return nil, nil }),
		}),
		server.Close())
}

type nullHandler struct {
	now     atomic.Pointer[nullSetup]
	buffers sync.Pool
	queue   chan []byte
	client  *http.Client
}

func newNullHandler() *nullHandler {
	h := &nullHandler{
		buffers: sync.Pool{New: func() any { return new(bytes.Buffer) }},
		queue:   make(chan []byte, chainQueue),
		client: &http.Client{Transport: &http.Transport{
			MaxIdleConnsPerHost: chainSenders, MaxConnsPerHost: chainSenders, DisableCompression: true,
		}},
	}
	h.now.Store(&nullSetup{})
	for range chainSenders {
		go h.send()
	}
	return h
}

func (h *nullHandler) setup(s nullSetup) (any, error) {
	h.now.Store(&s)
	return nil, nil
}

// nullFrame is what the null gateway answers to every frame.
const nullFrame = `{"jsonrpc":"2.0","id":1,"result":{}}`

// serveSocket is the null gateway: the same WebSocket library, which answers a constant to each frame.
func (h *nullHandler) serveSocket(w http.ResponseWriter, r *http.Request) {
	ws, err := websocket.Accept(w, r, nil)
	if err != nil {
		return
	}
	defer func() { _ = ws.CloseNow() }()
	for {
		if _, _, err := ws.Read(context.Background()); err != nil {
			return
		}
		if err := ws.Write(context.Background(), websocket.MessageText, []byte(nullFrame)); err != nil {
			return
		}
	}
}

func (h *nullHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == api.GatewayPath {
		h.serveSocket(w, r)
		return
	}
	b := h.buffers.Get().(*bytes.Buffer)
	defer h.buffers.Put(b)
	b.Reset()
	var request api.BlockRequest
	if _, err := b.ReadFrom(r.Body); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if err := json.Unmarshal(b.Bytes(), &request); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	setup := h.now.Load()
	if setup.Callback != "" {
		h.queue <- callbackOf(&request)
	}
	header := w.Header()
	header["Content-Type"] = []string{"application/json; charset=utf-8"}
	header["Content-Length"] = []string{strconv.Itoa(len(setup.Answer))}
	_, _ = io.WriteString(w, setup.Answer) // a caller who has gone cannot be told
}

func callbackOf(request *api.BlockRequest) []byte {
	pairs := make([]api.Pair, len(request.ToAccount))
	for i, target := range request.ToAccount {
		pairs[i] = api.Pair{FromAccount: request.FromAccount, ToAccount: target}
	}
	return webhook.EncodeBlackList(api.CallbackBlackListDelete, pairs)
}

func (h *nullHandler) send() {
	for body := range h.queue {
		if err := h.post(body); err != nil {
			panic(err) // the receiver is ours and up; the parent sees this process end
		}
	}
}

func (h *nullHandler) post(body []byte) error {
	request, err := http.NewRequestWithContext(context.Background(), http.MethodPost, h.now.Load().Callback, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header[api.HeaderWebhookID] = []string{uuid.NewString()}
	response, err := h.client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if parsed, err := webhook.ParseAnswer(answer); err != nil || parsed.ErrorCode != 0 {
		return fmt.Errorf("the receiver answered %q", answer)
	}
	return nil
}
