package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/reelhook/reelhook/internal/api"
	"github.com/reelhook/reelhook/internal/app"
	"github.com/reelhook/reelhook/internal/signing"
	"github.com/reelhook/reelhook/webhook"
)

type secretCmd struct {
	Show       secretShowCmd       `cmd:"" default:"withargs" help:"Print the secret that signs webhooks, alone, for scripts."`
	Rotate     secretRotateCmd     `cmd:"" help:"Take a new secret, and sign with the old one too for a while."`
	EndOverlap secretEndOverlapCmd `cmd:"" help:"Stop signing with the secrets before the current one."`
}

// dataFolder is where reelhook serve keeps its data when nothing else is said.
const dataFolder = "./reelhook-data"

type secretShowCmd struct {
	remote
	Data      string   `help:"Read the server's data folder in place of asking the server. Without --server that is ./reelhook-data, where there is one." placeholder:"FOLDER" type:"path"`
	MasterKey []string `help:"The server's --master-key (rhm_...), if it has one, to read its data folder." placeholder:"rhm_..."`
	All       bool     `help:"Also those before it that still sign, and the public keys."`
}

// Help is shown below the flags.
func (secretShowCmd) Help() string {
	return `Receivers verify webhook-signature with the secret (whsec_...), or with the public key (whpk_...) that --all shows.

Examples:

  reelhook listen --secret "$(reelhook secret)"
  reelhook secret show --all --server https://video.example.org`
}

// Run prints the secret.
func (c secretShowCmd) Run(ctx context.Context, s *screen) error {
	secrets, err := c.read(ctx, s.now())
	switch {
	case err != nil:
		return err
	case c.JSON:
		return s.json(secrets)
	case c.All:
		s.secrets(secrets)
		return nil
	}
	for _, secret := range secrets.Secrets {
		if secret.ExpiresAt == nil { // the first of those set by flag
			fmt.Fprintln(s.out, printable(secret.Secret))
			return nil
		}
	}
	return errors.New("webhooks are signed without a secret (--signatures v1a); the public key is shown by: reelhook secret show --all")
}

// read takes the secrets from a data folder, or asks the server.
func (c secretShowCmd) read(ctx context.Context, now time.Time) (api.Secrets, error) {
	data := c.Data
	if info, err := os.Stat(dataFolder); data == "" && c.Server == "" && err == nil && info.IsDir() {
		data = dataFolder
	}
	if data == "" {
		secrets, err := c.client().Secret(ctx)
		if err != nil {
			err = c.explain(err)
		}
		return secrets, err
	}
	keys, err := app.Secrets(ctx, data, c.MasterKey)
	if err != nil {
		return api.Secrets{}, fmt.Errorf("%s: %w", data, err)
	}
	return showKeys(keys, now)
}

// showKeys are stored keys as the API has them: those that sign, and of private
// keys the public half alone.
func showKeys(keys []signing.Key, now time.Time) (api.Secrets, error) {
	all := api.Secrets{Success: true, Secrets: []api.Secret{}, PublicKeys: []api.PublicKey{}}
	for _, k := range keys {
		created, expires := stamp(k.CreatedAt), stamp(k.ExpiresAt)
		switch {
		case expires != nil && !k.ExpiresAt.After(now):
		case k.Kind == signing.V1:
			all.Secrets = append(all.Secrets, api.Secret{ID: k.ID, Secret: k.Text, CreatedAt: created, ExpiresAt: expires})
		default:
			private, err := webhook.ParsePrivateKey(k.Text)
			if err != nil {
				return all, fmt.Errorf("the stored key %s cannot be read: %w", k.ID, err)
			}
			all.PublicKeys = append(all.PublicKeys, api.PublicKey{ID: k.ID, Version: string(k.Kind), Algorithm: "ed25519",
				Key: private.Public().String(), CreatedAt: created, ExpiresAt: expires})
		}
	}
	return all, nil
}

// stamp is a time as the API writes it, nil for none.
func stamp(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	text := t.UTC().Format("2006-01-02T15:04:05.000Z")
	return &text
}

// secrets lists them, one a line, the text first and whole, for it is copied.
func (s *screen) secrets(all api.Secrets) {
	type line struct {
		text    string
		expires *string
	}
	var lines []line
	for _, secret := range all.Secrets {
		lines = append(lines, line{printable(secret.Secret), secret.ExpiresAt})
	}
	for _, key := range all.PublicKeys {
		lines = append(lines, line{printable(key.Key), key.ExpiresAt})
	}
	longest := 0
	for _, l := range lines {
		longest = max(longest, len(l.text))
	}
	for _, l := range lines {
		use := "current"
		if l.expires != nil {
			use = "signs until " + printable(s.when(*l.expires))
		}
		fmt.Fprintf(s.out, "%-*s  %s\n", longest, l.text, use)
	}
}

type secretRotateCmd struct {
	remote
	Overlap span `help:"How long the secrets before go on signing as well, at most 30d; 0 ends them at once." default:"24h"`
}

// Help is shown below the flags.
func (secretRotateCmd) Help() string {
	return `Webhooks carry a signature for every key that signs, so receivers may change to the new one at any time of the overlap.

Example:

  reelhook secret rotate --overlap 7d`
}

// Run rotates.
func (c secretRotateCmd) Run(ctx context.Context, s *screen) error {
	secrets, err := c.client().RotateSecret(ctx, api.RotateOrder{Overlap: c.Overlap.String()})
	switch {
	case err != nil:
		return c.explain(err)
	case c.JSON:
		return s.json(secrets)
	}
	s.secrets(secrets)
	return nil
}

type secretEndOverlapCmd struct{ remote }

// Help is shown below the flags.
func (secretEndOverlapCmd) Help() string {
	return `For when all receivers have changed over, or an old secret became known.

Example:

  reelhook secret end-overlap`
}

// Run ends it.
func (c secretEndOverlapCmd) Run(ctx context.Context, s *screen) error {
	secrets, err := c.client().EndOverlap(ctx)
	switch {
	case err != nil:
		return c.explain(err)
	case c.JSON:
		return s.json(secrets)
	}
	fmt.Fprintf(s.out, "Keys that sign no more: %d\n", valueOf(secrets.Ended))
	return nil
}
