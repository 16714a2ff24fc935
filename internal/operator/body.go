package operator

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"reflect"
	"strings"
)

// maxBody is the largest request body in bytes.
const maxBody = 1 << 20

// readJSON decodes the body, which must be one JSON object without unknown fields. An empty body is an empty object.
// Errors do not quote values: they may be secrets.
func readJSON(r *http.Request, into any) error {
	dec := json.NewDecoder(r.Body)
	dec.DisallowUnknownFields()
	err := dec.Decode(into)
	if errors.Is(err, io.EOF) {
		return nil
	}
	if err == nil {
		if _, err = dec.Token(); errors.Is(err, io.EOF) {
			return nil
		}
		return bodyError(err, "the body has more than one JSON value")
	}
	return bodyError(err, "the body is not a JSON object")
}

// bodyError says what is wrong with the body; otherwise is for errors that say nothing more.
func bodyError(err error, otherwise string) error {
	var tooLarge *http.MaxBytesError
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &tooLarge):
		return &Error{Status: http.StatusRequestEntityTooLarge, Code: CodeTooLarge, Message: "the body is larger than 1 MiB"}
	case errors.Is(err, os.ErrDeadlineExceeded):
		return badRequest("the body did not arrive in time")
	case errors.As(err, &kind) && kind.Field != "":
		if strings.HasPrefix(kind.Value, "number ") { // the number follows: it is one, but of the wrong size
			if kind.Type != nil && kind.Type.Kind() == reflect.Float64 {
				return badRequest("field %q must be a number that fits", kind.Field)
			}
			return badRequest("field %q must be a whole number that fits", kind.Field)
		}
		return badRequest("field %q must not be a JSON %s", kind.Field, kind.Value)
	case errors.As(err, &syntax):
		return badRequest("the body is not valid JSON from byte %d on", syntax.Offset)
	}
	if err != nil {
		if field, unknown := strings.CutPrefix(err.Error(), "json: unknown field "); unknown {
			return badRequest("there is no field %s; client and server may be of different versions", field)
		}
	}
	return badRequest("%s", otherwise)
}

// writeJSON answers with the value. An error in writing means that the caller has gone.
func writeJSON(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value)
}
