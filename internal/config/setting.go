package config

import (
	"fmt"
	"io"
	"reflect"
	"strings"

	"gopkg.in/yaml.v3"
)

// Setting is one value as it may be shown: secrets are replaced.
type Setting struct {
	Name   string `json:"name"`
	Value  string `json:"value"`
	Origin string `json:"origin"` // default, file, environment or flag
}

// Settings returns all values in the order of the reference. origins is what Load returned.
func (c Config) Settings(origins Origins) []Setting {
	all := fields()
	settings := make([]Setting, 0, len(all))
	for _, f := range all {
		settings = append(settings, Setting{Name: f.name, Value: f.text(c), Origin: origins[f.name]})
	}
	return settings
}

// WriteYAML prints the effective configuration as a YAML file, each line with the origin of its value. Apart from
// secrets, which are replaced, reading it back gives the same Config.
func (c Config) WriteYAML(w io.Writer, origins Origins) error {
	var b strings.Builder
	for _, f := range fields() {
		value, err := yaml.Marshal(f.node(c))
		if err != nil {
			return fmt.Errorf("print %s: %w", f.name, err)
		}
		fmt.Fprintf(&b, "%s: %s # %s\n", f.name, strings.TrimSuffix(string(value), "\n"), origins[f.name])
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// node returns the value of the field as a YAML node on one line.
func (f field) node(c Config) *yaml.Node {
	if f.list() {
		node := &yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle}
		for _, item := range splitList(f.text(c)) {
			node.Content = append(node.Content, scalar(item, yaml.DoubleQuotedStyle))
		}
		return node
	}
	if f.kind.Kind() == reflect.String {
		return scalar(f.text(c), yaml.DoubleQuotedStyle)
	}
	return scalar(f.text(c), 0)
}

func scalar(text string, style yaml.Style) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Value: text, Style: style}
}
