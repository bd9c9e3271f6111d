// Command reelhook is a self-hosted render server that speaks the JSON2Video v2
// API: Movie JSON in, MP4 out, signed webhooks delivered.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
	"github.com/lmittmann/tint"
	"github.com/mattn/go-isatty"

	"github.com/reelhook/reelhook/internal/draw"
)

// version is set by the build.
var version = ""

// cli is the command line. Every flag is also an environment variable
// (REELHOOK_ and the flag's name) and a key of reelhook.yaml, in that order of
// precedence.
type cli struct {
	Config kong.ConfigFlag `help:"File with the same settings as the flags." placeholder:"reelhook.yaml" env:"-"`

	Demo     demoCmd     `cmd:"" help:"Render a sample movie, receive its webhook and verify it, all on this machine."`
	Serve    serveCmd    `cmd:"" help:"Run the server: API, rendering, webhooks and files in one process."`
	Render   renderCmd   `cmd:"" help:"Render one Movie JSON to an MP4, without a server."`
	Validate validateCmd `cmd:"" help:"Check one Movie JSON without rendering it: all that is wrong, and its timeline."`
	Schema   schemaCmd   `cmd:"" help:"Print the JSON Schema of Movie JSON, for editors."`
	Listen   listenCmd   `cmd:"" help:"Receive webhooks for development: show, verify and forward them, or misbehave."`
	Trigger  triggerCmd  `cmd:"" help:"Send a signed, made-up event to an address, without a server."`

	Deliveries  deliveriesCmd  `cmd:"" help:"See, prove, repeat, recover and cancel deliveries of a server."`
	Endpoints   endpointsCmd   `cmd:"" help:"See how endpoints are doing; enable, pause or disable them."`
	Webhook     webhookCmd     `cmd:"" help:"Try an endpoint out from a server."`
	Connections connectionsCmd `cmd:"" help:"Keep settings of destinations on a server, and try them out."`
	Secret      secretCmd      `cmd:"" help:"Show or rotate the secret that signs webhooks."`
	Keys        keysCmd        `cmd:"" help:"Create, list and revoke API keys, with their roles and accounts."`
	MasterKey   masterKeyCmd   `cmd:"" help:"Make a key that seals what a server keeps secret."`

	Version versionCmd `cmd:"" help:"Print the version."`
}

const description = `Reelhook renders Movie JSON (the JSON2Video v2 format) to MP4 with FFmpeg and delivers the completion webhook: signed, retried, logged, never lost.

Try it: reelhook demo

Run it: reelhook serve --data ./reelhook-data

Settings come from flags, then from REELHOOK_* in the environment, then from ./reelhook.yaml.`

func main() {
	draw.RunIfChild()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal is not caught any more: it kills
	os.Exit(run(ctx, os.Args[1:], newScreen()))
}

// run is main without the process around it; it returns the exit status.
func run(ctx context.Context, args []string, s *screen) int {
	var c cli
	parser := kong.Must(&c, kong.Name("reelhook"), kong.Description(description), kong.UsageOnError(),
		kong.DefaultEnvars("REELHOOK"), kong.Configuration(loadConfig, "reelhook.yaml"),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}), kong.BindTo(ctx, (*context.Context)(nil)), kong.Bind(s))
	command, err := parser.Parse(args)
	if err != nil {
		fmt.Fprintf(s.errs, "reelhook: %v\nSee: reelhook --help\n", err)
		return 2
	}
	if err := command.Run(); err != nil {
		var code exitCode
		if errors.As(err, &code) {
			return int(code)
		}
		fmt.Fprintf(s.errs, "reelhook: %v\n", err)
		return 1
	}
	return 0
}

// exitCode ends the program without another message.
type exitCode int

func (e exitCode) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

type versionCmd struct{}

// Run prints the version.
func (versionCmd) Run() error {
	fmt.Println("reelhook " + buildVersion())
	return nil
}

// buildVersion is what the build says of itself: the linker's word, or the
// module's version when it was installed with go install.
func buildVersion() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "dev"
}

// newLog writes to stderr: coloured lines on a terminal, or JSON.
func newLog(format string, level slog.Level) *slog.Logger {
	if format == "json" {
		return slog.New(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: level}))
	}
	return slog.New(tint.NewTextHandler(os.Stderr, &tint.Options{
		Level: level, TimeFormat: time.DateTime, NoColor: !isatty.IsTerminal(os.Stderr.Fd()),
	}))
}
