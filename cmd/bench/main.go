// Command bench measures Reelhook beside what it is compared with, both in one
// run on one machine: accepting movies beside the disk and beside a store that
// keeps nothing, delivering webhooks beside a plain Go client that posts the
// same bodies, beside a log of a million deliveries, and beside endpoints that
// hang, the memory of a server, rendering beside the best FFmpeg command written by hand,
// uploads beside each protocol's own client. It
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
	"runtime/debug"
	"runtime/pprof"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"github.com/reelhook/reelhook/internal/app"
	"github.com/reelhook/reelhook/internal/sqlite"
)

type options struct {
	Parts []string `arg:"" optional:"" help:"What to measure: accept, deliver, growth, neighbours, memory, render (or one of it, such as render.collage), transfer; all by default."`

	Clients    int           `help:"Clients that post movies at once." default:"32"`
	For        time.Duration `help:"How long movies are posted." default:"5s"`
	Deliveries int           `help:"Webhooks of each throughput run." default:"20000"`
	Endpoints  int           `help:"Endpoints of the throughput run with many." default:"50"`
	Rate       int           `help:"Webhooks a second while latency is measured." default:"50"`
	RateFor    time.Duration `help:"How long latency is measured." default:"10s"`
	Old        int           `help:"Delivered webhooks that are in the log before growth is measured." default:"1000000"`
	Turns      int           `help:"How often growth is measured with an empty log and with a full one." default:"2"`

	NeighbourRate int           `help:"Webhooks a second to all endpoints while some of them hang." default:"200"`
	NeighboursFor time.Duration `help:"How long they hang; after 15 seconds attempts time out." default:"20s"`
	Movies        int           `help:"Movies that a server fails to make while its memory is measured." default:"2000"`

	Upload     int64  `help:"MiB of the file that is uploaded." default:"1024"`
	Runs       int    `help:"How often each renderer makes each movie." default:"2"`
	Font       string `help:"The font of the hand-written commands: Inter, bold." default:"/usr/share/fonts/opentype/inter/Inter-Bold.otf"`
	Folder     string `help:"Where to work, a folder on the disk to be measured. By default the system's for temporary files." type:"existingdir"`
	Keep       bool   `help:"Leave the databases and movies there, to be looked at."`
	CPUProfile string `name:"cpu-profile" help:"File to write this process's CPU profile to; go tool pprof reads it." type:"path"`
}

// bench is one run.
type bench struct {
	options
	out io.Writer
	// dir is removed after the run.
	dir string
	log *slog.Logger
	// syncs is how many durable writes the disk does a second.
	syncs float64
}

func main() {
	if len(os.Args) == 2 && os.Args[1] == receiveCommand {
		if err := receive(pipe{os.Stdin, os.Stdout}); err != nil {
			fmt.Fprintf(os.Stderr, "bench: receiver: %v\n", err)
			os.Exit(1)
		}
		return
	}
	if len(os.Args) == 2 && os.Args[1] == carryCommand {
		if err := carry(context.Background(), os.Stdin); err != nil {
			fmt.Fprintf(os.Stderr, "bench: carry: %v\n", err)
			os.Exit(1)
		}
		return
	}
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
	debug.SetGCPercent(app.GCPercent) // as in a server
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

// part is one thing to be measured.
type part struct {
	name    string
	measure func(*bench, context.Context) error
}

var parts = []part{{"accept", (*bench).accept}, {"deliver", (*bench).deliver}, {"growth", (*bench).growth},
	{"neighbours", (*bench).neighbours}, {"memory", (*bench).memory},
	{"render", (*bench).render}, {"transfer", (*bench).transfer}}

// names are those of all parts, and of what rendering consists of.
func names() []string {
	var list []string
	for _, p := range parts {
		list = append(list, p.name)
	}
	for _, s := range shows() {
		list = append(list, "render."+s.name)
	}
	return list
}

// measure takes all the parts that were asked for, in order.
func (b *bench) measure(ctx context.Context) error {
	if err := b.machine(ctx); err != nil {
		return err
	}
	for _, p := range parts {
		if !b.wants(p) {
			continue
		}
		if err := p.measure(b, ctx); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	return nil
}

// wants tells whether a part, or something of it, was asked for.
func (o options) wants(p part) bool {
	return len(o.Parts) == 0 || slices.ContainsFunc(o.Parts, func(name string) bool {
		whole, _, _ := strings.Cut(name, ".")
		return whole == p.name
	})
}

// Validate refuses parts that do not exist, and numbers that measure nothing.
func (o options) Validate() error {
	for _, name := range o.Parts {
		if !slices.Contains(names(), name) {
			return fmt.Errorf("there is no part %q; --help lists them", name)
		}
	}
	for _, n := range []int{o.Clients, o.Deliveries, o.Endpoints, o.Rate, o.Old, o.Turns, o.NeighbourRate, o.Movies, o.Runs, int(o.Upload)} {
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

// build makes the program as it is released, in the working folder.
func (b *bench) build(ctx context.Context) (path string, err error) {
	path = filepath.Join(b.dir, "reelhook")
	build := command(ctx, "go", "build", "-o", path, "github.com/reelhook/reelhook/cmd/reelhook")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build reelhook: %w\n%s", err, out)
	}
	return path, nil
}

// command is the one place that starts processes: FFmpeg by hand, Reelhook, and
// receivers.
func command(ctx context.Context, name string, args ...string) *exec.Cmd {
	return exec.CommandContext(ctx, name, args...) //nolint:forbidigo // what is measured here are whole processes
}
