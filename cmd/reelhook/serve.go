package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"net/url"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"github.com/reelhook/reelhook/internal/app"
	"github.com/reelhook/reelhook/internal/export/email"
	"github.com/reelhook/reelhook/internal/safehttp"
	"github.com/reelhook/reelhook/internal/signing"
)

type serveCmd struct {
	Listen    string `help:"Address to serve on." default:":8080"`
	Data      string `help:"Folder that holds the database, the finished movies and scratch." default:"./reelhook-data" type:"path"`
	PublicURL string `name:"public-url" help:"Base of the links to finished movies, such as https://video.example.org. By default made from --listen."`
	APIKey    string `name:"api-key" help:"A key that always works, at least 8 characters. Without it the first start makes one and prints it once."`

	WebhookSecret  []string        `help:"Secrets (whsec_..., whsk_...) that sign the webhooks of inline endpoints; all sign, the first is the current one. Without it they are made at the first start; see: reelhook secret."`
	Signatures     []signing.Kind  `help:"Signatures to make: v1 (HMAC-SHA256), v1a (ed25519) or both." default:"v1,v1a"`
	WebhookTimeout time.Duration   `help:"Longest time one attempt may take, 1s to 5m." default:"15s"`
	WebhookRetries []time.Duration `help:"Delays between attempts, each moved by up to 20 percent at random; at most 100, none over 720h." default:"5s,5m,30m,2h,5h,10h,14h,20h,24h"`

	DisableAfter    span   `help:"How long an endpoint may do nothing but fail before it is disabled, 1h to 90d." default:"5d"`
	OperatorWebhook string `help:"URL that is told when a delivery gave up or recovered, an endpoint was disabled or enabled, a secret rotated."`
	LogRetention    span   `help:"How long ended deliveries are kept, 1h to 3650d; 0 keeps them." default:"30d"`
	LogSize         size   `help:"How large the database may grow before the oldest deliveries go earlier, such as 2GB; 0 is no bound." default:"0"`

	MasterKey     []string `help:"Keys (rhm_...) that seal stored secrets; the first seals, all open. Without it one is made and kept beside the database, in master.key."`
	Connections   declared `help:"Connections that destinations may name, as a JSON list; best written in reelhook.yaml." placeholder:"JSON"`
	ExportBudget  span     `help:"How long the uploads and emails of one movie may take together, 10s to 24h." default:"15m"`
	SMTP          string   `name:"smtp" help:"Mail server for emails without one of their own: smtp://user:password@host:587, or smtps://." placeholder:"URL"`
	SMTPFrom      string   `name:"smtp-from" help:"Sender of those emails, such as 'Videos <videos@example.org>'."`
	KnownHosts    string   `help:"File of known_hosts lines: SSH servers whose keys are trusted." type:"path"`
	TrustNewHosts bool     `help:"Trust the key of an SSH server that nobody pinned at first sight, and no other from then on."`

	AllowHTTPEndpoints bool           `name:"allow-http-endpoints" help:"Permit webhook endpoints without TLS."`
	AllowNetworks      []netip.Prefix `help:"Networks that endpoints and media may reach although not public, such as 127.0.0.0/8."`
	AllowHosts         []string       `help:"Host names that endpoints and media may reach although not public, such as n8n.internal or *.example.internal."`
	EgressProxy        string         `help:"Proxy that webhooks go through: http://, https:// or socks5://, with user:password@ if it asks for it."`
	CAFile             string         `name:"ca-file" help:"PEM file of certificate authorities that are trusted beside the system's." type:"path"`
	RenderWorkers      int            `help:"Movies rendered at once, at most 64. 0 is half the cores, at least 1."`
	Encoder            string         `help:"What encodes pictures: libx264, h264_nvenc, h264_qsv or h264_vaapi; auto takes the first graphics processor that works. One that does not work is replaced by libx264." enum:"auto,libx264,h264_nvenc,h264_qsv,h264_vaapi" default:"libx264"`
	CacheSize          size           `help:"How much of what movies are made of is kept, so that only what changed is made again; 0 keeps nothing." default:"10GB"`
	LogFormat          string         `help:"How to log: text or json." enum:"text,json" default:"text"`
}

// The bounds of what may be set. Beyond them is a slip of the pen, such as 5 for
// 5s, or a setting that no receiver and no machine bears.
const (
	shortestTimeout, longestTimeout = time.Second, 5 * time.Minute
	longestRetry                    = 30 * 24 * time.Hour
	mostRetries                     = 100
	mostRenderWorkers               = 64
	hour                            = span(time.Hour)
	longestDisable                  = 90 * 24 * hour
	longestRetention                = 3650 * 24 * hour
	shortestKey                     = 8
	shortestBudget, longestBudget   = span(10 * time.Second), 24 * hour
)

