package config

import (
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// EnvPrefix begins the name of each environment variable.
const EnvPrefix = "KITH_"

// redacted stands for a secret.
const redacted = "REDACTED"

// field is one field of Config, as its tags describe it.
type field struct {
	index int
	kind  reflect.Type
	group string
	name  string // of the flag and in YAML
	def   string
	unit  string
	doc   string
	// secret is "all" when the value must not be printed, "url" when it may hold a password.
	secret string
}

// fields walks Config, in order of declaration.
func fields() []field {
	t := reflect.TypeFor[Config]()
	all := make([]field, 0, t.NumField())
	for i := range t.NumField() {
		f := t.Field(i)
		all = append(all, field{
			index: i, kind: f.Type,
			group: f.Tag.Get("group"), name: f.Tag.Get("name"), def: f.Tag.Get("default"),
			unit: f.Tag.Get("unit"), doc: f.Tag.Get("doc"), secret: f.Tag.Get("secret"),
		})
	}
	return all
}

// env returns the name of the field's environment variable.
func (f field) env() string {
	return EnvPrefix + strings.ToUpper(strings.ReplaceAll(f.name, "-", "_"))
}

// list reports whether the field holds several values, separated by commas in flags and variables.
func (f field) list() bool { return f.kind.Kind() == reflect.Slice }

// set parses text into the field of c. The error does not quote the value of a secret.
func (f field) set(c *Config, text string) error {
	value := reflect.ValueOf(c).Elem().Field(f.index)
	switch target := value.Addr().Interface().(type) {
	case *string:
		*target = text
	case *[]string:
		*target = splitList(text)
	case *bool:
		b, err := strconv.ParseBool(text)
		if err != nil {
			return fmt.Errorf("must be true or false, not %q", text)
		}
		*target = b
	case *int:
		n, err := strconv.Atoi(text)
		if err != nil {
			return fmt.Errorf("must be a whole number of %s, not %q", f.unit, text)
		}
		*target = n
	case *int64:
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return fmt.Errorf("must be a whole number of %s, not %q", f.unit, text)
		}
		*target = n
	case *float64:
		n, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return fmt.Errorf("must be a number, not %q", text)
		}
		*target = n
	case *time.Duration:
		d, err := time.ParseDuration(text)
		if err != nil {
			return fmt.Errorf("must be a duration such as 300ms, 10s or 24h, not %q", text)
		}
		*target = d
	default:
		panic("config: field " + f.name + " is of a kind that cannot be set") // a test sets every field
	}
	return nil
}

// text returns the value of the field in c as set reads it, with secrets replaced.
func (f field) text(c Config) string {
	switch v := reflect.ValueOf(c).Field(f.index).Interface().(type) {
	case []string:
		return strings.Join(v, ",")
	case string:
		return f.redact(v)
	case time.Duration:
		return shortDuration(v)
	default:
		return fmt.Sprint(v)
	}
}

func (f field) redact(text string) string {
	switch {
	case text == "" || f.secret == "":
		return text
	case f.secret == "url":
		return redactURL(text)
	}
	return redacted
}

// redactURL hides the password of a URL, and every query parameter whose name speaks of one. What cannot be read as a
// URL is hidden whole.
func redactURL(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.Scheme == "" || u.Opaque != "" {
		return redacted
	}
	if _, has := u.User.Password(); has {
		u.User = url.UserPassword(u.User.Username(), redacted)
	}
	query := u.Query()
	for name := range query {
		if lower := strings.ToLower(name); strings.Contains(lower, "pass") || strings.Contains(lower, "secret") {
			query.Set(name, redacted)
		}
	}
	u.RawQuery = query.Encode()
	return u.String()
}

// splitList splits at commas and drops blanks and empty items.
func splitList(text string) []string {
	items := strings.Split(text, ",")
	for i := range items {
		items[i] = strings.TrimSpace(items[i])
	}
	return slices.DeleteFunc(items, func(s string) bool { return s == "" })
}

// shortDuration is Duration.String without trailing zero units: 24h, not 24h0m0s.
func shortDuration(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
