package operator

import (
	"cmp"
	"net/http"
	"reflect"
	"regexp"
	"strings"
)

// Content types of answers that are not JSON.
const (
	typeLines = "application/x-ndjson"
	typeFile  = "application/octet-stream"
)

// pathHelp explains the variables in paths.
var pathHelp = map[string]string{
	"id":          "SDKAppID of the app",
	"fingerprint": "fingerprint of a secret key",
	"token":       "id of a token",
	"key":         "id of a signing key",
	"event":       "id of an event",
	"replay":      "id of a replay",
	"exchange":    "id of an exchange that was received",
}

var pathVariable = regexp.MustCompile(`\{(\w+)\}`)

// OpenAPI returns the description of the API that the handler serves, in JSON. It is the same for every server of this
// version.
func OpenAPI() ([]byte, error) { return encode((&handler{}).openAPI()) }

// describe serves the description. It needs the token like all the rest: it says which version runs here, and nobody
// without a token has a use for it.
func (h *handler) describe(http.ResponseWriter, *http.Request) (any, error) { return h.openAPI(), nil }

func (h *handler) openAPI() object {
	s, paths, known := schemas{}, object{}, operations()
	for _, e := range h.endpoints() {
		path, ok := paths[prefix+e.path].(object)
		if !ok {
			path = object{}
			paths[prefix+e.path] = path
		}
		path[strings.ToLower(e.method)] = s.operation(e, known[e.name()])
	}
	s.of(reflect.TypeFor[errorBody]())
	return object{
		"openapi": "3.0.3",
		"info": object{
			"title": "Kith operator API", "version": strings.TrimPrefix(prefix, "/operator/"),
			"description": "How the person who runs Kith controls it. The kith command speaks it. Errors are sentences for people, " +
				"with a code for programs. A stream of lines has one JSON value a line; x-lines names their types.",
		},
		"security":   []object{{"token": []string{}}},
		"paths":      paths,
		"components": object{"schemas": s, "securitySchemes": object{"token": object{"type": "http", "scheme": "bearer"}}},
	}
}

func (s schemas) operation(e endpoint, o operation) object {
	described := object{
		"operationId": operationID(e), "summary": o.summary, "responses": object{
			"200":     object{"description": "done", "content": s.answer(o)},
			"default": object{"description": "refused", "content": jsonContent(object{"$ref": "#/components/schemas/errorBody"})},
		},
	}
	if parameters := s.parameters(e, o); len(parameters) > 0 {
		described["parameters"] = parameters
	}
	if o.request != nil {
		described["requestBody"] = object{"required": true, "content": jsonContent(s.closed(reflect.TypeOf(o.request)))}
	}
	if e.scope != scopeOperator {
		described["description"] = "Also for a token of the app."
	}
	return described
}

// operationID is the method and the words of the path: getAppsIdCallback.
func operationID(e endpoint) string {
	id := strings.ToLower(e.method)
	for word := range strings.FieldsFuncSeq(e.path, func(r rune) bool { return strings.ContainsRune("/{}-.", r) }) {
		id += strings.ToUpper(word[:1]) + word[1:]
	}
	return id
}

func (s schemas) parameters(e endpoint, o operation) []object {
	var all []object
	for _, variable := range pathVariable.FindAllStringSubmatch(e.path, -1) {
		schema := object{"type": "string"}
		if variable[1] == "id" {
			schema = s.of(reflect.TypeFor[uint32]())
		}
		all = append(all, object{
			"name": variable[1], "in": "path", "required": true, "description": pathHelp[variable[1]], "schema": schema,
		})
	}
	for _, p := range o.query {
		all = append(all, object{"name": p.name, "in": "query", "description": p.help, "schema": s.of(reflect.TypeOf(p.value))})
	}
	return all
}

func (s schemas) answer(o operation) object {
	switch {
	case o.file:
		return object{typeFile: object{"schema": object{"type": "string", "format": "binary"}}}
	case o.lines != nil:
		types, several := o.lines.([]any)
		if !several {
			types = []any{o.lines}
		}
		names := make([]object, len(types))
		for i, value := range types {
			names[i] = s.of(reflect.TypeOf(value))
		}
		return object{typeLines: object{"schema": object{"type": "string"}, "x-lines": names}}
	}
	return jsonContent(s.of(reflect.TypeOf(cmp.Or[any](o.answer, object{}))))
}

func jsonContent(schema object) object { return object{"application/json": object{"schema": schema}} }
