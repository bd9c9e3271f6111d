package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/reelhook/reelhook/internal/api"
	"github.com/reelhook/reelhook/internal/export"
)

type connectionsCmd struct {
	List   connectionsListCmd   `cmd:"" help:"List connections and where they lead."`
	Show   connectionsShowCmd   `cmd:"" help:"Show a connection's settings, without its secrets."`
	Add    connectionsAddCmd    `cmd:"" help:"Keep settings under an id that movies can name."`
	Test   connectionsTestCmd   `cmd:"" help:"Have the server really use a connection, and show how far it came."`
	Remove connectionsRemoveCmd `cmd:"" help:"Remove a connection."`
	Rotate connectionsRotateCmd `cmd:"" help:"Take a new signing secret for a webhook connection or, without an id, a new master key for the server."`
}

type connectionsListCmd struct{ remote }

// Help is shown below the flags.
func (connectionsListCmd) Help() string {
	return `UPDATED is the time since it was changed, DECLARED tells that it is in the server's reelhook.yaml and can be changed there alone, WHERE is its host, address or bucket.

Example:

  reelhook connections list`
}

// Run lists.
func (c connectionsListCmd) Run(ctx context.Context, s *screen) error {
	all, err := c.client().Connections(ctx)
	switch {
	case err != nil:
		return c.explain(err)
	case c.JSON:
		return s.json(all)
	case len(all.Connections) == 0:
		fmt.Fprintln(s.errs, "There are no connections yet; make one with: reelhook connections add")
		return nil
	}
	rows := table{screen: s, columns: []column{{"ID", true}, {"TYPE", false}, {"UPDATED", false}, {"DECLARED", false}, {"WHERE", true}}}
	rows.print(s.connections(all.Connections))
	return nil
}

func (s *screen) connections(all []api.Connection) (rows [][]cell) {
	for _, c := range all {
		updated, declared := "-", "no"
		if c.Bool("declared", false) {
			declared = "yes"
		} else if at := c.Text("updated_at"); at != "" {
			updated = s.age(at)
		}
		rows = append(rows, []cell{plain(c.Text("id")), plain(c.Text("type")), plain(updated), plain(declared), plain(leadsTo(c))})
	}
	return rows
}

// leadsTo is the setting that says most of where a connection leads.
func leadsTo(c api.Connection) string {
	for _, name := range []string{"bucket", "endpoint", "url", "host", "hostname", "server", "to"} {
		if texts := c.List(name); len(texts) > 0 {
			return strings.TrimPrefix(strings.Join(texts, ", "), "https://")
		}
	}
	return "-"
}

// oneConnection is the argument of the commands about one.
type oneConnection struct {
	remote
	ID id `arg:"" help:"ID of the connection, as reelhook connections list has it."`
}

type connectionsShowCmd struct{ oneConnection }

// Help is shown below the flags.
func (connectionsShowCmd) Help() string {
	return `Secrets are shown as (redacted). What --json prints can be changed and given back: reelhook connections add --replace --from FILE.

Example:

  reelhook connections show acme-sftp`
}

// Run shows it.
func (c connectionsShowCmd) Run(ctx context.Context, s *screen) error {
	reply, err := c.client().Connection(ctx, string(c.ID))
	switch {
	case err != nil:
		return c.explain(err)
	case c.JSON:
		return s.json(reply)
	}
	s.connection(reply.Connection)
	return nil
}

// noSettings are the members of a connection that are no settings.
var noSettings = []string{"id", "type", "declared", "created_at", "updated_at"}

// connection shows one, its settings below what is known of it.
func (s *screen) connection(c api.Connection) {
	s.whole("Connection", c.Text("id"))
	s.whole("Type", c.Text("type"))
	if c.Bool("declared", false) {
		s.whole("Declared", "in the server's reelhook.yaml")
	}
	s.whole("Created", s.since(c.Text("created_at")))
	s.whole("Updated", s.since(c.Text("updated_at")))
	var names []string
	longest := 0
	for name := range c {
		if !slices.Contains(noSettings, name) {
			names = append(names, name)
			longest = max(longest, min(lineWidth/2, terminal.StringWidth(printable(name))))
		}
	}
	slices.Sort(names)
	for i, name := range names {
		if i == 0 {
			fmt.Fprintln(s.out)
		}
		value := export.Text(c[name])
		if value == "" {
			value = string(c[name])
		}
		fmt.Fprintf(s.out, "%s  %s\n", terminal.FillRight(printable(name), longest), printable(value))
	}
}

