package config

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/pflag"
)

// Where a value came from, as Setting.Origin says it.
const (
	originDefault = "default"
	originFile    = "file"
	originEnv     = "environment"
	originFlag    = "flag"
)

// fileFlag names the flag (and the variable KITH_CONFIG) that says which YAML file to read.
const fileFlag = "config"

// Source says where Load looks. The zero value gives the defaults.
type Source struct {
	// Flags are flags that AddFlags made; nil means none.
	Flags *pflag.FlagSet
	// Env looks up an environment variable, like os.LookupEnv; nil means none.
	Env func(string) (string, bool)
}

// Origins says where each value came from, by name.
type Origins map[string]string

// Default returns the Config that Load makes of nothing.
func Default() Config {
	var c Config
	for _, f := range fields() {
		if err := f.set(&c, f.def); err != nil && f.def != "" {
			panic("config: default of " + f.name + " " + err.Error()) // held by a test
		}
	}
	return c
}

// Load puts the Config together: defaults, then the YAML file that --config or KITH_CONFIG names, then the environment,
// then flags that were given. The error has a line for each problem, each begins with the name of the flag, variable or
// key that is wrong.
func Load(src Source) (Config, Origins, error) {
	c, origins := Default(), Origins{}
	for _, f := range fields() {
		origins[f.name] = originDefault
	}
	var problems []error
	if path := src.file(); path != "" {
		problems = append(problems, loadFile(&c, origins, path)...)
	}
	problems = append(problems, src.loadEnv(&c, origins)...)
	problems = append(problems, src.loadFlags(&c, origins)...)
	if len(problems) == 0 {
		return c, origins, c.Validate()
	}
	return c, origins, errors.Join(append(problems, c.Validate())...) // all at once
}

// file returns the path of the YAML file, empty when none was named.
func (src Source) file() string {
	if src.Flags != nil {
		if flag := src.Flags.Lookup(fileFlag); flag != nil && flag.Changed {
			return flag.Value.String()
		}
	}
	path, _ := src.env(EnvPrefix + "CONFIG")
	return path
}

func (src Source) env(name string) (string, bool) {
	if src.Env == nil {
		return "", false
	}
	return src.Env(name)
}

func (src Source) loadEnv(c *Config, origins Origins) (problems []error) {
	for _, f := range fields() {
		text, ok := src.env(f.env())
		if !ok {
			continue
		}
		if err := f.set(c, text); err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", f.env(), err))
		}
		origins[f.name] = originEnv
	}
	return problems
}

func (src Source) loadFlags(c *Config, origins Origins) (problems []error) {
	if src.Flags == nil {
		return nil
	}
	for _, f := range fields() {
		flag := src.Flags.Lookup(f.name)
		if flag == nil || !flag.Changed {
			continue
		}
		value, ok := flag.Value.(*flagValue)
		if !ok {
			continue // a flag of the caller's own with the same name
		}
		if err := f.set(c, value.text); err != nil {
			problems = append(problems, fmt.Errorf("--%s: %w", f.name, err))
		}
		origins[f.name] = originFlag
	}
	return problems
}

func loadFile(c *Config, origins Origins, path string) []error {
	text, err := os.ReadFile(path)
	if err != nil {
		return []error{fmt.Errorf("config file: %w; check the path", err)}
	}
	var problems []error
	for _, err := range parseYAML(c, origins, text) {
		problems = append(problems, fmt.Errorf("%s: %w", path, err))
	}
	return problems
}
