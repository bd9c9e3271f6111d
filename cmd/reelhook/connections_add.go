package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/reelhook/reelhook/internal/api"
	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/movie"
)

// None of these flags is taken from the environment or from reelhook.yaml: there
// REELHOOK_SECRET is that of other commands.
type connectionsAddCmd struct {
	remote
	ID      string       `arg:"" optional:"" help:"ID that movies name it by: letters, digits, dots, hyphens and underscores."`
	From    []byte       `help:"JSON file of the connection: id, type and its settings side by side; - is the standard input." type:"filecontent" placeholder:"FILE" env:"-"`
	Type    string       `help:"Type of the destinations it is for: ftp, ftps, sftp, s3, http-put, email or webhook." placeholder:"TYPE" env:"-"`
	Set     []assignment `help:"A setting, as often as needed." sep:"none" placeholder:"NAME=VALUE" env:"-"`
	Secret  []assignment `help:"A setting that nobody is to see on the command line: NAME=env:VARIABLE or NAME=file:PATH." sep:"none" placeholder:"NAME=env:VARIABLE" env:"-"`
	Replace bool         `help:"Replace the connection of this id. (redacted) in the place of a secret keeps it." env:"-"`
}

// Help is shown below the flags.
func (connectionsAddCmd) Help() string {
	return `In a file {"env": "VARIABLE"} and {"file": "PATH"} in the place of a value stand for what is there. Flags override what the file has. Of a webhook connection without a secret one is made and printed this once, alone, for scripts.

Settings are checked, but nothing is connected to; see reelhook connections test.

Examples:

  reelhook connections add acme-sftp --type sftp --set host=files.example.org --set username=acme --secret password=env:ACME_PASSWORD
  reelhook connections add acme-hook --type webhook --set endpoint=https://example.org/hook
  reelhook connections add --from sftp.json --secret private-key=file:id_ed25519`
}

var errFrom = errors.New(`--from must have a JSON object: {"id": …, "type": …} and the settings`)

// assignment is a setting on the command line.
type assignment struct{ name, value string }

// UnmarshalText reads NAME=VALUE. Its error does not hold what may be a secret.
func (a *assignment) UnmarshalText(text []byte) (err error) {
	name, value, ok := strings.Cut(string(text), "=")
	if *a = (assignment{strings.TrimSpace(name), value}); !ok || a.name == "" {
		err = errors.New("write it as NAME=VALUE")
	}
	return err
}

// Run adds it.
func (c connectionsAddCmd) Run(ctx context.Context, s *screen) error {
	members, err := c.members()
	if err != nil {
		return err
	}
	id := export.Settings(members).Text("id")
	if id == "" {
		return errors.New(`which id? Give one as an argument, or as "id" in the file of --from`)
	}
	body, err := json.Marshal(members)
	if err != nil {
		return err
	}
	var kept api.ConnectionReply
	if c.Replace {
		kept, err = c.client().PutConnection(ctx, id, body)
	} else {
		kept, err = c.client().CreateConnection(ctx, body)
	}
	switch {
	case err != nil:
		return c.explain(err)
	case c.JSON:
		return s.json(kept)
	}
	id = printable(kept.Connection.Text("id"))
	if kept.Secret != "" {
		fmt.Fprintln(s.out, printable(kept.Secret))
		fmt.Fprintf(s.errs, "This secret signs the webhooks of %s. It is not shown again.\n", id)
	}
	for _, w := range kept.Warnings {
		fmt.Fprintln(s.errs, "Warning:", printable(w.Message))
	}
	fmt.Fprintf(s.errs, "Connection %s is kept. Try it out: reelhook connections test %s\n", id, id)
	return nil
}

// members are the connection as the API takes it: what the file has, and over that
// the flags. The errors hold no value.
func (c connectionsAddCmd) members() (map[string]json.RawMessage, error) {
	members, err := c.file()
	if err != nil {
		return nil, err
	}
	for name, raw := range members {
		if members[name], err = lookUp(raw); err != nil {
			return nil, fmt.Errorf("--from, %q: %w", name, err)
		}
	}
	for _, a := range append([]assignment{{"id", c.ID}, {"type", c.Type}}, c.Set...) {
		if a.value != "" {
			override(members, a.name, literal(a.value))
		}
	}
	for _, a := range c.Secret {
		value, err := a.lookUp()
		if err != nil {
			return nil, fmt.Errorf("--secret %s: %w", a.name, err)
		}
		override(members, a.name, value)
	}
	return members, nil
}

// file reads --from. It may be a reply of the API, such as show --json prints.
func (c connectionsAddCmd) file() (map[string]json.RawMessage, error) {
	if c.From == nil {
		return map[string]json.RawMessage{}, nil
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(bytes.TrimPrefix(c.From, []byte("\xef\xbb\xbf")), &members) != nil || members == nil {
		return nil, errFrom
	}
	if shown := members["connection"]; members["success"] != nil && shown != nil {
		members = nil
		if json.Unmarshal(shown, &members) != nil || members == nil {
			return nil, errFrom
		}
	}
	return members, nil
}

// override sets a member, and removes what is the same in another spelling.
func override(members map[string]json.RawMessage, name string, value json.RawMessage) {
	for other := range members {
		if movie.Name(other) == movie.Name(name) {
			delete(members, other)
		}
	}
	members[name] = value
}

// literal is a value as it was typed: an object, a list, true or false if it reads
// like one, else a text. Settings take numbers as texts too.
func literal(typed string) json.RawMessage {
	structured := strings.HasPrefix(typed, "{") || strings.HasPrefix(typed, "[") || typed == "true" || typed == "false"
	if structured && json.Valid([]byte(typed)) {
		return json.RawMessage(typed)
	}
	text, _ := json.Marshal(typed) // a string always can
	return text
}

// lookUp is what env:VARIABLE or file:PATH stands for.
func (a assignment) lookUp() (json.RawMessage, error) {
	kind, at, _ := strings.Cut(a.value, ":")
	if kind != "env" && kind != "file" {
		return nil, errors.New("write where it is, env:VARIABLE or file:PATH, and not the secret itself: others see the command line")
	}
	reference, _ := json.Marshal(map[string]string{kind: at}) // strings always can
	return lookUp(reference)
}
