package proof

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"time"

	"github.com/kithchat/kith/internal/hostile"
)

// ReceiverRole is the first argument by which a program becomes the receiver of a soak: see RunReceiver.
const ReceiverRole = "proof-receiver"

// receiverStart bounds the start of a receiver process, and each order to it.
const receiverStart = time.Minute

// Backend is a hostile receiver in a process of its own, that can be killed. What it took is in a file, which it writes
// before it answers. Its methods are not safe for concurrent use.
type Backend struct {
	address string
	journal string // file
	seed    uint64
	timeout time.Duration // of the sender

	cmd   *exec.Cmd
	in    io.WriteCloser
	out   *bufio.Reader
	modes []hostile.Mode
}

// NewBackend starts a receiver that writes its journal to a file.
func NewBackend(ctx context.Context, journal string, seed uint64, timeout time.Duration) (*Backend, error) {
	address, err := hostile.FreeAddress()
	if err != nil {
		return nil, err
	}
	b := &Backend{address: address, journal: journal, seed: seed, timeout: timeout, modes: []hostile.Mode{hostile.Good}}
	return b, b.start(ctx)
}

// URL returns where events go when the receiver is reached at an address.
func (b *Backend) URL(address string) string { return "http://" + address + "/callback" }

func (b *Backend) start(ctx context.Context) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	b.seed++ // or each life would draw the same
	b.cmd = exec.Command(self, ReceiverRole, b.address, b.journal, strconv.FormatUint(b.seed, 10), b.timeout.String())
	b.cmd.Stderr = os.Stderr
	in, err := b.cmd.StdinPipe()
	if err != nil {
		return err
	}
	out, err := b.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := b.cmd.Start(); err != nil {
		return fmt.Errorf("start the receiver: %w", err)
	}
	b.in, b.out = in, bufio.NewReader(out)
	return errors.Join(b.answer(ctx), b.Use(ctx, b.modes...))
}

// answer reads what the process says to an order.
func (b *Backend) answer(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, receiverStart)
	defer cancel()
	defer context.AfterFunc(ctx, func() { _ = b.cmd.Process.Kill() })()
	text, err := b.out.ReadString('\n')
	if err != nil {
		return fmt.Errorf("the receiver ended: %w", err)
	}
	if text != "ok\n" {
		return fmt.Errorf("the receiver: %s", text)
	}
	return nil
}

// Use sets the receiver's modes, see hostile.Receiver.Use.
func (b *Backend) Use(ctx context.Context, modes ...hostile.Mode) error {
	b.modes = modes
	if err := json.NewEncoder(b.in).Encode(modes); err != nil {
		return fmt.Errorf("the receiver ended: %w", err)
	}
	return b.answer(ctx)
}

// Kill ends the process at once (kill -9).
func (b *Backend) Kill() error {
	if err := b.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("kill the receiver: %w", err)
	}
	_ = b.cmd.Wait() // it says that it was killed
	return nil
}

// Restart kills the process and starts it again after a while, in the modes that it had.
func (b *Backend) Restart(ctx context.Context, after time.Duration) error {
	if err := b.Kill(); err != nil {
		return err
	}
	if err := pause(ctx, after); err != nil {
		return err
	}
	return b.start(ctx)
}

// Read reads the journal of all lives of the receiver.
func (b *Backend) Read() (*hostile.Journal, error) {
	f, err := os.Open(b.journal)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	return hostile.ReadJournal(f)
}

// RunReceiver is the receiver's process: args are what NewBackend gives it behind ReceiverRole. It takes orders, lines with
// modes, from in, answers each on out, and ends with in.
func RunReceiver(args []string, in io.Reader, out io.Writer) (err error) {
	if len(args) != 4 {
		return fmt.Errorf("%s takes an address, a file, a seed and a time, not %q", ReceiverRole, args)
	}
	seed, err := strconv.ParseUint(args[2], 10, 64)
	if err != nil {
		return err
	}
	patience, err := time.ParseDuration(args[3])
	if err != nil {
		return err
	}
	file, err := os.OpenFile(args[1], os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	journal := hostile.NewJournal(file)
	if err := journal.Begin(); err != nil {
		return err
	}
	r, err := hostile.Start(hostile.Options{Address: args[0], Seed: seed, Patience: patience, Journal: journal})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close(), journal.Err()) }()
	answer := func(err error) {
		if err != nil {
			_, _ = fmt.Fprintln(out, err)
			return
		}
		_, _ = fmt.Fprintln(out, "ok")
	}
	answer(nil)
	for orders := json.NewDecoder(in); ; {
		var modes []hostile.Mode
		if err := orders.Decode(&modes); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		answer(r.Use(modes...))
	}
}

// pause waits, unless ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
