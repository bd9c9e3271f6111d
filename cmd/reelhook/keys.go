package main

import (
	"context"
	"fmt"
	"time"

	"github.com/reelhook/reelhook/internal/api"
)

type keysCmd struct {
	Create keysCreateCmd `cmd:"" help:"Create an API key and print it, alone, for scripts."`
	List   keysListCmd   `cmd:"" help:"List API keys, without the keys themselves."`
	Revoke keysRevokeCmd `cmd:"" help:"Revoke an API key: no call with it is served any more."`
}

type keysCreateCmd struct {
	remote
	Role    string `help:"What it may do, each also what those before it may: viewer reads, render makes and deletes movies and sends, editor is for templates, manager for endpoints, admin for secrets and keys." enum:"viewer,render,editor,manager,admin" required:"" placeholder:"render"`
	Account string `help:"Account it is of, which exists from its first key on; your key's own when not given." placeholder:"NAME"`
	Name    string `help:"What it is for, shown in the list." placeholder:"TEXT"`
	Expires string `help:"How long it may call, such as 90d, or until when; for ever when not given." placeholder:"90d"`
}

// Help is shown below the flags.
func (keysCreateCmd) Help() string {
	return `A key sees the movies, deliveries, endpoints and connections of its account and no other's. Only admins of the account "default" may name another than their own.

The key is printed this once: the server keeps no more than its hash.

Example:

  reelhook keys create --role render --account acme --name n8n --expires 90d`
}

// Run creates it.
func (c keysCreateCmd) Run(ctx context.Context, s *screen) error {
	made, err := c.client().CreateKey(ctx, api.KeyOrder{Role: c.Role, Account: c.Account, Name: c.Name, Expires: c.Expires})
	switch {
	case err != nil:
		return c.explain(err)
	case c.JSON:
		return s.json(made)
	}
	fmt.Fprintln(s.out, printable(made.Key))
	until := "for ever"
	if made.ExpiresAt != nil {
		until = "until " + s.when(*made.ExpiresAt)
	}
	fmt.Fprintf(s.errs, "Key %s of the account %s has the role %s %s. It is not shown again.\n",
		printable(made.ID), printable(made.Account), printable(made.Role), printable(until))
	return nil
}

type keysListCmd struct {
	remote
	Account string `help:"Only keys of this account." placeholder:"NAME"`
}

// Help is shown below the flags.
func (keysListCmd) Help() string {
	return `AGE is the time since a key was made. Admins of the account "default" see the keys of all accounts.

Example:

  reelhook keys list --account acme`
}

// Run lists.
func (c keysListCmd) Run(ctx context.Context, s *screen) error {
	all, err := c.client().Keys(ctx, c.Account)
	switch {
	case err != nil:
		return c.explain(err)
	case c.JSON:
		return s.json(all)
	case len(all.Keys) == 0:
		fmt.Fprintln(s.errs, "There are no such keys.")
		return nil
	}
	rows := table{screen: s, columns: []column{{"ID", false}, {"ROLE", false}, {"ACCOUNT", false}, {"AGE", false}, {"EXPIRES", false}, {"NAME", true}}}
	rows.print(s.keys(all.Keys))
	return nil
}

func (s *screen) keys(all []api.KeyRecord) (rows [][]cell) {
	for _, k := range all {
		age, expires := "-", plain("never")
		if k.CreatedAt != nil {
			age = s.age(*k.CreatedAt)
		}
		if k.ExpiresAt != nil {
			expires = s.expiry(*k.ExpiresAt)
		}
		rows = append(rows, []cell{plain(k.ID), plain(k.Role), plain(k.Account), plain(age), expires, plain(k.Name)})
	}
	return rows
}

// expiry is a time of the API at which something ends.
func (s *screen) expiry(stamp string) cell {
	if at, err := time.Parse(time.RFC3339, stamp); err == nil && !at.After(s.now()) {
		return cell{"expired", red}
	}
	return plain("in " + s.age(stamp))
}

type keysRevokeCmd struct {
	remote
	ID id `arg:"" help:"ID of the key, as reelhook keys list has it."`
}

// Help is shown below the flags.
func (keysRevokeCmd) Help() string {
	return `It counts from the next call on. The admin key of the account "default" that lasts longest stays, or nobody could make another.

Example:

  reelhook keys revoke key_01KDJ3N6Z6Y3X8W7V5T4S2R1Q0`
}

// Run revokes it.
func (c keysRevokeCmd) Run(ctx context.Context, s *screen) error {
	revoked, err := c.client().RevokeKey(ctx, string(c.ID))
	switch {
	case err != nil:
		return c.explain(err)
	case c.JSON:
		return s.json(revoked)
	}
	s.whole("Revoked", revoked.ID)
	return nil
}
