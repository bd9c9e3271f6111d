// Command bench measures Reelhook beside what it is compared with, both in one
// run on one machine: accepting movies beside the disk and beside a store that
// keeps nothing, delivering webhooks beside a plain Go client that posts the
// same bodies, rendering beside the best FFmpeg command written by hand. It
// prints tables in Markdown, which docs/benchmarks.md explains, and fails only
// when something is wrong, never because it was slow.
package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime/pprof"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"github.com/reelhook/reelhook/internal/sqlite"
)

type options struct {
	Parts []string `arg:"" optional:"" enum:"accept,deliver,render" default:"accept,deliver,render" help:"What to measure: accept, deliver, render; all by default."`

	Clients    int           `help:"Clients that post movies at once." default:"32"`
	For        time.Duration `help:"How long movies are posted." default:"5s"`
	Deliveries int           `help:"Webhooks of each throughput run." default:"20000"`
	Endpoints  int           `help:"Endpoints of the throughput run with many." default:"50"`
	Rate       int           `help:"Webhooks a second while latency is measured." default:"50"`
	RateFor    time.Duration `help:"How long latency is measured." default:"10s"`
	Runs       int           `help:"How often each renderer makes each movie." default:"2"`
	Font       string        `help:"The font of the hand-written commands: Inter, bold." default:"/usr/share/fonts/opentype/inter/Inter-Bold.otf"`
	Folder     string        `help:"Where to work, a folder on the disk to be measured. By default the system's for temporary files." type:"existingdir"`
	CPUProfile string        `name:"cpu-profile" help:"File to write this process's CPU profile to; go tool pprof reads it." type:"path"`
}

// bench is one run.
type bench struct {
	options
	out io.Writer
	// dir is removed after the run.
	dir string
	log *slog.Logger
}

func main() {
	var o options
	kong.Parse(&o, kong.Name("bench"), kong.Description("Measures Reelhook beside what it is compared with; see docs/benchmarks.md."))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Stdout, o); err != nil {
		fmt.Fprintf(os.Stderr, "bench: %v\n", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer, o options) (err error) {
	b := &bench{options: o, out: out}
	if b.dir, err = os.MkdirTemp(o.Folder, "reelhook-bench-"); err != nil {
		return err
	}
	defer os.RemoveAll(b.dir)
	// As in a server: every line is made, only the terminal is spared.
	b.log = slog.New(slog.NewJSONHandler(io.Discard, nil))
	if o.CPUProfile != "" {
		f, err := os.Create(o.CPUProfile)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	if err := b.machine(ctx); err != nil {
		return err
	}
	parts := map[string]func(context.Context) error{"accept": b.accept, "deliver": b.deliver, "render": b.render}
	for _, name := range o.Parts {
		if err := parts[name](ctx); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// database opens a new one, with the settings of every server.
func (b *bench) database(ctx context.Context, name string) (*sqlite.DB, error) {
	return sqlite.Open(ctx, filepath.Join(b.dir, name), sqlite.Options{Log: b.log})
}

// command is the one place that starts processes: FFmpeg by hand, and Reelhook.
func command(ctx context.Context, name string, args ...string) *exec.Cmd {
	return exec.CommandContext(ctx, name, args...) //nolint:forbidigo // what is measured here are whole processes
}
