package config

import (
	"cmp"
	"fmt"
	"io"
	"strings"
)

const docIntro = `# Configuration of kith serve

Each setting can be given as a flag (--name), as an environment variable, or in the YAML file that --config or
KITH_CONFIG names (name: value). A flag goes before the environment, the environment before the file, the file before
the default. A name in the file that is not in this list is an error. Durations are written as 300ms, 10s or 24h. A list
is written with commas, in YAML also as a list.
`

// WriteDoc prints the reference of all settings in Markdown.
func WriteDoc(w io.Writer) error {
	var b strings.Builder
	b.WriteString(docIntro)
	group := ""
	for _, f := range fields() {
		if f.group != group {
			group = f.group
			fmt.Fprintf(&b, "\n## %s\n\n| name | variable | default | unit | meaning |\n| --- | --- | --- | --- | --- |\n", group)
		}
		def := "(empty)"
		if f.def != "" {
			def = "`" + f.def + "`"
		}
		fmt.Fprintf(&b, "| `%s` | `%s` | %s | %s | %s |\n", f.name, f.env(), def, cmp.Or(f.unit, f.kind.Kind().String()), f.doc)
	}
	_, err := io.WriteString(w, b.String())
	return err
}
