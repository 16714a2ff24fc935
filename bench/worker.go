package main

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"strconv"
	"time"
)

// callTimeout bounds the wait for one answer, and for as many as are waited for until it is set anew.
const callTimeout = 5 * time.Minute

// worker makes the calls of one connection, one after another.
type worker struct {
	id     int
	job    job
	source source
	shared *sharedState
	conn   net.Conn
	reader *bufio.Reader
	head   []byte  // request line and headers up to the value of Content-Length
	socket *socket // of kindDevice, instead of the above

	took    []int64 // nanoseconds, one for each call
	records []callTimes
	last    int64 // when the last answer came
	answer  []byte
	wire    int // bytes of answer on the wire
	err     error
}

func newWorker(j job, id int, s source, shared *sharedState) (*worker, error) {
	if j.Kind == kindDevice {
		return newDeviceWorker(j, id, s, shared)
	}
	conn, err := net.Dial("tcp", j.Addr)
	if err != nil {
		return nil, err
	}
	head := fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: ", j.Path, j.Addr)
	return &worker{
		id: id, job: j, source: s, shared: shared, conn: conn,
		reader: bufio.NewReaderSize(conn, wireBuffer), head: head,
	}, nil
}

// newDeviceWorker opens the session of the owner that this connection's calls are about.
func newDeviceWorker(j job, id int, s source, shared *sharedState) (*worker, error) {
	login, err := j.Devices.login(j.Lists.First+id, 0)
	if err != nil {
		return nil, err
	}
	socket, err := j.Devices.openOne(id, login)
	if err != nil {
		return nil, err
	}
	return &worker{id: id, job: j, source: s, shared: shared, conn: socket.conn, socket: socket}, nil
}

func (w *worker) close() { _ = w.conn.Close() }

// work makes calls until the time is up or there is nothing left. The first worker that runs out, or fails, stops all.
func (w *worker) work() {
	var request, body []byte
	var answer message
	for {
		sent, ok := w.shared.next()
		if !ok {
			return
		}
		c, ok := w.source.next(w.id, body[:0])
		if !ok {
			w.runOut()
			return
		}
		body = c.body
		if w.socket != nil {
			if err := w.ask(body, c.want); err != nil {
				w.err = err
				w.shared.stop.Store(true)
				return
			}
			w.note(sent, c.key)
			continue
		}
		request = append(request[:0], w.head...)
		request = strconv.AppendInt(request, int64(len(body)), 10)
		request = append(request, "\r\n\r\n"...)
		request = append(request, body...)
		if err := w.exchange(request, &answer, c.want); err != nil {
			w.err = err
			w.shared.stop.Store(true)
			return
		}
		w.note(sent, c.key)
	}
}

// runOut ends the phase for everybody when it is one against time: with fewer connections it would be another one.
func (w *worker) runOut() {
	if w.job.Duration > 0 {
		w.shared.short.Store(true)
		w.shared.stop.Store(true)
	}
}

// exchange sends a request and checks its answer.
func (w *worker) exchange(request []byte, answer *message, want want) error {
	// The deadline is renewed now and then only: setting it costs more than it guards.
	if len(w.took)%256 == 0 {
		if err := w.conn.SetDeadline(time.Now().Add(callTimeout)); err != nil {
			return err
		}
	}
	if _, err := w.conn.Write(request); err != nil {
		return err
	}
	if err := answer.read(w.reader); err != nil {
		return fmt.Errorf("no answer: %w", err)
	}
	if w.answer == nil {
		w.answer = bytes.Clone(answer.body)
	}
	if err := want.check(answer); err != nil {
		_, sent, _ := bytes.Cut(request, []byte("\r\n\r\n"))
		return fmt.Errorf("%w\nto   %.300s\ncame %s %.300s", err, sent, answer.start, answer.body)
	}
	return nil
}

// ask makes a call of the gateway and checks its answer.
func (w *worker) ask(request []byte, want want) error {
	if len(w.took)%256 == 0 {
		if err := w.conn.SetDeadline(time.Now().Add(callTimeout)); err != nil {
			return err
		}
	}
	answer, wire, err := w.socket.ask(request)
	if err != nil {
		return fmt.Errorf("no answer: %w", err)
	}
	if w.answer == nil {
		w.answer, w.wire = bytes.Clone(answer), wire
	}
	if n := bytes.Count(answer, itemOK); n != want.items {
		return fmt.Errorf("%w: %d items succeeded instead of %d\nto   %.300s\ncame %.300s", errRefused, n, want.items, request, answer)
	}
	return nil
}

func (w *worker) note(sent int64, key int64) {
	now := time.Now().UnixNano()
	w.took = append(w.took, now-sent)
	w.last = now
	if w.job.Record {
		w.records = append(w.records, callTimes{Key: key, Sent: sent, Answered: now})
	}
}

// want is what an answer must say: HTTP status 200, success, and how many items succeeded.
type want struct{ items int }

var (
	statusOK = []byte("HTTP/1.1 200 ")
	codeOK   = []byte(`"ErrorCode":0`)
	itemOK   = []byte(`"ResultCode":0,`)
)

func (w want) check(m *message) error {
	switch {
	case !bytes.HasPrefix(m.start, statusOK):
		return fmt.Errorf("%w: the status is not 200", errRefused)
	case !bytes.Contains(m.body, codeOK):
		return fmt.Errorf("%w: ErrorCode is not 0", errRefused)
	}
	if n := bytes.Count(m.body, itemOK); n != w.items {
		return fmt.Errorf("%w: %d items succeeded instead of %d", errRefused, n, w.items)
	}
	return nil
}
