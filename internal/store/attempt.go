package store

import (
	"strings"
	"time"
	"unicode/utf8"

	"github.com/kithchat/kith/internal/relation"
)

var (
	insertAttempts = set{
		one: `INSERT INTO attempt (number, at_us, took_us, status, fault, reason, note, node, replay, answer, sdkappid, id)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT DO NOTHING`,
		all: `INSERT INTO attempt (number, at_us, took_us, status, fault, reason, note, node, replay, answer, sdkappid, id)
			SELECT * FROM unnest(` + attemptArrays + `, $11::bigint[], $12::bytea[]) ON CONFLICT DO NOTHING`,
	}
	deleteAttempts = set{
		one: `DELETE FROM attempt WHERE sdkappid = $1 AND id = $2`,
		all: `DELETE FROM attempt a USING unnest($1::bigint[], $2::bytea[]) AS j(sdkappid, id)
			WHERE a.sdkappid = ANY (ARRAY[j.sdkappid]) AND a.id = j.id`,
	}
)

const (
	// attemptFields are the columns of an attempt, in the order of attemptColumns.
	attemptFields = `number, at_us, took_us, status, fault, reason, note, node, replay, answer`
	attemptArrays = `$1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::text[], $7::text[], $8::text[], $9::text[], $10::bytea[]`
	// attemptSize is what a row of attempt is taken to occupy, in bytes; recordBytes has it too.
	attemptSize = 200
)

// attemptColumns are attempts, a column for each field.
type attemptColumns struct {
	number, at, took, status, fault []int64
	reason, note, node, replay      []string
	answer                          [][]byte
}

func (k *attemptColumns) add(a *relation.Attempt) {
	var at, fault int64
	if !a.At.IsZero() {
		at = a.At.UnixMicro()
	}
	if a.Fault {
		fault = 1
	}
	k.number, k.at, k.took = append(k.number, int64(a.Number)), append(k.at, at), append(k.took, a.Took.Microseconds())
	k.status, k.fault = append(k.status, int64(a.Status)), append(k.fault, fault)
	k.reason, k.note = append(k.reason, clean(a.Reason)), append(k.note, clean(a.Detail))
	k.node, k.replay = append(k.node, clean(a.Node)), append(k.replay, clean(a.Replay))
	k.answer = append(k.answer, []byte(a.Answer[:min(len(a.Answer), relation.MaxAnswerKept)]))
}

// args returns the columns in the order of attemptFields, and more after them.
func (k *attemptColumns) args(more ...any) []any {
	return append([]any{k.number, k.at, k.took, k.status, k.fault, k.reason, k.note, k.node, k.replay, k.answer}, more...)
}

// clean makes a text one that PostgreSQL keeps: what a receiver sent must not be able to fail a commit.
func clean(s string) string {
	if utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 {
		return s
	}
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

// readAttempt reads attemptFields, and more after them.
func readAttempt(r row, a *relation.Attempt, more ...any) error {
	var at, took, fault int64
	var answer []byte
	dest := []any{&a.Number, &at, &took, &a.Status, &fault, &a.Reason, &a.Detail, &a.Node, &a.Replay, &answer}
	err := r.scan(append(dest, more...)...)
	if at != 0 {
		a.At = time.UnixMicro(at)
	}
	a.Took, a.Fault, a.Answer = time.Duration(took)*time.Microsecond, fault != 0, string(answer)
	return err
}

// attempts are attempts with the events that they belong to.
type attempts struct {
	attemptColumns
	apps []int64
	ids  [][]byte
}

// add takes in an attempt, unless none was made.
func (k *attempts) add(a *relation.Attempt, app uint32, id []byte) {
	if a.At.IsZero() {
		return
	}
	k.attemptColumns.add(a)
	k.apps, k.ids = append(k.apps, int64(app)), append(k.ids, id)
}