// Validate refuses what would fail later, or not work and never say so. kong
// calls it before anything is opened. No key or secret is part of an error.
func (c serveCmd) Validate() error {
	if n := len(strings.TrimSpace(c.APIKey)); c.APIKey != "" && n < shortestKey {
		return fmt.Errorf("--api-key must have at least %d characters, not %d", shortestKey, n)
	}
	if c.RenderWorkers < 0 || c.RenderWorkers > mostRenderWorkers {
		return fmt.Errorf("--render-workers must be from 0 to %d, not %d; 0 is half the cores", mostRenderWorkers, c.RenderWorkers)
	}
	if c.DisableAfter != 0 && (c.DisableAfter < hour || c.DisableAfter > longestDisable) {
		return fmt.Errorf("--disable-after must be from %v to %v, not %v", hour, longestDisable, c.DisableAfter)
	}
	if c.LogRetention != 0 && (c.LogRetention < hour || c.LogRetention > longestRetention) {
		return fmt.Errorf("--log-retention must be from %v to %v, or 0, not %v", hour, longestRetention, c.LogRetention)
	}
	if c.ExportBudget < shortestBudget || c.ExportBudget > longestBudget {
		return fmt.Errorf("--export-budget must be from %v to %v, not %v", shortestBudget, longestBudget, c.ExportBudget)
	}
	return errors.Join(c.checkWebhooks(), checkPublicURL(c.PublicURL))
}

func (c serveCmd) checkWebhooks() error {
	if c.WebhookTimeout < shortestTimeout || c.WebhookTimeout > longestTimeout {
		return fmt.Errorf("--webhook-timeout must be from %v to %v, not %v", shortestTimeout, longestTimeout, c.WebhookTimeout)
	}
	if n := len(c.WebhookRetries); n > mostRetries {
		return fmt.Errorf("--webhook-retries may have at most %d delays, not %d", mostRetries, n)
	}
	for _, d := range c.WebhookRetries {
		if d < 0 || d > longestRetry {
			return fmt.Errorf("each delay of --webhook-retries must be from 0s to %v, not %v", longestRetry, d)
		}
	}
	if err := (signing.Options{Given: c.WebhookSecret, Kinds: c.Signatures}).Validate(); err != nil {
		return fmt.Errorf("--webhook-secret and --signatures: %w", err)
	}
	if _, err := safehttp.ParseHosts(c.AllowHosts); err != nil {
		return fmt.Errorf("--allow-hosts: %w", err)
	}
	if c.EgressProxy != "" {
		if _, err := safehttp.ParseProxy(c.EgressProxy); err != nil {
			return fmt.Errorf("--egress-proxy: %w", err)
		}
	}
	return nil
}

// checkPublicURL refuses what is no base of links, "" aside: a key is put behind
// it as it is.
func checkPublicURL(text string) error {
	if text == "" {
		return nil
	}
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return errors.New("--public-url is no URL; it should look like https://video.example.org")
	case u.Scheme != "http" && u.Scheme != "https", u.Hostname() == "":
		return errors.New("--public-url must begin with http:// or https:// and a host, such as https://video.example.org")
	case strings.ContainsAny(text, "?#"), u.User != nil:
		return errors.New("--public-url must have no query, fragment or user name: file names are put behind it and everybody sees it")
	}
	return nil
}

// Run serves until it is told to stop.
func (c serveCmd) Run(ctx context.Context) error {
	o, err := c.options()
	if err != nil {
		return err
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(app.GCPercent)
	}
	a, err := app.New(ctx, o)
	if err != nil {
		return err
	}
	if a.MadeKey != "" {
		fmt.Fprintf(os.Stderr, "\nYour API key (shown this once, kept only as a hash): %s\n"+
			"Send it as the x-api-key header. The webhook secret: reelhook secret --data %s\n\n", a.MadeKey, c.Data)
	}
	return a.Run(ctx)
}

// options are the app's.
func (c serveCmd) options() (o app.Options, err error) {
	o = app.Options{
		Listen: c.Listen, Data: c.Data, PublicURL: c.PublicURL, APIKey: c.APIKey,
		WebhookSecrets: c.WebhookSecret, Signatures: c.Signatures, WebhookTimeout: c.WebhookTimeout, WebhookRetries: c.WebhookRetries,
		DisableAfter: time.Duration(c.DisableAfter), OperatorWebhook: c.OperatorWebhook,
		LogRetention: time.Duration(c.LogRetention), LogSize: int64(c.LogSize), CacheSize: int64(c.CacheSize),
		AllowHTTPEndpoints: c.AllowHTTPEndpoints, AllowNetworks: c.AllowNetworks, RenderWorkers: c.RenderWorkers, Encoder: c.Encoder,
		Version: buildVersion(), Log: newLog(c.LogFormat, slog.LevelInfo),
	}
	if o.AllowHosts, err = safehttp.ParseHosts(c.AllowHosts); err != nil {
		return o, err
	}
	if c.EgressProxy != "" {
		if o.EgressProxy, err = safehttp.ParseProxy(c.EgressProxy); err != nil {
			return o, err
		}
	}
	if c.CAFile != "" {
		if o.RootCAs, err = safehttp.LoadCAs(c.CAFile); err != nil {
			return o, err
		}
	}
	return o, c.destinations(&o)
}

// destinations are the options of what is exported.
func (c serveCmd) destinations(o *app.Options) (err error) {
	o.MasterKeys, o.ExportBudget, o.SMTPFrom, o.TrustNewHosts = c.MasterKey, time.Duration(c.ExportBudget), c.SMTPFrom, c.TrustNewHosts
	if o.Connections, err = c.Connections.connections(); err != nil {
		return err
	}
	if c.SMTP != "" {
		if o.SMTP, err = email.ParseServer(c.SMTP); err != nil {
			return fmt.Errorf("--smtp: %w", err)
		}
	}
	if c.KnownHosts != "" {
		lines, err := os.ReadFile(c.KnownHosts)
		if err != nil {
			return fmt.Errorf("--known-hosts: %w", err)
		}
		o.KnownHosts = string(lines)
	}
	return nil
}
