package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"strings"

	"github.com/alecthomas/kong"
	"go.yaml.in/yaml/v3"
)

// config is reelhook.yaml: one key for each flag, by the flag's name. Flags that the
// environment cannot set it cannot set either.
type config map[string]any

func loadConfig(r io.Reader) (kong.Resolver, error) {
	c := config{}
	if err := yaml.NewDecoder(r).Decode(&c); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("reelhook.yaml: %w", err)
	}
	return c, nil
}

// declaredOf is a list of connections as their flag has it. The error holds no
// value.
func declaredOf(list any) (any, error) {
	text, err := json.Marshal(list)
	if err != nil { // keys that are no texts
		return nil, errors.New("reelhook.yaml: connections must be a list of connections, each with id, type and its settings")
	}
	return string(text), nil
}

// Validate refuses keys that are no flag of any command: a misspelled setting
// must not be a setting that silently does nothing.
func (c config) Validate(app *kong.Application) error {
	known := map[string]bool{}
	for _, command := range app.Leaves(true) {
		for _, group := range command.AllFlags(true) {
			for _, f := range group {
				known[f.Name] = known[f.Name] || len(f.Envs) > 0
			}
		}
	}
	for key := range c {
		if !known[key] {
			return fmt.Errorf("reelhook.yaml: there is no setting %q; see: reelhook serve --help", key)
		}
	}
	return nil
}

// Resolve gives a flag its value, unless the environment has one.
func (c config) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	for _, name := range flag.Envs {
		if _, ok := os.LookupEnv(name); ok {
			return nil, nil
		}
	}
	value, ok := c[flag.Name]
	switch {
	case !ok || len(flag.Envs) == 0:
		return nil, nil
	case flag.Target.Type() == reflect.TypeFor[declared]():
		return declaredOf(value)
	}
	switch v := value.(type) {
	case []any: // a list reads as the flag's comma-separated form
		parts := make([]string, len(v))
		for i := range v {
			parts[i] = fmt.Sprint(v[i])
		}
		return strings.Join(parts, ","), nil
	case nil, string, bool:
		return v, nil
	default:
		return fmt.Sprint(v), nil
	}
}
