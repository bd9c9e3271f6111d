package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"

	"github.com/reelhook/reelhook/internal/connection"
	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/export/email"
	"github.com/reelhook/reelhook/internal/export/ftp"
	"github.com/reelhook/reelhook/internal/export/httpput"
	"github.com/reelhook/reelhook/internal/export/s3"
	"github.com/reelhook/reelhook/internal/export/sftp"
	exportwebhook "github.com/reelhook/reelhook/internal/export/webhook"
	"github.com/reelhook/reelhook/internal/seal"
)

// carriers are what uploads and emails are brought by, by the type of destination.
func (a *App) carriers() map[string]export.Carrier {
	policy := a.policy(a.AllowHTTPEndpoints)
	files := ftp.New(ftp.Options{Policy: policy, RootCAs: a.RootCAs})
	all := map[string]export.Carrier{
		"ftp": files, "ftps": files,
		"sftp":     sftp.New(sftp.Options{Policy: policy, Trust: a.db, FirstUse: a.TrustNewHosts, KnownHosts: a.KnownHosts}),
		"email":    email.New(email.Options{Policy: policy, RootCAs: a.RootCAs, Server: a.SMTP, From: a.SMTPFrom, Version: a.Version}),
		"s3":       s3.New(s3.Options{Policy: policy, RootCAs: a.RootCAs, Proxy: a.EgressProxy, Version: a.Version}),
		"http-put": httpput.New(httpput.Options{Policy: policy, RootCAs: a.RootCAs, Proxy: a.EgressProxy, Version: a.Version}),
	}
	for name, c := range all {
		all[name] = a.faultyCarrier(c)
	}
	return all
}

// vault opens the connections, declared ones and stored ones.
func (a *App) vault(keys *seal.Keys, carriers map[string]export.Carrier) (*connection.Vault, error) {
	hooks, types := exportwebhook.New(exportwebhook.Options{Policy: a.policy(a.AllowHTTPEndpoints)}), []string{export.Webhook}
	for name := range carriers {
		types = append(types, name)
	}
	vault, err := connection.New(connection.Options{Store: a.db, Keys: keys, Declared: a.Connections, Types: types, Known: known(),
		Check: func(d export.Destination) error {
			if c, ok := carriers[d.Type]; ok {
				_, err := c.Plan(letter(d).Settings)
				return err
			}
			if !d.Has("endpoint") { // then a movie has to name one
				return nil
			}
			_, err := hooks.Sample(export.MovieCompleted, d, false)
			return err
		}})
	if err != nil {
		return nil, err
	}
	for _, c := range a.Connections {
		for _, w := range vault.Warnings(c) {
			a.Log.Warn("a declared connection has a setting that nobody reads", "connection", c.ID, "warning", w.Message)
		}
	}
	return vault, nil
}

// known are the names of the settings of each type.
func known() map[string][]string {
	return map[string][]string{
		"ftp": ftp.Settings(), "ftps": ftp.Settings(), "sftp": sftp.Settings(), "s3": s3.Settings(), "http-put": httpput.Settings(),
		"email": email.Settings(), export.Webhook: exportwebhook.Settings(),
	}
}

// letter is a connection for emails with words, for what they are is mostly the
// movie's business.
func letter(d export.Destination) export.Destination {
	if d.Type != "email" {
		return d
	}
	settings := maps.Clone(d.Settings)
	for _, name := range []string{"to", "subject", "message"} {
		if !settings.Has(name) {
			settings[name] = json.RawMessage(`"someone@example.org"`)
		}
	}
	d.Settings = settings
	return d
}

// identity is what a connection adds to a webhook.
func identity(vault *connection.Vault) func(ctx context.Context, account, id string) (exportwebhook.Identity, error) {
	return func(ctx context.Context, account, id string) (exportwebhook.Identity, error) {
		i, err := vault.Identity(ctx, account, id)
		if errors.Is(err, connection.ErrNotFound) {
			err = fmt.Errorf("the connection '%s' is there no more", id)
		}
		return exportwebhook.Identity(i), err
	}
}

// connections are the vault with what can be done with a connection beyond it.
type connections struct {
	*connection.Vault
	exports *export.Pipeline
	masters *masters
}

// Probe is the pipeline's.
func (c connections) Probe(ctx context.Context, account, id string) (export.Probed, error) {
	return c.exports.Probe(ctx, account, id)
}

// RotateKey is the masters'.
func (c connections) RotateKey(ctx context.Context) (int, error) {
	return c.masters.rotate(context.WithoutCancel(ctx))
}
