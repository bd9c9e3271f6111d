// Command bench measures Reelhook beside what it is compared with, both in one
// run on one machine: accepting movies beside the disk and beside a store that
// keeps nothing, delivering webhooks beside a plain Go client that posts the
// same bodies, rendering beside the best FFmpeg command written by hand. It
// prints tables in Markdown, which docs/benchmarks.md explains, and fails only
// when something is wrong, never because it was slow.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime/pprof"
	"slices"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"github.com/reelhook/reelhook/internal/sqlite"
)

type options struct {
	Parts []string `arg:"" optional:"" help:"What to measure: accept, deliver, render; all by default."`

	Clients    int           `help:"Clients that post movies at once." default:"32"`
	For        time.Duration `help:"How long movies are posted." default:"5s"`
	Deliveries int           `help:"Webhooks of each throughput run." default:"20000"`
	Endpoints  int           `help:"Endpoints of the throughput run with many." default:"50"`
	Rate       int           `help:"Webhooks a second while latency is measured." default:"50"`
	RateFor    time.Duration `help:"How long latency is measured." default:"10s"`
	Runs       int           `help:"How often each renderer makes each movie." default:"2"`
	Font       string        `help:"The font of the hand-written commands: Inter, bold." default:"/usr/share/fonts/opentype/inter/Inter-Bold.otf"`
	Folder     string        `help:"Where to work, a folder on the disk to be measured. By default the system's for temporary files." type:"existingdir"`
	Keep       bool          `help:"Leave the databases and movies there, to be looked at."`
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
	if o.Keep {
		defer fmt.Fprintf(out, "\nKept in %s\n", b.dir)
	} else {
		defer os.RemoveAll(b.dir)
	}
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
	return b.measure(ctx)
}

// measure takes all the parts that were asked for, in order.
func (b *bench) measure(ctx context.Context) error {
	if err := b.machine(ctx); err != nil {
		return err
	}
	for _, p := range []struct {
		name    string
		measure func(context.Context) error
	}{{"accept", b.accept}, {"deliver", b.deliver}, {"render", b.render}} {
		if len(b.Parts) > 0 && !slices.Contains(b.Parts, p.name) {
			continue
		}
		if err := p.measure(ctx); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	return nil
}

// Validate refuses parts that do not exist, and numbers that measure nothing.
func (o options) Validate() error {
	for _, name := range o.Parts {
		if !slices.Contains([]string{"accept", "deliver", "render"}, name) {
			return fmt.Errorf("there is no part %q; the parts are accept, deliver and render", name)
		}
	}
	for _, n := range []int{o.Clients, o.Deliveries, o.Endpoints, o.Rate, o.Runs} {
		if n < 1 {
			return errors.New("numbers must be at least 1")
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
