package operator_test

import (
	"bytes"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/kithchat/kith/internal/operator"
	"github.com/kithchat/kith/internal/relation"
)

func TestExportBlocklists(t *testing.T) {
	f := twoApps(t)
	f.events.position = eventID(5)
	f.events.lists = []relation.ListExport{
		{Owner: "lia", Sequence: 4, Entries: []relation.BlockEntry{{UserID: "mia", Since: 1767225600}}},
		{Owner: "mia", Sequence: 9, Entries: []relation.BlockEntry{{UserID: "tom", Since: 1}, {UserID: "<a&b>", Since: 2}}},
		{Owner: "mia", Sequence: 9, Entries: []relation.BlockEntry{{UserID: "ann", Since: 3}}}, // a long list in parts
	}
	var out bytes.Buffer
	summary, err := f.ExportBlocklists(t.Context(), 7, &out)
	if want := (operator.ExportSummary{SDKAppID: 7, Position: eventID(5), Taken: start, Lists: 2, Entries: 4}); err != nil || summary != want {
		t.Fatalf("summary %+v, err %v, want %+v", summary, err, want)
	}
	want := `{"kith_export":"blocklists","sdkappid":7,"position":"` + eventID(5) + `","taken":"2026-01-01T00:00:00Z"}
{"From_Account":"lia","Sequence":4,"BlackList":[{"To_Account":"mia","AddBlackTimeStamp":1767225600}]}
{"From_Account":"mia","Sequence":9,"BlackList":[{"To_Account":"tom","AddBlackTimeStamp":1},{"To_Account":"<a&b>","AddBlackTimeStamp":2}]}
{"From_Account":"mia","Sequence":9,"BlackList":[{"To_Account":"ann","AddBlackTimeStamp":3}]}
{"end":true,"lists":2,"entries":4}
`
	if out.String() != want {
		t.Errorf("export\n%s\nwant\n%s", out.String(), want)
	}
	f.events.position, f.events.lists = "", nil
	out.Reset()
	if _, err := f.ExportBlocklists(t.Context(), 8, &out); err != nil || strings.Count(out.String(), "\n") != 2 ||
		!strings.Contains(out.String(), `{"end":true,"lists":0,"entries":0}`) {
		t.Errorf("an empty export: %s, err %v", out.String(), err)
	}
}

func TestExportIsCutOff(t *testing.T) {
	f := twoApps(t)
	f.events.lists = []relation.ListExport{{Owner: "lia", Sequence: 1}, {Owner: "mia", Sequence: 1}}
	f.events.cut = errors.New("the disk failed")
	var out bytes.Buffer
	_, err := f.ExportBlocklists(t.Context(), 7, &out)
	if err == nil || strings.Contains(out.String(), `"end"`) || !strings.Contains(f.watch.Text(), "the disk failed") {
		t.Errorf("err %v, export %s, log %s", err, out.String(), f.watch.Text())
	}
}

func TestExportFailsBeforeItBegins(t *testing.T) {
	f := serve(t, func(o *operator.Options) { o.Exporter = noExport{} })
	f.newApp(t)
	_, err := f.ExportBlocklists(t.Context(), 7, nil)
	refused(t, err, http.StatusServiceUnavailable, operator.CodeUnavailable)
	status, body := f.do(t, http.MethodGet, "/operator/v1/apps/7/export/blocklists?format=csv", "", authorized())
	if status != http.StatusBadRequest {
		t.Errorf("unknown parameter: %d %s", status, body)
	}
}