// since is when, and nothing for no time.
func (s *screen) since(stamp string) string {
	if stamp == "" {
		return ""
	}
	return s.when(stamp)
}

type connectionsTestCmd struct{ oneConnection }

// Help is shown below the flags.
func (connectionsTestCmd) Help() string {
	return `The server connects, logs in, writes a small file and removes it again; or it sends a test mail, or a made-up movie.completed. The exit status is 1 when a step failed.

Example:

  reelhook connections test acme-sftp`
}

// Run tests it.
func (c connectionsTestCmd) Run(ctx context.Context, s *screen) error {
	tried, err := c.client().TestConnection(ctx, string(c.ID))
	switch {
	case err != nil:
		return c.explain(err)
	case c.JSON:
		err = s.json(tried)
	default:
		s.tried(tried)
	}
	if err == nil && !tried.OK {
		err = exitCode(1)
	}
	return err
}

// tried shows how far a test came.
func (s *screen) tried(t api.ConnectionTest) {
	s.whole("Connection", t.ID)
	s.whole("Type", t.Type)
	s.whole("Target", t.Target)
	s.whole("Delivery", t.Delivery)
	s.whole("Address", t.Address)
	s.fact("TLS", t.TLS)
	s.whole("Certificate", t.Fingerprint)
	s.whole("Time", (time.Duration(t.Seconds * float64(time.Second))).Round(time.Millisecond).String())
	for _, step := range t.Steps {
		if t.OK || step != t.FailedStep {
			fmt.Fprintln(s.out, s.paint(green, "✓"), printable(step))
			continue
		}
		why := t.Class
		if t.Status != 0 {
			why = strings.TrimSpace(fmt.Sprintf("%s %d", why, t.Status))
		}
		fmt.Fprintf(s.out, "%s %s  %s\n", s.paint(red, "✗"), printable(step), printable(strings.TrimPrefix(why+": "+t.Message, ": ")))
	}
}

type connectionsRemoveCmd struct{ oneConnection }

// Help is shown below the flags.
func (connectionsRemoveCmd) Help() string {
	return `From now on attempts of deliveries that name it fail, also of those made before.

Example:

  reelhook connections remove acme-sftp`
}

// Run removes it.
func (c connectionsRemoveCmd) Run(ctx context.Context, s *screen) error {
	removed, err := c.client().DeleteConnection(ctx, string(c.ID))
	switch {
	case err != nil:
		return c.explain(err)
	case c.JSON:
		return s.json(removed)
	}
	s.whole("Removed", removed.ID)
	return nil
}

type connectionsRotateCmd struct {
	remote
	ID      *id  `arg:"" optional:"" help:"ID of a webhook connection; without one it is the master key that is rotated."`
	Overlap span `help:"How long the secrets of the connection before go on signing as well, at most 30d; 0 ends them at once." default:"24h"`
}

// Help is shown below the flags.
func (connectionsRotateCmd) Help() string {
	return `The new signing secret of a webhook connection is printed this once, alone, for scripts.

Without an id all that the server keeps sealed, which is more than connections, is sealed with a new master key, and the old one forgotten. Where --master-key sets the keys, first put a new one before the others and start the server anew; see reelhook master-key new.

Examples:

  reelhook connections rotate acme-hook --overlap 7d
  reelhook connections rotate`
}

// Run rotates.
func (c connectionsRotateCmd) Run(ctx context.Context, s *screen) error {
	if c.ID == nil {
		return c.masterKey(ctx, s)
	}
	rotated, err := c.client().RotateConnection(ctx, string(*c.ID), api.SecretOrder{Overlap: c.Overlap.String()})
	switch {
	case err != nil:
		return c.explain(err)
	case c.JSON:
		return s.json(rotated)
	}
	fmt.Fprintln(s.out, printable(rotated.Secret))
	before := "no other"
	if c.Overlap > 0 {
		before = "for " + c.Overlap.String() + " the ones before it too"
	}
	fmt.Fprintf(s.errs, "This secret signs the webhooks of %s from now on, and %s. It is not shown again.\n", printable(string(*c.ID)), before)
	return nil
}

func (c connectionsRotateCmd) masterKey(ctx context.Context, s *screen) error {
	rotated, err := c.client().RotateMasterKey(ctx)
	switch {
	case err != nil:
		return c.explain(err)
	case c.JSON:
		return s.json(rotated)
	}
	fmt.Fprintf(s.out, "Sealed anew: %d\n", rotated.Resealed)
	return nil
}
