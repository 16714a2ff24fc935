package client

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"

	"github.com/kithchat/kith/api"
)

// frame is a decoded frame of the server: a notification when it has a method, else an answer.
type frame struct {
	method string
	id     uint64 // 0: the server could not tell which request it answers
	body   json.RawMessage
	err    *api.GatewayError
}

var errFrame = errors.New("client: the server sent a frame that is not of this protocol")

// decodeFrame reads a frame. It refuses what is neither a notification nor the answer to a request of ours.
func decodeFrame(data []byte) (frame, error) {
	var f api.GatewayFrame
	if err := json.Unmarshal(data, &f); err != nil || f.JSONRPC != "2.0" {
		return frame{}, errFrame
	}
	if f.Method != "" {
		return frame{method: f.Method, body: f.Params}, nil
	}
	out := frame{body: f.Result, err: f.Error}
	if out.err == nil && len(out.body) == 0 {
		return frame{}, errFrame
	}
	if len(f.ID) == 0 || string(f.ID) == "null" {
		if out.err == nil {
			return frame{}, errFrame
		}
		return out, nil
	}
	id, err := strconv.ParseUint(string(f.ID), 10, 64)
	if err != nil || id == 0 {
		return frame{}, errFrame
	}
	out.id = id
	return out, nil
}

// encodeFrame writes a request. Texts are not escaped for HTML, so that 1000 targets fit into a frame whatever they are.
func encodeFrame(id uint64, method string, params json.RawMessage) []byte {
	b := []byte(`{"jsonrpc":"2.0","id":` + strconv.FormatUint(id, 10) + `,"method":"` + method + `"`)
	if len(params) > 0 {
		b = append(append(b, `,"params":`...), params...)
	}
	return append(b, '}')
}

// encodeParams writes the params of a request; nil for none.
func encodeParams(params any) (json.RawMessage, error) {
	if params == nil {
		return nil, nil
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(params); err != nil {
		return nil, err
	}
	return bytes.TrimSpace(b.Bytes()), nil
}
