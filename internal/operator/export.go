package operator

import (
	"fmt"
	"net/http"
	"time"

	"github.com/kithchat/kith/internal/relation"
)

// ExportBlocklists is what an export of blocklists calls itself in ExportHead.Export.
const ExportBlocklists = "blocklists"

// ExportHead is the first line of an export. Replaying what came after Position leads from it to the present.
type ExportHead struct {
	Export   string    `json:"kith_export"`
	SDKAppID uint32    `json:"sdkappid"`
	Position string    `json:"position"` // id of the newest event that the lists have in them; empty: there was none
	Taken    time.Time `json:"taken"`
}

// ExportList is a line for a list that is not empty. A long list comes in several lines, one after another.
type ExportList struct {
	FromAccount string        `json:"From_Account"`
	Sequence    int64         `json:"Sequence"`
	BlackList   []ExportEntry `json:"BlackList"`
}

// ExportEntry is an entry of a list.
type ExportEntry struct {
	ToAccount         string `json:"To_Account"`
	AddBlackTimeStamp int64  `json:"AddBlackTimeStamp"` // Unix seconds
}

// ExportEnd is the last line. An export without it was cut off.
type ExportEnd struct {
	End     bool  `json:"end"`
	Lists   int64 `json:"lists"`
	Entries int64 `json:"entries"`
}

// exportBlocklists streams all lists. Like a backup that fails half-way, an export that does so ends with a cut connection.
func (h *handler) exportBlocklists(w http.ResponseWriter, r *http.Request) (any, error) {
	app, err := h.app(r)
	if err != nil {
		return nil, err
	}
	if h.Exporter == nil {
		return nil, unsupported("this server cannot export")
	}
	e := exporter{handler: h, sdkAppID: app.SDKAppID, taken: h.Now(), w: w}
	err = h.Exporter.ExportBlocklists(r.Context(), app.SDKAppID, e.begin, e.list)
	if err == nil {
		err = e.out.write(ExportEnd{End: true, Lists: e.lists, Entries: e.entries})
	}
	switch {
	case err != nil && e.out != nil:
		h.Log.Error("export was cut off", "sdkappid", app.SDKAppID, "err", err)
		panic(http.ErrAbortHandler)
	case err != nil:
		return nil, err
	}
	e.out.end()
	return nil, nil
}

// exporter writes an export as it is read.
type exporter struct {
	*handler
	sdkAppID       uint32
	taken          time.Time
	w              http.ResponseWriter
	out            *lines // nil until the export begins
	owner          string
	lists, entries int64
}

func (e *exporter) begin(position string) error {
	e.out = e.newLines(e.w)
	return e.out.write(ExportHead{Export: ExportBlocklists, SDKAppID: e.sdkAppID, Position: position, Taken: e.taken})
}

func (e *exporter) list(l relation.ListExport) error {
	if l.Owner != e.owner {
		e.owner = l.Owner
		e.lists++
	}
	e.entries += int64(len(l.Entries))
	line := ExportList{FromAccount: l.Owner, Sequence: l.Sequence, BlackList: make([]ExportEntry, len(l.Entries))}
	for i, entry := range l.Entries {
		line.BlackList[i] = ExportEntry{ToAccount: entry.UserID, AddBlackTimeStamp: entry.Since}
	}
	if err := e.out.write(line); err != nil {
		return fmt.Errorf("the reader has gone or is too slow: %w", err)
	}
	return nil
}
