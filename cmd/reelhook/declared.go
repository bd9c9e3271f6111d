package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/reelhook/reelhook/internal/connection"
	"github.com/reelhook/reelhook/internal/export"
)

// declared are connections that are kept in reelhook.yaml, for people who keep
// their configuration in git. Their secrets come from the environment or from
// files: a setting of the form {env: NAME} or {file: PATH} is read from there.
type declared []map[string]json.RawMessage

// UnmarshalText reads the list as JSON, which is what a flag and the environment
// can hold, and what reelhook.yaml is made into.
func (d *declared) UnmarshalText(text []byte) error {
	if json.Unmarshal(text, (*[]map[string]json.RawMessage)(d)) != nil {
		return errors.New("they must be a list of connections, each with id, type and its settings")
	}
	return nil
}

// connections reads what the settings refer to. The errors name the connection
// and the setting, and hold no value.
func (d declared) connections() ([]connection.Connection, error) {
	var all []connection.Connection
	for i, settings := range d {
		c := connection.Connection{Settings: export.Settings{}, Declared: true}
		for name, raw := range settings {
			value, err := lookUp(raw)
			if err != nil {
				return nil, fmt.Errorf("connection %d of reelhook.yaml, %q: %w", i+1, name, err)
			}
			switch name {
			case "id":
				c.ID = export.Text(value)
			case "type":
				c.Type = strings.ToLower(export.Text(value))
			case "account":
				if c.Account = export.Text(value); c.Account == "default" {
					c.Account = ""
				}
			default:
				c.Settings[name] = value
			}
		}
		all = append(all, c)
	}
	return all, nil
}

// lookUp is a value, or what it refers to. Members of an object may refer too, as
// headers do.
func lookUp(raw json.RawMessage) (json.RawMessage, error) {
	var members map[string]json.RawMessage
	if json.Unmarshal(raw, &members) != nil || members == nil {
		return raw, nil
	}
	if name, ok := members["env"]; ok && len(members) == 1 {
		value, found := os.LookupEnv(export.Text(name))
		if !found {
			return nil, fmt.Errorf("the environment has no %s", export.Text(name))
		}
		return json.Marshal(value)
	}
	if path, ok := members["file"]; ok && len(members) == 1 {
		content, err := os.ReadFile(export.Text(path))
		if err != nil {
			return nil, err
		}
		return json.Marshal(strings.TrimSuffix(string(content), "\n"))
	}
	for name, member := range members {
		value, err := lookUp(member)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		members[name] = value
	}
	return json.Marshal(members)
}
