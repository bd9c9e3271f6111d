package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/alecthomas/kong"

	"github.com/reelhook/reelhook/internal/account"
	"github.com/reelhook/reelhook/internal/connection"
	"github.com/reelhook/reelhook/internal/export"
)

// declared are connections that are kept in reelhook.yaml, for people who keep
// their configuration in git: a JSON list of them, which is what a flag and the
// environment can hold. Their secrets come from the environment or from files: a
// value of the form {env: NAME} or {file: PATH} is read from there.
type declared string

// UnmarshalText takes the list as it is. It is read later, for kong would show the
// whole of one that is wrong.
func (d *declared) UnmarshalText(text []byte) error {
	*d = declared(text)
	return nil
}

// connections reads the list and what it refers to. The errors name the connection
// and the setting, and hold no value.
func (d declared) connections() ([]connection.Connection, error) {
	var list []map[string]json.RawMessage
	if strings.TrimSpace(string(d)) == "" {
		return nil, nil
	}
	if json.Unmarshal([]byte(d), &list) != nil {
		return nil, errors.New("--connections must be a list of connections, each with id, type and its settings")
	}
	var all []connection.Connection
	for i, members := range list {
		c, err := readDeclared(members)
		if err != nil {
			return nil, fmt.Errorf("--connections, number %d: %w", i+1, err)
		}
		all = append(all, c)
	}
	return all, nil
}

// readDeclared reads one. It may be of an account, beside what the API knows.
func readDeclared(members map[string]json.RawMessage) (c connection.Connection, err error) {
	owner := ""
	if named, ok := members["account"]; ok {
		if owner, err = account.ParseName(export.Text(named)); err != nil {
			return c, err
		}
		delete(members, "account")
	}
	for name, raw := range members {
		if members[name], err = lookUp(raw); err != nil {
			return c, fmt.Errorf("%q: %w", name, err)
		}
	}
	text, err := json.Marshal(members)
	if err != nil {
		return c, errors.New("it cannot be written as JSON") // err might show a value
	}
	if c, err = connection.Parse(text); err != nil {
		return c, err
	}
	c.Account, c.Declared = owner, true
	return c, nil
}

// lookUp is a value, or what it refers to. Members of an object and items of a list
// may refer too, as headers do.
func lookUp(raw json.RawMessage) (json.RawMessage, error) {
	var members map[string]json.RawMessage
	var items []json.RawMessage
	switch {
	case bytes.HasPrefix(bytes.TrimSpace(raw), []byte("[")) && json.Unmarshal(raw, &items) == nil:
		for i, item := range items {
			value, err := lookUp(item)
			if err != nil {
				return nil, fmt.Errorf("number %d: %w", i+1, err)
			}
			items[i] = value
		}
		return json.Marshal(items)
	case json.Unmarshal(raw, &members) != nil || members == nil:
		return raw, nil
	}
	if name, ok := members["env"]; ok && len(members) == 1 {
		return fromEnvironment(export.Text(name))
	}
	if path, ok := members["file"]; ok && len(members) == 1 {
		return fromFile(export.Text(path))
	}
	for name, member := range members {
		value, err := lookUp(member)
		if err != nil {
			return nil, fmt.Errorf("%q: %w", name, err)
		}
		members[name] = value
	}
	return json.Marshal(members)
}

func fromEnvironment(name string) (json.RawMessage, error) {
	if name == "" {
		return nil, errors.New("env must be the name of a variable of the environment")
	}
	value := os.Getenv(name)
	if value == "" { // nobody means to have no password that way
		return nil, fmt.Errorf("the environment has no %s, or nothing in it", name)
	}
	return json.Marshal(value)
}

// largestSecret is how many bytes of a file are read: more than a connection may
// have.
const largestSecret = 64 << 10

// fromFile is a file's text without the line end that editors put there.
func fromFile(path string) (json.RawMessage, error) {
	if path == "" {
		return nil, errors.New("file must be the path of a file")
	}
	f, err := os.Open(kong.ExpandPath(path))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, largestSecret+1))
	switch {
	case err != nil:
		return nil, err
	case len(content) > largestSecret:
		return nil, fmt.Errorf("%s has more than %d KiB", path, largestSecret>>10)
	case len(content) == 0:
		return nil, fmt.Errorf("%s is empty", path)
	case !utf8.Valid(content):
		return nil, fmt.Errorf("%s is not UTF-8 text; keys and certificates must be in PEM", path)
	}
	return json.Marshal(strings.TrimSuffix(strings.TrimSuffix(string(content), "\n"), "\r"))
}
