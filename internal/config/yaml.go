package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"gopkg.in/yaml.v3"
)

// parseYAML sets what one YAML document says: a mapping from the names of fields to scalars, or to lists of scalars for
// the fields that are lists. An empty document says nothing.
func parseYAML(c *Config, origins Origins, text []byte) (problems []error) {
	dec := yaml.NewDecoder(bytes.NewReader(text))
	var doc yaml.Node
	switch err := dec.Decode(&doc); {
	case errors.Is(err, io.EOF):
		return nil
	case err != nil:
		return []error{errors.New("is not YAML; check indentation, quotes and colons")} // yaml's text may quote a secret
	}
	if err := dec.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return []error{errors.New("has more than one YAML document; keep one")}
	}
	root := doc.Content[0]
	if root.Kind == yaml.ScalarNode && root.Tag == "!!null" {
		return nil
	}
	if root.Kind != yaml.MappingNode {
		return []error{errors.New("must be a mapping, with a line `name: value` for each setting")}
	}
	byName := map[string]field{}
	for _, f := range fields() {
		byName[f.name] = f
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(root.Content); i += 2 {
		key, value := root.Content[i], root.Content[i+1]
		f, known := byName[key.Value]
		switch {
		case !known || key.Kind != yaml.ScalarNode:
			problems = append(problems, fmt.Errorf("line %d: there is no setting %q; `kith config doc` lists them", key.Line, key.Value))
			continue
		case seen[f.name]:
			problems = append(problems, fmt.Errorf("line %d: %s is set twice", key.Line, f.name))
			continue
		}
		seen[f.name] = true
		if err := f.setNode(c, value); err != nil {
			problems = append(problems, fmt.Errorf("line %d: %s: %w", key.Line, f.name, err))
		}
		origins[f.name] = originFile
	}
	return problems
}

// setNode sets the field from a YAML value.
func (f field) setNode(c *Config, node *yaml.Node) error {
	if node.Kind == yaml.ScalarNode {
		if node.Tag == "!!null" {
			return errors.New(`has no value; write "" for an empty one, or leave the line out`)
		}
		return f.set(c, node.Value)
	}
	if node.Kind != yaml.SequenceNode || !f.list() {
		return errors.New("must be a single value")
	}
	items := make([]string, 0, len(node.Content))
	for _, item := range node.Content {
		if item.Kind != yaml.ScalarNode || strings.Contains(item.Value, ",") {
			return errors.New("must be a list of single values")
		}
		items = append(items, item.Value)
	}
	return f.set(c, strings.Join(items, ","))
}
