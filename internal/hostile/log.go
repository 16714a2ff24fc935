package hostile

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// line is what is written of one step.
type line struct {
	Started   bool      `json:"started,omitempty"` // a receiver; what was open is over
	Arrived   *Event    `json:"arrived,omitempty"`
	Taken     bool      `json:"taken,omitempty"`
	Ended     bool      `json:"ended,omitempty"`
	Abandoned bool      `json:"abandoned,omitempty"`
	Visit     int64     `json:"visit,omitempty"`
	Problem   string    `json:"problem,omitempty"`
	ID        string    `json:"id,omitempty"` // of the problem
	At        time.Time `json:"at,omitzero"`
}

// Begin notes that a receiver starts to write to the log. One that was killed may have left half a line.
func (j *Journal) Begin() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.log != nil {
		_, j.err = io.WriteString(j.log, "\n")
	}
	j.write(line{Started: true, At: j.now()})
	return j.err
}

// write appends a line. The caller holds the lock, so lines stand in the order of what they tell.
func (j *Journal) write(l line) {
	if j.log == nil || j.err != nil {
		return
	}
	text, err := json.Marshal(l)
	if err == nil {
		_, err = j.log.Write(append(text, '\n'))
	}
	j.err = err
}

// ReadJournal reads what one or several receivers, one after another, wrote to a log, and checks it like a journal that
// is being written.
func ReadJournal(r io.Reader) (*Journal, error) {
	j := NewJournal(nil)
	var at time.Time
	j.now = func() time.Time { return at }
	lines := bufio.NewReaderSize(r, 1<<20)
	torn := 0 // the number of a line that cannot be read; only a receiver's last one may be
	for n := 1; ; n++ {
		text, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return j, nil // the last line is whole, or was never acted on
		}
		if err != nil {
			return nil, fmt.Errorf("read the journal: %w", err)
		}
		if len(text) == 1 {
			continue
		}
		var l line
		if json.Unmarshal(text, &l) != nil {
			torn = n
			continue
		}
		if torn > 0 && !l.Started {
			return nil, fmt.Errorf("line %d of the journal cannot be read", torn)
		}
		torn = 0
		at = l.At
		if err := j.replay(l); err != nil {
			return nil, fmt.Errorf("line %d of the journal: %w", n, err)
		}
	}
}

func (j *Journal) replay(l line) error {
	v := j.open[l.Visit]
	switch {
	case l.Started:
		for _, v := range j.open {
			j.end(v, true)
		}
		if j.last.IsZero() {
			j.last = l.At
		}
	case l.Problem != "":
		j.add(l.Problem, l.ID)
	case l.Arrived != nil:
		j.begin(*l.Arrived, l.Visit)
	case v == nil:
		return errors.New("it is about a request that is not open")
	case l.Taken:
		j.take(v)
	case l.Ended:
		j.end(v, l.Abandoned)
	}
	return nil
}
