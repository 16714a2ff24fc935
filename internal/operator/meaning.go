package operator

import (
	_ "embed"
	"encoding/json"
	"path"
	"reflect"
	"sync"
)

// meaningsText is the comments on the fields of the API's types, by package, type and field; `make golden` writes it.
//
//go:embed meanings.json
var meaningsText []byte

var meanings = sync.OnceValue(func() map[string]string {
	var all map[string]string
	if err := json.Unmarshal(meaningsText, &all); err != nil {
		panic("meanings.json is damaged: " + err.Error()) // part of the program; a test reads it
	}
	return all
})

// explained adds what the source says about a field to the field's schema.
func explained(t reflect.Type, field string, schema object) object {
	meaning := meanings()[path.Base(t.PkgPath())+"."+t.Name()+"."+field]
	if meaning == "" {
		return schema
	}
	if _, points := schema["$ref"]; points { // what stands beside a reference is ignored
		schema = object{"allOf": []object{schema}}
	}
	schema["description"] = meaning
	return schema
}
