package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/kithchat/kith/api"
)

// Terminal styles.
const (
	bold  = "\x1b[1m"
	dim   = "\x1b[2m"
	green = "\x1b[32m"
	red   = "\x1b[31m"
	cyan  = "\x1b[36m"
	plain = "\x1b[0m"
)

// show prints what happens. Lines that go to the server begin with ▶, those that come from it with ◀.
type show struct {
	Options
	paused time.Duration
}

func (s *show) line(format string, args ...any) { _, _ = fmt.Fprintf(s.Out, format+"\n", args...) }

// style puts text into a terminal style, if there are colours.
func (s *show) style(style, text string) string {
	if !s.Color {
		return text
	}
	return style + text + plain
}

// pause waits for the reader.
func (s *show) pause(ctx context.Context) {
	if s.Pause <= 0 {
		return
	}
	begun := time.Now()
	select {
	case <-time.After(s.Pause):
	case <-ctx.Done():
	}
	s.paused += time.Since(begun)
}

func (s *show) opening(st *stage) {
	s.line("%s\n", s.style(bold, "Kith "+s.Version+": a block, an unblock, and what the app backend hears of it"))
	s.line("  Kith         %s   %s", st.info.HTTP, s.style(dim, "(SQLite in a temporary directory)"))
	s.line("  app backend  %s", st.callbackURL)
}

func (s *show) title(number int, text string) {
	s.line("\n%s", s.style(bold, fmt.Sprintf("%d. %s", number, text)))
}

func (s *show) request(step step) {
	body, err := json.Marshal(step.body)
	if err != nil {
		body = []byte(err.Error())
	}
	s.line("  %s call      POST /v4/%s", s.style(cyan, "▶"), step.command)
	s.line("              %s", s.style(dim, string(body)))
}

func (s *show) answer(call Call) {
	var a answer
	if err := json.Unmarshal(call.Answer, &a); err != nil {
		s.line("    answer    %s", call.Answer)
		return
	}
	text := a.ActionStatus
	if a.ErrorCode != api.OK {
		text += fmt.Sprintf(" %d %s", a.ErrorCode, a.ErrorInfo)
	}
	for _, item := range a.ResultItem {
		if item.ResultCode != api.OK {
			text += fmt.Sprintf("; %s: %d %s", item.ToAccount, item.ResultCode, item.ResultInfo)
		}
	}
	s.line("    answer    %s   %s", text, s.style(dim, "after "+millis(call.TookUS)))
}

// signature finds the long hash in a query; who wants to see all of it uses --json.
var signature = regexp.MustCompile(`(Sign=[0-9a-f]{8})[0-9a-f]+`)

func (s *show) callback(c Callback) {
	s.line("  %s callback  POST /callback   %s", s.style(cyan, "◀"), s.style(dim, millis(c.AfterUS)+" after the call was sent"))
	query := signature.ReplaceAllString("?"+c.Query, "$1…")
	query = strings.Replace(query, "&contenttype", "\n              &contenttype", 1)
	for line := range strings.Lines(query) {
		s.line("              %s", s.style(dim, strings.TrimSpace(line)))
	}
	s.line("              webhook-id: %s, kith-attempt: %s", c.ID, c.Attempt)
	body := strings.Replace(string(c.Body), `,"PairList":[`, ",\n \"PairList\":[", 1)
	body = strings.ReplaceAll(body, "},{", "},\n             {")
	for line := range strings.Lines(body) {
		s.line("              %s", strings.TrimSuffix(line, "\n"))
	}
}

func (s *show) right(text string) { s.line("  %s %s", s.style(green, "✓"), text) }

func (s *show) wrong(text string) { s.line("  %s %s", s.style(red, "✗"), text) }

func (s *show) copyOf(blocked []string) {
	s.line("\n%s", s.style(bold, "The app backend's own copy of mira's blocklist now"))
	s.line("  %s", strings.Join(blocked, ", "))
}

func (s *show) closing(r Report) {
	text := fmt.Sprintf("%d calls, %d callbacks, in %d ms: ", len(r.Calls), len(r.Callbacks), r.TookMS)
	if r.OK {
		s.line("\n%s", s.style(green, text+"each change arrived once, complete and in order."))
		return
	}
	s.line("\n%s", s.style(red, text+fmt.Sprintf("%d things were missing or wrong.", len(r.Problems))))
}

func millis(us int64) string { return fmt.Sprintf("%.1f ms", float64(us)/1000) }
