package config

import (
	"strings"

	"github.com/spf13/pflag"
)

// AddFlags adds a flag for each field to fs, and --config for the YAML file. A flag set on the command line is checked
// at once, so that a wrong value is reported as wrong use.
func AddFlags(fs *pflag.FlagSet) {
	fs.String(fileFlag, "", "YAML `file` with these settings by name (also "+EnvPrefix+"CONFIG)")
	for _, f := range fields() {
		flag := fs.VarPF(&flagValue{field: f, text: f.def}, f.name, "", f.usage())
		flag.DefValue = f.def
		if f.flagType() == "bool" {
			flag.NoOptDefVal = "true"
		}
	}
}

// flagValue keeps the text of a flag until Load puts it in its place.
type flagValue struct {
	field field
	text  string
	given bool
}

// String returns the text.
func (v *flagValue) String() string { return v.text }

// Type returns the word that help prints for the value.
func (v *flagValue) Type() string { return v.field.flagType() }

// Set checks the text. A list flag may be given several times.
func (v *flagValue) Set(text string) error {
	var scratch Config
	if err := v.field.set(&scratch, text); err != nil {
		return err
	}
	if v.given && v.field.list() {
		text = strings.Join([]string{v.text, text}, ",")
	}
	v.text, v.given = text, true
	return nil
}

// flagType is the placeholder in help: the unit, of several words the first, and with bars between
// those of which one is meant.
func (f field) flagType() string {
	switch {
	case f.kind.Kind().String() == "bool":
		return "bool"
	case strings.Contains(f.unit, " or "):
		return strings.NewReplacer(", ", "|", " or ", "|").Replace(f.unit)
	}
	unit, _, _ := strings.Cut(f.unit, " ")
	return unit
}

// usage is the text in help: the doc without its full stop.
func (f field) usage() string {
	return strings.TrimSuffix(strings.ReplaceAll(f.doc, "`", ""), ".")
}
