package receivers_test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"
	"testing"
	"time"
)

// receiver is one that people copy. All print url and project of a movie.
type receiver struct {
	name string
	argv func(t *testing.T) []string
}

// php has no PORT: its web server takes an address, and port 0 as any that is free.
func php(file string) receiver {
	return receiver{"php", func(t *testing.T) []string {
		return []string{program(t, "php"), "-S", "127.0.0.1:0", file}
	}}
}

func node(file string) receiver {
	return receiver{"node", func(t *testing.T) []string {
		if _, err := os.Stat("node/node_modules/express"); err != nil {
			t.Fatalf("%v: run scripts/deps test", err)
		}
		return []string{program(t, "node"), file}
	}}
}

func python(file string) receiver {
	return receiver{"python", func(t *testing.T) []string { return []string{program(t, "python3"), file} }}
}

// golang builds: what go run starts would outlive it.
func golang(folder string) receiver {
	return receiver{"go", func(t *testing.T) []string {
		binary := filepath.Join(t.TempDir(), "receiver")
		build := exec.CommandContext(t.Context(), program(t, "go"), "build", "-o", binary, folder)
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return []string{binary}
	}}
}

// program finds an interpreter.
func program(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("%v: run scripts/deps test", err)
	}
	return path
}

// process is a receiver that runs.
type process struct {
	*exec.Cmd
	url    string
	output *output
	ended  chan struct{}
}

var listening = regexp.MustCompile(`http://127\.0\.0\.1:\d+`)

// start runs a receiver, with an environment of its own, until the test ends.
// Its url is "" when it ended by itself.
func start(t *testing.T, argv []string, env ...string) *process {
	t.Helper()
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "PORT=0"}, env...)
	p := &process{cmd, "", &output{grown: make(chan struct{}, 1)}, make(chan struct{})}
	cmd.Stdout, cmd.Stderr = p.output, p.output
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.ended)
		_ = cmd.Wait() // it is killed
	}()
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("%s", p.output)
		}
	})
	p.url = p.await(t, listening)
	return p
}

func (p *process) kill() {
	_ = p.Process.Kill() // SIGKILL; it may have ended
	<-p.ended
}

// await returns what the pattern finds in the output, as soon as it does, or ""
// when the process ended before.
func (p *process) await(t *testing.T, pattern *regexp.Regexp) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		if found := pattern.FindString(p.output.String()); found != "" {
			return found
		}
		select {
		case <-p.output.grown:
		case <-p.ended:
			return pattern.FindString(p.output.String())
		case <-ctx.Done():
			t.Fatalf("no %s in %q", pattern, p.output)
		}
	}
}

// output collects what a process prints.
type output struct {
	mu    sync.Mutex
	text  bytes.Buffer
	grown chan struct{}
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	select {
	case o.grown <- struct{}{}:
	default:
	}
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}
