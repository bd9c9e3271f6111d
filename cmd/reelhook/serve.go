package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"time"

	"github.com/reelhook/reelhook/internal/app"
)

type serveCmd struct {
	Listen    string `help:"Address to serve on." default:":8080"`
	Data      string `help:"Folder that holds the database, the finished movies and scratch." default:"./reelhook-data" type:"path"`
	PublicURL string `name:"public-url" help:"Base of the links to finished movies, such as https://video.example.org. By default made from --listen."`
	APIKey    string `name:"api-key" help:"A key that always works. Without it the first start makes one and prints it once."`

	WebhookSecret  string          `help:"Secret (whsec_...) that signs the webhooks of inline endpoints. Without it one is made at the first start; see: reelhook secret."`
	WebhookTimeout time.Duration   `help:"Longest time one attempt may take." default:"15s"`
	WebhookRetries []time.Duration `help:"Delays between attempts, each moved by up to 20 percent at random." default:"5s,5m,30m,2h,5h,10h,14h,20h,24h"`

	AllowHTTPEndpoints bool           `name:"allow-http-endpoints" help:"Permit webhook endpoints without TLS."`
	AllowNetworks      []netip.Prefix `help:"Networks that endpoints and media may reach although not public, such as 127.0.0.0/8."`
	RenderWorkers      int            `help:"Movies rendered at once. By default half the cores, at least 1."`
	LogFormat          string         `help:"How to log: text or json." enum:"text,json" default:"text"`
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
