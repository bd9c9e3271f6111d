package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

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
		Keys:    func() []webhook.Signer { return keys },
		Version: buildVersion(),
	})
	d, err := leaf.Sample(c.Event, c.target(), c.Status == "error" || c.Event == export.MovieFailed)
	if err != nil {
		return err
	}
	id := ulid.MustNew(ulid.Timestamp(s.now()), rand.Reader).String()
	d.ID, d.MessageID, d.Event, d.CreatedAt = "dlv_"+id, "msg_"+id, c.Event, s.now()
	return c.send(ctx, s, leaf, d)
}

// send makes attempts until one succeeds or the last was made.
func (c triggerCmd) send(ctx context.Context, s *screen, leaf *exportwebhook.Leaf, d export.Delivery) (err error) {
	for d.Attempts = 1; ; d.Attempts++ {
		a := leaf.Attempt(ctx, d, export.Attempt{Delivery: d.ID, Number: d.Attempts, StartedAt: s.now(), Result: export.Open})
		a.EndedAt = s.now()
		last := a.Result == export.Succeeded || d.Attempts == c.Attempts
		if last || !c.JSON {
			err = s.tested(triggered(d, a), false, c.JSON)
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

// triggered is an attempt as the server's API would show it.
func triggered(d export.Delivery, a export.Attempt) api.Tested {
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	shown := api.Attempt{
		Number: a.Number, StartedAt: valueOf(stamp(a.StartedAt)), EndedAt: stamp(a.EndedAt), Result: string(a.Result),
		Class: a.Class, Error: a.Error, Address: a.Peer.Address, TLS: a.Peer.TLS, Fingerprint: a.Peer.Fingerprint, Reused: a.Peer.Reused,
		Latency:        api.Latency{DNS: ms(a.Peer.DNS), Connect: ms(a.Peer.Connect), TLS: ms(a.Peer.Handshake), FirstByte: ms(a.Peer.FirstByte), Total: ms(a.EndedAt.Sub(a.StartedAt))},
		RequestHeaders: a.Request, AnswerHeaders: a.Headers, AnswerCut: a.Cut,
	}
	if a.Status != 0 {
		shown.Status = &a.Status
	}
	if wait := a.RetryAfter.Seconds(); wait > 0 {
		shown.RetryAfter = &wait
	}
	if utf8.Valid(a.Answer) {
		shown.Answer = string(a.Answer)
	} else {
		shown.AnswerBase64 = base64.StdEncoding.EncodeToString(a.Answer)
	}
	state := export.Failed
	if a.Result == export.Succeeded {
		state = export.Delivered
	}
	return api.Tested{Success: true, Attempt: shown, Delivery: api.Delivery{
		ID: d.ID, MessageID: d.MessageID, Type: "webhook", Event: d.Event, Status: string(state), Target: safehttp.Redact(d.Target),
		Attempts: d.Attempts, LastStatus: a.Status, Message: a.Error, CreatedAt: valueOf(stamp(d.CreatedAt)), Schedule: []float64{}, Timeout: d.Timeout.Seconds(),
	}}
}
