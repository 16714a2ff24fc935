package operator

import (
	"maps"
	"reflect"
	"slices"
	"testing"
)

// The table of endpoints and what is said about them name the same calls, and a name of a type means one type.
func TestTableAndOperations(t *testing.T) {
	table := []string{}
	for _, e := range (&handler{}).endpoints() {
		table = append(table, e.name())
	}
	slices.Sort(table)
	if described := slices.Sorted(maps.Keys(operations())); !slices.Equal(table, described) {
		t.Errorf("the table has\n%q\nbut described are\n%q", table, described)
	}
	for name, o := range operations() {
		if (o.answer != nil) == (o.lines != nil || o.file) {
			t.Errorf("%s must have one kind of answer", name)
		}
	}
	shownTypes(t)
}

// shownTypes are the structs of the API by name. A name means one type.
func shownTypes(t *testing.T) map[string]reflect.Type {
	types := map[string]reflect.Type{}
	for name, o := range operations() {
		several, _ := o.lines.([]any)
		for _, value := range append([]any{o.request, o.answer, o.lines}, several...) {
			if value != nil {
				unique(t, name, types, reflect.TypeOf(value))
			}
		}
	}
	return types
}

// unique visits the structs of a type.
func unique(t *testing.T, operation string, types map[string]reflect.Type, of reflect.Type) {
	switch of.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		unique(t, operation, types, of.Elem())
	case reflect.Struct:
		known, again := types[of.Name()]
		if again && known != of {
			t.Errorf("%s: %v and %v have one name in the document", operation, known, of)
		}
		if !again {
			types[of.Name()] = of
			for f := range of.Fields() {
				unique(t, operation, types, f.Type)
			}
		}
	}
}
