package pgtest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	// superuser is the database user of every cluster; no password is asked.
	superuser = "kith"
	// bootTime bounds the start of a server, recovery after a crash included.
	bootTime = 3 * time.Minute
	// bootPoll is the pause between two looks at a starting server.
	bootPoll = 20 * time.Millisecond
)

// cluster is a PostgreSQL data directory in a temporary folder and the server that runs on it.
// Its methods are not safe for concurrent use.
type cluster struct {
	dir      string // holds data/, the socket and the log
	bin      string
	account  *account
	settings []string // name=value
	server   *process // nil while stopped
}

// process is a running postmaster.
type process struct {
	os   *os.Process
	done chan struct{} // closed when it has ended
}

// newCluster makes a data directory and starts a server on it.
func newCluster(o Options) (*cluster, error) {
	bin, err := findBinaries()
	if err != nil {
		return nil, err
	}
	acc, err := serverAccount()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "kith-pg-")
	if err != nil {
		return nil, err
	}
	c := &cluster{dir: dir, bin: bin, account: acc, settings: o.settings(dir)}
	if err := errors.Join(acc.own(dir), c.initdb()); err != nil {
		return nil, errors.Join(err, c.remove())
	}
	if err := c.start(); err != nil {
		return nil, errors.Join(err, c.remove())
	}
	return c, nil
}

// initdb writes the data directory. It is not synced: nothing of value is in it yet.
func (c *cluster) initdb() error {
	cmd := c.command("initdb", "--pgdata", c.data(), "--username", superuser, "--auth", "trust",
		"--encoding", "UTF8", "--locale", "C", "--no-sync")
	// The thread must live as long as the program, see start.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb in %s: %w\n%s", c.dir, err, out)
	}
	return nil
}

// start runs the server and returns when it answers.
func (c *cluster) start() error {
	log, err := os.OpenFile(c.logFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	args := []string{"-D", c.data()}
	for _, s := range c.settings {
		args = append(args, "-c", s)
	}
	cmd := c.command("postgres", args...)
	cmd.Stdout, cmd.Stderr = log, log
	if c.server, err = launch(cmd); err != nil {
		return fmt.Errorf("start %s: %w", cmd.Path, err)
	}
	if err := c.awaitReady(); err != nil {
		tail, _ := os.ReadFile(c.logFile())
		return errors.Join(fmt.Errorf("PostgreSQL in %s did not start: %w\n%s", c.dir, err, lastLines(tail, 20)),
			c.stop(syscall.SIGQUIT))
	}
	return nil
}

// launch starts cmd from a thread that stays until cmd has ended: the signal that comes with the parent's death comes
// with the death of the starting thread, and the Go scheduler may end any other thread.
func launch(cmd *exec.Cmd) (*process, error) {
	started := make(chan error, 1)
	p := &process{done: make(chan struct{})}
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer close(p.done)
		err := cmd.Start()
		p.os = cmd.Process
		started <- err
		if err == nil {
			// How it ended is told by the log; here only that it has.
			_ = cmd.Wait()
		}
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	return p, nil
}

// awaitReady returns when the server accepts connections, has ended, or has used up its time.
func (c *cluster) awaitReady() error {
	ctx, cancel := context.WithTimeout(context.Background(), bootTime)
	defer cancel()
	tick := time.NewTicker(bootPoll)
	defer tick.Stop()
	for {
		conn, err := pgx.Connect(ctx, c.url("postgres"))
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-c.server.done:
			return errors.New("the server ended")
		case <-ctx.Done():
			return err
		case <-tick.C:
		}
	}
}

// stop ends the server with a signal and waits for it: SIGINT shuts down in order, SIGQUIT at once, as a crash would.
// A stopped cluster stays as it is.
func (c *cluster) stop(sig syscall.Signal) error {
	if c.server == nil {
		return nil
	}
	if err := c.server.os.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop PostgreSQL in %s: %w", c.dir, err)
	}
	<-c.server.done
	c.server = nil
	return nil
}

// remove stops the server and deletes all that the cluster wrote.
func (c *cluster) remove() error {
	return errors.Join(c.stop(syscall.SIGQUIT), os.RemoveAll(c.dir))
}

// command prepares one of the server programs. Its environment holds nothing of the caller's, PGDATA and the like.
func (c *cluster) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(c.bin, name), args...)
	cmd.Dir = c.dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "TZ=UTC"}
	c.account.prepare(cmd)
	return cmd
}

// url names a database of the cluster, through the socket in its folder.
func (c *cluster) url(database string) string {
	u := url.URL{Scheme: "postgres", User: url.User(superuser), Path: "/" + database}
	u.RawQuery = url.Values{"host": {c.dir}}.Encode()
	return u.String()
}

func (c *cluster) data() string    { return filepath.Join(c.dir, "data") }
func (c *cluster) logFile() string { return filepath.Join(c.dir, "log") }

// lastLines returns the end of a log.
func lastLines(log []byte, n int) string {
	lines := strings.Split(strings.TrimSpace(string(log)), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
