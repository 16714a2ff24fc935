package operator

import (
	"encoding/json"
	"reflect"
	"strings"
	"time"

	"github.com/kithchat/kith/internal/relation"
)

// object is a JSON object of the OpenAPI document.
type object = map[string]any

// schemas collects the types of the API, as schemas of JSON by name.
type schemas object

// words are the types that have a closed list of values.
var words = map[reflect.Type]any{
	reflect.TypeFor[relation.EventKind]():      relation.EventKinds(),
	reflect.TypeFor[relation.RetryPolicy]():    relation.RetryPolicies(),
	reflect.TypeFor[relation.AppErrorPolicy](): relation.AppErrorPolicies(),
	reflect.TypeFor[relation.State]():          relation.States(),
	reflect.TypeFor[relation.ReplayState]():    []relation.ReplayState{relation.ReplayRunning, relation.ReplayPaused, relation.ReplayDone, relation.ReplayCancelled},
	reflect.TypeFor[relation.EndpointState]():  []relation.EndpointState{relation.EndpointOff, relation.EndpointHealthy, relation.EndpointFailing, relation.EndpointRecovering, relation.EndpointPaused},
}

// of returns the schema of a type. A struct with a name is put among the schemas, and what is returned points to it.
func (s schemas) of(t reflect.Type) object {
	switch {
	case t == reflect.TypeFor[time.Time]():
		return object{"type": "string", "format": "date-time"}
	case words[t] != nil:
		return object{"type": "string", "enum": words[t]}
	case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8:
		return object{"type": "string", "format": "byte"}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return s.of(t.Elem())
	case reflect.Struct:
		return s.reference(t)
	case reflect.Slice, reflect.Array:
		return object{"type": "array", "items": s.of(t.Elem())}
	case reflect.Map:
		return object{"type": "object", "additionalProperties": s.of(t.Elem())}
	case reflect.String:
		return object{"type": "string"}
	case reflect.Bool:
		return object{"type": "boolean"}
	case reflect.Float32, reflect.Float64:
		return object{"type": "number"}
	case reflect.Uint32:
		return object{"type": "integer", "format": "int64", "minimum": 0, "maximum": 1<<32 - 1}
	case reflect.Int, reflect.Int64:
		return object{"type": "integer", "format": "int64"}
	}
	return object{} // anything
}

func (s schemas) reference(t reflect.Type) object {
	name := t.Name()
	if _, known := s[name]; !known {
		s[name] = object{} // a type may hold itself
		s[name] = s.structure(t)
	}
	return object{"$ref": "#/components/schemas/" + name}
}

func (s schemas) structure(t reflect.Type) object {
	properties, required := object{}, []string{}
	s.fields(t, properties, &required)
	schema := object{"type": "object", "properties": properties}
	if len(required) > 0 {
		schema["required"] = required
	}
	return schema
}

// fields adds those of t and of what it embeds, as encoding/json sees them.
func (s schemas) fields(t reflect.Type, properties object, required *[]string) {
	for f := range t.Fields() {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case name == "-" || !f.IsExported():
		case f.Anonymous && name == "":
			s.fields(f.Type, properties, required)
		default:
			if name == "" {
				name = f.Name
			}
			properties[name] = explained(t, f.Name, nullable(f.Type, options, s.of(f.Type)))
			if !strings.Contains(options, "omit") {
				*required = append(*required, name)
			}
		}
	}
}

// nullable marks a field that can be null: a pointer, list or map that is not left out when there is none.
func nullable(t reflect.Type, options string, schema object) object {
	kind := t.Kind()
	if kind != reflect.Pointer || strings.Contains(options, "omit") {
		return schema
	}
	if _, points := schema["$ref"]; points {
		return object{"allOf": []object{schema}, "nullable": true}
	}
	schema["nullable"] = true
	return schema
}

// closed returns the schema of a request: fields that it does not name are refused.
func (s schemas) closed(t reflect.Type) object {
	reference := s.of(t)
	if schema, ok := s[t.Name()].(object); ok {
		schema["additionalProperties"] = false
	}
	return reference
}

// encode writes the document; the keys are in order.
func encode(document object) ([]byte, error) { return json.MarshalIndent(document, "", "  ") }
