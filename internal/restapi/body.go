package restapi

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/kithchat/kith/api"
)

// maxPooledBuffer is the largest buffer that is kept for reuse. A thousand targets fit.
const maxPooledBuffer = 64 << 10

// buffers are used for bodies and answers.
var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

func getBuffer() *bytes.Buffer { return buffers.Get().(*bytes.Buffer) }

func putBuffer(b *bytes.Buffer) {
	if b.Cap() > maxPooledBuffer {
		return
	}
	b.Reset()
	buffers.Put(b)
}

// readJob reads and decodes the body. What it returns holds no part of the buffer.
func (h *Handler) readJob(cmd *command, r *http.Request) (do job, accounts int, err error) {
	if r.ContentLength > h.maxBody {
		return nil, 0, h.bodyTooLarge()
	}
	b := getBuffer()
	defer putBuffer(b)
	if _, err := b.ReadFrom(io.LimitReader(r.Body, h.maxBody+1)); err != nil {
		return nil, 0, failure{api.CodeBodyNotJSON, "the body could not be read to its end"}
	}
	if int64(b.Len()) > h.maxBody {
		return nil, 0, h.bodyTooLarge()
	}
	return cmd.bind(b.Bytes())
}

func (h *Handler) bodyTooLarge() failure {
	return failure{api.CodeBodyNotJSON, fmt.Sprintf("the body is larger than %d bytes; send fewer items", h.maxBody)}
}

// decode reads a body into req: one JSON object in UTF-8, names case-sensitive, unknown names ignored. A name that
// occurs twice is refused, because two readers may disagree which one counts.
func (s *service) decode(body []byte, req any) error {
	if len(bytes.TrimSpace(body)) == 0 {
		return failure{api.CodeBodyNotJSON, "the body is empty; send a JSON object, {} when there is no input"}
	}
	err := json.Unmarshal(body, req, decodeOptions(body))
	if err == nil && jsontext.Value(body).Kind() == jsontext.KindBeginObject {
		return nil
	}
	// Decoding stops at the first wrong type; the rest may not even be JSON.
	if !jsontext.Value(body).IsValid() {
		return notJSON(err)
	}
	if jsontext.Value(body).Kind() != jsontext.KindBeginObject {
		return failure{api.CodeBodyNotJSON, "the body is not a JSON object"}
	}
	if wrong, ok := errors.AsType[*json.SemanticError](err); ok {
		return s.wrongType(wrong)
	}
	return s.undecodable
}

// wrongType is the failure of a value that does not fit its field.
func (s *service) wrongType(wrong *json.SemanticError) failure {
	at := wrong.JSONPointer
	switch {
	case wrong.JSONKind == jsontext.KindNumber && namesAccount(at):
		return failure{api.CodeAccountNotString, "an account in the body is a number; send it as a string"}
	case s.noAccounts != failure{} && jsontext.Pointer("/To_Account").Contains(at):
		return s.noAccounts
	}
	return s.undecodable
}

// notJSON says where the body stops being JSON, without quoting it.
func notJSON(err error) failure {
	const info = "the body is not valid JSON in UTF-8 with distinct names"
	if syntax, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		return failure{api.CodeBodyNotJSON, fmt.Sprintf("%s: look at byte %d", info, syntax.ByteOffset)}
	}
	return failure{api.CodeBodyNotJSON, info}
}

// namesAccount reports whether a place in the body holds an account.
func namesAccount(at jsontext.Pointer) bool {
	switch at.LastToken() {
	case "From_Account", "UserID", "Identifier":
		return true
	}
	switch at.Parent().LastToken() {
	case "To_Account", "Accounts":
		return true
	}
	return false
}
