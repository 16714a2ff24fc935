package gateway

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/kithchat/kith/api"
)

// request is a decoded frame. Its parts are valid as long as the frame's buffer is.
type request struct {
	JSONRPC string         `json:"jsonrpc"`
	ID      jsontext.Value `json:"id"`
	Method  *string        `json:"method"`
	Params  jsontext.Value `json:"params"`
}

// parse decodes a frame. The id is returned with an error too, if it could be read.
func parse(frame []byte) (request, error) {
	var r request
	if !jsontext.Value(frame).IsValid() {
		return r, notJSON(frame)
	}
	if jsontext.Value(frame).Kind() != '{' {
		return r, callProblem(api.CodeRPCRequest, "the frame is not a JSON object; send one request a frame, no batches")
	}
	if err := json.Unmarshal(frame, &r); err != nil {
		return request{}, callProblem(api.CodeRPCRequest, "jsonrpc and method must be strings")
	}
	if len(r.ID) > 0 {
		if k := r.ID.Kind(); k != '"' && k != '0' || len(r.ID) > api.MaxFrameID {
			r.ID = nil
			return r, callProblem(api.CodeRPCRequest, "id must be a string or a number of at most 64 bytes")
		}
	}
	switch {
	case r.JSONRPC != "2.0":
		return r, callProblem(api.CodeRPCRequest, `jsonrpc must be "2.0"`)
	case r.Method == nil:
		return r, callProblem(api.CodeRPCRequest, "method is missing")
	}
	if len(r.Params) > 0 && r.Params.Kind() == 'n' {
		r.Params = nil
	}
	if len(r.Params) > 0 && r.Params.Kind() != '{' {
		return r, callProblem(api.CodeRPCParams, "params must be an object with named fields")
	}
	return r, nil
}

// notJSON says where the frame stops being JSON, without quoting it.
func notJSON(frame []byte) error {
	p := &problem{code: api.CodeRPCParse, refusal: api.RefusalProtocol, fatal: true}
	p.message = "the frame is not valid JSON in UTF-8 with distinct names"
	d := jsontext.NewDecoder(bytes.NewReader(frame))
	for {
		_, err := d.ReadToken()
		if syntax, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
			p.message = fmt.Sprintf("%s: look at byte %d", p.message, syntax.ByteOffset)
		}
		if err != nil {
			return p
		}
	}
}

// decodeParams reads the params into v; params that are left out are {}.
func decodeParams(params jsontext.Value, v any) error {
	if len(params) == 0 {
		return nil
	}
	err := json.Unmarshal(params, v)
	if wrong, ok := errors.AsType[*json.SemanticError](err); ok && wrong.JSONPointer != "" {
		return callProblem(api.CodeRPCParams, fmt.Sprintf("params: %s has the wrong type; see docs/gateway.md", wrong.JSONPointer))
	}
	if err != nil {
		return callProblem(api.CodeRPCParams, "params have the wrong shape; see docs/gateway.md")
	}
	return nil
}

// answer is a frame that answers a request.
type answer struct {
	JSONRPC string            `json:"jsonrpc"`
	ID      jsontext.Value    `json:"id"`
	Result  any               `json:"result,omitzero"`
	Error   *api.GatewayError `json:"error,omitzero"`
}

// notificationFrame is a frame that wants no answer.
type notificationFrame struct {
	JSONRPC string `json:"jsonrpc"`
	Method  string `json:"method"`
	Params  any    `json:"params"`
}

var nullID = jsontext.Value("null")

func resultFrame(id jsontext.Value, result any) []byte {
	return encode(answer{JSONRPC: "2.0", ID: id, Result: result})
}

func errorFrame(id jsontext.Value, e *api.GatewayError) []byte {
	if len(id) == 0 {
		id = nullID
	}
	return encode(answer{JSONRPC: "2.0", ID: id, Error: e})
}

func notification(method string, params any) []byte {
	return encode(notificationFrame{JSONRPC: "2.0", Method: method, Params: params})
}

// encode encodes a frame. Lists that are nil become [].
func encode(frame any) []byte {
	b, err := json.Marshal(frame)
	if err != nil {
		panic("gateway: a frame cannot be encoded: " + err.Error()) // only types of api, which always can
	}
	return b
}
