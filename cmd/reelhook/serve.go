package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/reelhook/reelhook/internal/app"
	"github.com/reelhook/reelhook/webhook"
)

type serveCmd struct {
	Listen    string `help:"Address to serve on." default:":8080"`
	Data      string `help:"Folder that holds the database, the finished movies and scratch." default:"./reelhook-data" type:"path"`
	PublicURL string `name:"public-url" help:"Base of the links to finished movies, such as https://video.example.org. By default made from --listen."`
	APIKey    string `name:"api-key" help:"A key that always works, at least 8 characters. Without it the first start makes one and prints it once."`

	WebhookSecret  string          `help:"Secret (whsec_...) that signs the webhooks of inline endpoints. Without it one is made at the first start; see: reelhook secret."`
	WebhookTimeout time.Duration   `help:"Longest time one attempt may take, 1s to 5m." default:"15s"`
	WebhookRetries []time.Duration `help:"Delays between attempts, each moved by up to 20 percent at random; at most 100, none over 720h." default:"5s,5m,30m,2h,5h,10h,14h,20h,24h"`

	AllowHTTPEndpoints bool           `name:"allow-http-endpoints" help:"Permit webhook endpoints without TLS."`
	AllowNetworks      []netip.Prefix `help:"Networks that endpoints and media may reach although not public, such as 127.0.0.0/8."`
	RenderWorkers      int            `help:"Movies rendered at once, at most 64. 0 is half the cores, at least 1."`
	LogFormat          string         `help:"How to log: text or json." enum:"text,json" default:"text"`
}

// The bounds of what may be set. Beyond them is a slip of the pen, such as 5 for
// 5s, or a setting that no receiver and no machine bears.
const (
	shortestTimeout, longestTimeout = time.Second, 5 * time.Minute
	longestRetry                    = 30 * 24 * time.Hour
	mostRetries                     = 100
	mostRenderWorkers               = 64
	shortestKey                     = 8
)

// Validate refuses what would fail later, or not work and never say so. kong
// calls it before anything is opened. No key or secret is part of an error.
func (c serveCmd) Validate() error {
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
	if c.RenderWorkers < 0 || c.RenderWorkers > mostRenderWorkers {
		return fmt.Errorf("--render-workers must be from 0 to %d, not %d; 0 is half the cores", mostRenderWorkers, c.RenderWorkers)
	}
	if n := len(strings.TrimSpace(c.APIKey)); c.APIKey != "" && n < shortestKey {
		return fmt.Errorf("--api-key must have at least %d characters, not %d", shortestKey, n)
	}
	if c.WebhookSecret != "" {
		if _, err := webhook.ParseSecret(c.WebhookSecret); err != nil {
			return fmt.Errorf("--webhook-secret cannot be used: %w", err)
		}
	}
	return checkPublicURL(c.PublicURL)
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
	log := newLog(c.LogFormat, slog.LevelInfo)
	a, err := app.New(ctx, app.Options{
		Listen: c.Listen, Data: c.Data, PublicURL: c.PublicURL, APIKey: c.APIKey,
		WebhookSecret: c.WebhookSecret, WebhookTimeout: c.WebhookTimeout, WebhookRetries: c.WebhookRetries,
		AllowHTTPEndpoints: c.AllowHTTPEndpoints, AllowNetworks: c.AllowNetworks, RenderWorkers: c.RenderWorkers,
		Version: buildVersion(), Log: log,
	})
	if err != nil {
		return err
	}
	if a.MadeKey != "" {
		fmt.Fprintf(os.Stderr, "\nYour API key (shown this once, kept only as a hash): %s\n"+
			"Send it as the x-api-key header. The webhook secret: reelhook secret --data %s\n\n", a.MadeKey, c.Data)
	}
	return a.Run(ctx)
}

type secretCmd struct {
	Data string `help:"The server's data folder." default:"./reelhook-data" type:"path"`
}

// Run prints the secret alone, for use in scripts.
func (c secretCmd) Run(ctx context.Context) error {
	secret, err := app.Secret(ctx, c.Data)
	if err != nil {
		return err
	}
	fmt.Println(secret)
	return nil
}
