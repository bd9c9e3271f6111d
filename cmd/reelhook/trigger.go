package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/reelhook/reelhook/internal/api"
	"github.com/reelhook/reelhook/internal/export"
	exportwebhook "github.com/reelhook/reelhook/internal/export/webhook"
	"github.com/reelhook/reelhook/internal/safehttp"
	"github.com/reelhook/reelhook/webhook"
)

type triggerCmd struct {
	Event    string   `arg:"" help:"The event: movie.started, movie.progress, movie.completed, movie.failed or export.completed."`
	Endpoint string   `required:"" help:"Where to send it; any address will do, also of this machine and without TLS." placeholder:"URL"`
	Secret   []string `help:"Secrets (whsec_...) or private keys (whsk_...) to sign with. Without it one is made and printed." placeholder:"whsec_..."`
	Status   string   `help:"How the made-up movie ended: done or error." enum:"done,error" default:"done"`
	Attempts int      `help:"How often to try at most, a second apart and with one webhook-id, until it succeeds." default:"1"`
	JSON     bool     `name:"json" help:"Print what POST /v2/webhooks/test would reply and nothing else; of several attempts the last."`
}

// Help is shown below the flags.
func (triggerCmd) Help() string {
	return `For work on a receiver: the same body and signature as after a rendering, without one and without a server. The exit status is 1 unless the answer is 2xx.

Examples:

  reelhook trigger movie.completed --endpoint localhost:3000/webhook --secret "$(reelhook secret)"
  reelhook trigger movie.completed --endpoint http://127.0.0.1:4242/ --status error --attempts 3`
}

// mostAttempts is as many as a delivery of the server can have.
const mostAttempts = mostRetries + 1

// Validate refuses what would fail later. kong calls it before anything is sent.
func (c triggerCmd) Validate() error {
	if !slices.Contains(export.Events(), c.Event) {
		return fmt.Errorf("there is no event %q; the events are %s", c.Event, strings.Join(export.Events(), ", "))
	}
	if c.Attempts < 1 || c.Attempts > mostAttempts {
		return fmt.Errorf("--attempts must be from 1 to %d, not %d", mostAttempts, c.Attempts)
	}
	if u, err := url.Parse(c.target()); c.Endpoint != "" && (err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "") { // kong says so when there is none
		return errors.New("--endpoint must be http or https with a host, such as http://localhost:3000/webhook")
	}
	_, err := parseSigners(c.Secret)
	return err
}

// target is the endpoint, http where no scheme is given.
func (c triggerCmd) target() string {
	if !strings.Contains(c.Endpoint, "://") {
		return "http://" + c.Endpoint
	}
	return c.Endpoint
}

// parseSigners reads keys to sign with; its errors hold nothing of them.
func parseSigners(texts []string) (keys []webhook.Signer, err error) {
	for i, text := range texts {
		var key webhook.Signer
		if text = strings.TrimSpace(text); strings.HasPrefix(text, "whsk_") {
			key, err = webhook.ParsePrivateKey(text)
		} else {
			key, err = webhook.ParseSecret(text)
		}
		if err != nil {
			return nil, fmt.Errorf("--secret cannot be used: number %d of %d: %w", i+1, len(texts), err)
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// Run sends it.
func (c triggerCmd) Run(ctx context.Context, s *screen) error {
	if len(c.Secret) == 0 {
		c.Secret = []string{webhook.NewSecret()}
		out := s.out
		if c.JSON {
			out = s.errs
		}
		fmt.Fprintf(out, "%-*s %s\n", factWidth, "Secret", c.Secret[0])
	}
	keys, err := parseSigners(c.Secret)
	if err != nil {
		return err
	}
	leaf := exportwebhook.New(exportwebhook.Options{
		Policy:  safehttp.Policy{AllowHTTP: true, AllowNetworks: everywhere}, // who types an address means it
		Keys:    func(context.Context, string) ([]webhook.Signer, error) { return keys, nil },
		Version: buildVersion(),
	})
	d, err := leaf.Sample(c.Event, export.WebhookTo(c.target()), c.Status == "error" || c.Event == export.MovieFailed)
	if err != nil {
		return err
	}
	id := ulid.MustNew(ulid.Timestamp(s.now()), rand.Reader).String()
	d.ID, d.MessageID, d.CreatedAt, d.Endpoint, d.Schedule = "dlv_"+id, "msg_"+id, s.now(), "", nil
	return c.send(ctx, s, leaf, d)
}

// send makes attempts until one succeeds or the last was made.
func (c triggerCmd) send(ctx context.Context, s *screen, leaf *exportwebhook.Leaf, d export.Delivery) (err error) {
	for d.Attempts = 1; ; d.Attempts++ {
		a := leaf.Attempt(ctx, d, export.Attempt{Delivery: d.ID, Number: d.Attempts, StartedAt: s.now(), Result: export.Open})
		a.EndedAt = s.now()
		d.State, d.LastStatus, d.Message = export.Failed, a.Status, a.Error
		if a.Result == export.Succeeded {
			d.State = export.Delivered
		}
		last := a.Result == export.Succeeded || d.Attempts == c.Attempts
		if last || !c.JSON {
			err = s.tested(api.NewTested(d, a), false, c.JSON)
		}
		if last {
			return err
		}
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return exitCode(130)
		}
	}
}

// everywhere are all networks.
var everywhere = []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}
