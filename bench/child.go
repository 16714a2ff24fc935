package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"time"
)

// roles are what this program can be when it is started by itself.
func roles() map[string]func(io.Reader, io.Writer) error {
	return map[string]func(io.Reader, io.Writer) error{
		"role-load":     serveLoad,
		"role-null":     serveNull,
		"role-receiver": serveReceiver,
	}
}

// command is one line to a child: what to do, with what.
type command struct {
	Do   string          `json:"do"`
	With json.RawMessage `json:"with,omitempty"`
}

// reply is one line from a child.
type reply struct {
	Error string          `json:"error,omitempty"`
	Value json.RawMessage `json:"value,omitempty"`
}

// action carries out one command in a child.
type action func(with json.RawMessage) (any, error)

// takes makes an action of a function with a typed argument.
func takes[In any](do func(In) (any, error)) action {
	return func(with json.RawMessage) (any, error) {
		var in In
		if len(with) > 0 {
			if err := json.Unmarshal(with, &in); err != nil {
				return nil, err
			}
		}
		return do(in)
	}
}

// serveCommands is a child's main loop. It first tells the parent hello and ends when the input does.
func serveCommands(in io.Reader, out io.Writer, hello any, actions map[string]action) error {
	w := bufio.NewWriter(out)
	answer := func(value any, err error) error {
		var r reply
		if err == nil {
			r.Value, err = json.Marshal(value)
		}
		if err != nil {
			r = reply{Error: err.Error()}
		}
		if err := json.NewEncoder(w).Encode(r); err != nil {
			return err
		}
		return w.Flush()
	}
	if err := answer(hello, nil); err != nil {
		return err
	}
	for d := json.NewDecoder(in); ; {
		var c command
		if err := d.Decode(&c); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		do, ok := actions[c.Do]
		if !ok {
			return fmt.Errorf("unknown command %q", c.Do)
		}
		if err := answer(do(c.With)); err != nil {
			return err
		}
	}
}

// child is a role of this program in a process of its own. Its methods are safe for concurrent use.
type child struct {
	name string
	cmd  *exec.Cmd
	in   io.Closer

	mu  sync.Mutex
	enc *json.Encoder
	dec *json.Decoder
}

// startChild starts a role and decodes its hello.
func startChild(ctx context.Context, role string, hello any) (*child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, self, role)
	cmd.Stderr = os.Stderr
	cmd.WaitDelay = 5 * time.Second
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", role, err)
	}
	c := &child{name: role, cmd: cmd, in: in, enc: json.NewEncoder(in), dec: json.NewDecoder(bufio.NewReader(out))}
	if err := c.receive(hello); err != nil {
		return nil, errors.Join(err, c.stop())
	}
	return c, nil
}

// call sends a command and decodes its answer into value, unless that is nil.
func (c *child) call(do string, with, value any) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	raw, err := json.Marshal(with)
	if err != nil {
		return err
	}
	if err := c.enc.Encode(command{Do: do, With: raw}); err != nil {
		return fmt.Errorf("%s: %w", c.name, err)
	}
	return c.receive(value)
}

func (c *child) receive(value any) error {
	var r reply
	if err := c.dec.Decode(&r); err != nil {
		return fmt.Errorf("%s ended: %w", c.name, err)
	}
	if r.Error != "" {
		return fmt.Errorf("%s: %s", c.name, r.Error)
	}
	if value == nil {
		return nil
	}
	return json.Unmarshal(r.Value, value)
}

func (c *child) pid() int { return c.cmd.Process.Pid }

// stop closes the child's input and waits for its end.
func (c *child) stop() error {
	_ = c.in.Close()
	if err := c.cmd.Wait(); err != nil {
		return fmt.Errorf("%s: %w", c.name, err)
	}
	return nil
}
