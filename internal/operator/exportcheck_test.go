package operator

import (
	"strings"
	"testing"
)

const wholeExport = `{"kith_export":"blocklists","sdkappid":7,"position":"p","taken":"2026-01-01T00:00:00Z"}
{"From_Account":"lia","Sequence":4,"BlackList":[{"To_Account":"mia","AddBlackTimeStamp":1}]}
{"From_Account":"mia","Sequence":9,"BlackList":[{"To_Account":"tom","AddBlackTimeStamp":1},{"To_Account":"a","AddBlackTimeStamp":2}]}
{"From_Account":"mia","Sequence":9,"BlackList":[{"To_Account":"ann","AddBlackTimeStamp":3}]}
{"end":true,"lists":2,"entries":4}
`

// check writes an export in pieces of this size.
func check(text string, size int) (ExportSummary, error) {
	var c exportChecker
	for len(text) > 0 {
		piece := text[:min(size, len(text))]
		if _, err := c.Write([]byte(piece)); err != nil {
			return c.summary, err
		}
		text = text[len(piece):]
	}
	return c.finish()
}

func TestExportCheck(t *testing.T) {
	for _, size := range []int{1, 7, 1 << 20} {
		summary, err := check(wholeExport, size)
		if err != nil || summary.SDKAppID != 7 || summary.Position != "p" || summary.Lists != 2 || summary.Entries != 4 || summary.Taken.Year() != 2026 {
			t.Errorf("pieces of %d: %+v, %v", size, summary, err)
		}
	}
	for i := range len(wholeExport) - 1 {
		if _, err := check(wholeExport[:i], 64); err == nil {
			t.Errorf("cut off after %d bytes, and taken for whole", i)
		}
	}
	lines := strings.SplitAfter(wholeExport, "\n")
	for name, text := range map[string]string{
		"a list is missing":    lines[0] + lines[2] + lines[3] + lines[4],
		"a part is missing":    lines[0] + lines[1] + lines[2] + lines[4],
		"the head is missing":  strings.Join(lines[1:], ""),
		"two heads":            lines[0] + wholeExport,
		"more behind the end":  wholeExport + lines[1],
		"another kind":         strings.Replace(wholeExport, `"blocklists"`, `"accounts"`, 1),
		"no JSON":              "<html>\n",
		"an answer of another": `{"error":{"code":"x","message":"y"}}` + "\n",
		"a long line":          strings.Repeat("x", maxExportLine+1),
	} {
		if summary, err := check(text, 4096); err == nil {
			t.Errorf("%s: %+v is taken for whole", name, summary)
		}
	}
}

func FuzzExportCheck(f *testing.F) {
	f.Add(wholeExport, 3)
	f.Add(`{"kith_export":"blocklists"}`+"\n"+`{"end":true}`+"\n", 100)
	f.Add("{}\n", 1)
	f.Fuzz(func(t *testing.T, text string, size int) {
		size = max(1, size)
		whole, err := check(text, len(text)+1)
		if pieces, again := check(text, size); (err == nil) != (again == nil) || err == nil && pieces != whole {
			t.Errorf("in one piece %+v, %v; in pieces of %d %+v, %v", whole, err, size, pieces, again)
		}
		if err == nil && !strings.HasSuffix(text, "\n") {
			t.Error("an export whose last line is not complete counts as whole")
		}
	})
}
