// Package config is everything that `kith serve` can be told, in one struct.
//
// A value comes from a command line flag, else from the environment (KITH_ and the name), else from the YAML file, else
// from the default. Names, defaults, units and the printed reference all come from the tags of Config's fields, by one
// walk over the struct: a new field is a new flag, variable, YAML key and line of the reference.
//
// Invariants:
//   - Load returns a Config that passed Validate, or an error that names each wrong field.
//   - A key of the YAML file that no field has is an error. A variable that no field has is ignored, because
//     orchestrators inject variables of their own.
//   - Settings and everything printed has secrets replaced.
//
// The package reads the YAML file and nothing else; it opens no other file and no socket. It imports nothing of this
// module. A Config is a plain value.
package config
