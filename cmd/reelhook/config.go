package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/alecthomas/kong"
	"go.yaml.in/yaml/v3"
)

// config is reelhook.yaml: one key for each flag, by the flag's name.
type config map[string]any

func loadConfig(r io.Reader) (kong.Resolver, error) {
	c := config{}
	if err := yaml.NewDecoder(r).Decode(&c); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("reelhook.yaml: %w", err)
	}
	return c, nil
}

// Validate refuses keys that are no flag of any command: a misspelled setting
// must not be a setting that silently does nothing.
func (c config) Validate(app *kong.Application) error {
	known := map[string]bool{}
	for _, command := range app.Leaves(true) {
		for _, group := range command.AllFlags(true) {
			for _, f := range group {
				known[f.Name] = true
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
	if list, ok := c[flag.Name].([]any); ok && flag.Name == "connections" {
		text, err := json.Marshal(list)
		if err != nil {
			return nil, fmt.Errorf("reelhook.yaml: connections: %w", err)
		}
		return string(text), nil
	}
	switch v := c[flag.Name].(type) {
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
