package operator

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// maxExportLine bounds a line of an export, in bytes: a part of a list is far smaller.
const maxExportLine = 16 << 20

// ExportSummary says what an export holds.
type ExportSummary struct {
	SDKAppID uint32    `json:"sdkappid"`
	Position string    `json:"position"` // replay what came after this event; empty: everything
	Taken    time.Time `json:"taken"`
	Lists    int64     `json:"lists"`
	Entries  int64     `json:"entries"`
}

// exportLine is any line of an export.
type exportLine struct {
	ExportHead
	ExportList
	ExportEnd
}

// exportChecker is written an export and says in the end whether that was a whole one. Its zero value is ready.
type exportChecker struct {
	rest    []byte // of a line that is not complete
	begun   bool
	end     *ExportEnd
	owner   string
	summary ExportSummary
}

// Write takes a piece of the export. It refuses what cannot be one.
func (c *exportChecker) Write(p []byte) (int, error) {
	size := len(p)
	for {
		piece, rest, whole := bytes.Cut(p, []byte("\n"))
		if len(c.rest)+len(piece) > maxExportLine {
			return 0, errors.New("what came is no export: a line is too long")
		}
		c.rest = append(c.rest, piece...)
		if !whole {
			return size, nil
		}
		if err := c.line(c.rest); err != nil {
			return 0, err
		}
		c.rest, p = c.rest[:0], rest
	}
}

func (c *exportChecker) line(text []byte) error {
	var line exportLine
	if err := json.Unmarshal(text, &line); err != nil {
		return fmt.Errorf("what came is no export: %w", err)
	}
	switch {
	case c.end != nil:
		return errors.New("what came is no export: something follows its end")
	case !c.begun && line.Export == ExportBlocklists:
		c.begun = true
		c.summary.SDKAppID, c.summary.Position, c.summary.Taken = line.SDKAppID, line.Position, line.Taken
	case !c.begun:
		return errors.New("what came is no export of blocklists: the first line does not say so")
	case line.End:
		c.end = &line.ExportEnd
	case line.FromAccount == "":
		return errors.New("what came is no export of blocklists: a line has no From_Account")
	default:
		if line.FromAccount != c.owner {
			c.owner = line.FromAccount
			c.summary.Lists++
		}
		c.summary.Entries += int64(len(line.BlackList))
	}
	return nil
}

// finish returns what the export holds, or why it is not whole.
func (c *exportChecker) finish() (ExportSummary, error) {
	switch {
	case c.end == nil || len(c.rest) > 0:
		return c.summary, errors.New("the export was cut off: it has no end line; ask again")
	case c.end.Lists != c.summary.Lists || c.end.Entries != c.summary.Entries:
		return c.summary, fmt.Errorf("the export is not whole: its end tells of %d lists with %d entries, but %d with %d came; ask again",
			c.end.Lists, c.end.Entries, c.summary.Lists, c.summary.Entries)
	}
	return c.summary, nil
}
