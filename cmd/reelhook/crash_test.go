package main

import (
	"cmp"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/reelhook/reelhook/internal/api"
	"github.com/reelhook/reelhook/internal/draw"
	"github.com/reelhook/reelhook/webhook"
)

var (
	crashMovies = flag.Int("crash.movies", 10, "movies that TestCrash submits; make soak takes 50")
	crashKills  = flag.Int("crash.kills", 4, "how often TestCrash kills the server; make soak takes 25")
	crashSeed   = flag.Uint64("crash.seed", 0, "what TestCrash's chances follow from, by default the time; the first seed of TestCrashSeeds, by default 1")
)

// TestMain lets the test's own binary be the server that is killed.
func TestMain(m *testing.M) {
	draw.RunIfChild()
	if os.Getenv("REELHOOK_TEST_RUN") == "1" {
		if fault := os.Getenv(faultEnv); fault != "" {
			fmt.Fprintln(os.Stderr, serveFaulty(os.Args[1:], fault))
			os.Exit(1)
		}
		main()
	}
	os.Exit(m.Run())
}

const crashKey = "crash-key"

var crashArgs = []string{"--webhook-retries", "100ms,200ms,300ms,500ms,1s,1s,1s,1s", "--webhook-timeout", "2s"}

// process is a real reelhook serve on a data folder, which may be started again
// and again.
type process struct {
	listen, data string
	secret       string
	// args are flags beside those that every test needs.
	args []string
	// fault is the value of faultEnv, "" for the program as it is.
	fault string
	log   io.Writer

	cmd    *exec.Cmd
	in     io.Writer
	exited chan struct{}
}

func (p *process) start() (err error) {
	p.cmd = exec.Command(os.Args[0], append([]string{"serve", "--listen", p.listen, "--data", p.data, "--api-key", crashKey, "--webhook-secret", p.secret,
		"--allow-http-endpoints", "--allow-networks", "127.0.0.0/8", "--render-workers", "2"}, p.args...)...)
	p.cmd.Env = append(os.Environ(), "REELHOOK_TEST_RUN=1", faultEnv+"="+p.fault)
	p.cmd.Stderr = p.log
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return err
	}
	if err := p.cmd.Start(); err != nil {
		return err
	}
	p.exited = make(chan struct{})
	go func() { _ = p.cmd.Wait(); close(p.exited) }()
	return nil
}

func (p *process) mustStart(t *testing.T) {
	t.Helper()
	if err := p.start(); err != nil {
		t.Fatal(err)
	}
}

// kill ends the process as a power cut would.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.exited
}

// ready waits until the server answers.
func (p *process) ready(ctx context.Context) error {
	return retry(ctx, func() error {
		resp, err := http.Get("http://" + p.listen + "/readyz")
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("not ready: %s", resp.Status)
		}
		return nil
	})
}

// retry tries again every 20 ms until it works or ctx ends.
func retry(ctx context.Context, do func() error) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := do()
		if err == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return err
		}
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// ledger is what a receiver saw of each project.
type ledger struct {
	mu sync.Mutex
	// ids are the webhook-ids seen of a project, taken counts those answered 2xx,
	// seen all requests.
	ids         map[string]map[string]bool
	taken, seen map[string]int
	forged      int
}

// receiver takes webhooks, refusing some and stalling on others.
func (l *ledger) receiver(t *testing.T, secret webhook.Secret, chance *rand.Rand) *httptest.Server {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var hook struct{ Project string }
		l.mu.Lock()
		defer l.mu.Unlock()
		if err != nil || webhook.Verify(r.Header, body, secret) != nil || json.Unmarshal(body, &hook) != nil {
			l.forged++
			return
		}
		if l.ids[hook.Project] == nil {
			l.ids[hook.Project] = map[string]bool{}
		}
		l.ids[hook.Project][r.Header.Get("webhook-id")] = true
		l.seen[hook.Project]++
		if chance.IntN(4) == 0 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		l.taken[hook.Project]++
	}))
	t.Cleanup(s.Close)
	return s
}

// TestCrash kills the real process at random moments while movies come in, and
// counts what became of everything that was accepted.
func TestCrash(t *testing.T) {
	seed := cmp.Or(*crashSeed, uint64(time.Now().UnixNano()))
	chance := rand.New(rand.NewPCG(seed, 1))
	text := webhook.NewSecret()
	secret, err := webhook.ParseSecret(text)
	if err != nil {
		t.Fatal(err)
	}
	l := &ledger{ids: map[string]map[string]bool{}, taken: map[string]int{}, seen: map[string]int{}}
	endpoint := l.receiver(t, secret, rand.New(rand.NewPCG(seed, 2))).URL
	p := &process{listen: freePort(t), data: t.TempDir(), secret: text, args: crashArgs, log: t.Output()}
	p.mustStart(t)
	t.Cleanup(func() { p.kill() })
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Minute)
	defer cancel()

	accepted := make(chan []string)
	go func() { accepted <- submitAll(ctx, t, p.listen, endpoint) }()
	kills := 0
	for ; kills < *crashKills; kills++ {
		wait(ctx, time.Duration(100+chance.IntN(1900))*time.Millisecond)
		p.kill()
		p.mustStart(t)
	}
	ids := <-accepted
	if err := p.ready(ctx); err != nil {
		t.Fatal(err)
	}
	ended, done, delivered, doubled, lost := 0, 0, 0, 0, 0
	for _, id := range ids {
		m := settled(ctx, t, p.listen, id)
		if m.Status == "done" || m.Status == "error" {
			ended++
		}
		if m.Status == "done" {
			done++
		}
		l.mu.Lock()
		switch {
		case l.taken[id] == 0:
			lost++
			t.Errorf("project %s (%s): its webhook was never taken: %+v", id, m.Status, m.Exports)
		case l.taken[id] > 1:
			doubled++
			fallthrough
		default:
			delivered++
		}
		if len(l.ids[id]) > 1 {
			t.Errorf("project %s: %d webhook-ids", id, len(l.ids[id]))
		}
		l.mu.Unlock()
	}
	t.Logf("seed %d: %d kills; %d accepted, %d ended (%d of them done), %d delivered, %d of these more than once, %d lost, %d forged",
		seed, kills, len(ids), ended, done, delivered, doubled, lost, l.forged)
	if ended != len(ids) || lost != 0 || l.forged != 0 || len(ids) != *crashMovies {
		t.Error("something was lost")
	}
}

// wait lets time pass: how long the server lives is what is tested.
func wait(ctx context.Context, d time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	<-ctx.Done()
}

// submitAll submits movies through crashes; an idempotency key makes a
// submission whose answer was lost the same one when it is repeated.
func submitAll(ctx context.Context, t *testing.T, addr, endpoint string) []string {
	var ids []string
	for i := range *crashMovies {
		body := fmt.Sprintf(`{"id":"movie-%d","width":160,"height":90,"scenes":[{"duration":1,"background-color":"#224466","elements":[{"type":"text","text":"%d"}]}],
			"exports":[{"destinations":[{"type":"webhook","endpoint":%q}]}]}`, i, i, endpoint)
		client := api.Client{BaseURL: "http://" + addr, Key: crashKey, HTTP: &http.Client{Transport: keyed(fmt.Sprint("crash-", i)), Timeout: 5 * time.Second}}
		err := retry(ctx, func() error {
			id, err := client.Submit(ctx, []byte(body))
			if err == nil {
				ids = append(ids, id)
			}
			return err
		})
		if err != nil {
			t.Errorf("movie %d was not accepted: %v", i, err)
		}
	}
	return ids
}

// keyed sends an idempotency key with every request.
type keyed string

func (k keyed) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Idempotency-Key", string(k))
	return http.DefaultTransport.RoundTrip(r)
}

// settled waits until a movie has ended and its webhook is settled.
func settled(ctx context.Context, t *testing.T, addr, id string) (m api.Movie) {
	t.Helper()
	client := api.Client{BaseURL: "http://" + addr, Key: crashKey}
	err := retry(ctx, func() (err error) {
		if m, err = client.Movie(ctx, id); err != nil {
			return err
		}
		if s := m.Exports[0].Status; s != "done" && s != "failed" {
			return fmt.Errorf("%s is %s, its export %s", id, m.Status, s)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestDrain stops the real process by SIGTERM while it renders and delivers: it
// must end by itself with status 0, and what it put back must be done by the
// next one.
func TestDrain(t *testing.T) {
	arrived := make(chan struct{}, 10)
	endpoint := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		arrived <- struct{}{}
		<-time.After(500 * time.Millisecond) // an answer that takes its time
	}))
	defer endpoint.Close()
	p := &process{listen: freePort(t), data: t.TempDir(), secret: webhook.NewSecret(), args: crashArgs, log: t.Output()}
	p.mustStart(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := p.ready(ctx); err != nil {
		t.Fatal(err)
	}
	client := api.Client{BaseURL: "http://" + p.listen, Key: crashKey}
	var ids []string
	for _, seconds := range []int{1, 40} {
		id, err := client.Submit(ctx, fmt.Appendf(nil, `{"width":640,"height":360,"scenes":[{"duration":%d,"background-color":"#224466","elements":[{"type":"text","text":"long"}]}],
			"exports":[{"destinations":[{"type":"webhook","endpoint":%q}]}]}`, seconds, endpoint.URL))
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	<-arrived // the first movie's webhook is on its way
	began := time.Now()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	<-p.exited
	if code := p.cmd.ProcessState.ExitCode(); code != 0 || time.Since(began) > 30*time.Second {
		t.Errorf("exit status %d after %v", code, time.Since(began))
	}
	p.mustStart(t)
	t.Cleanup(func() { p.kill() })
	if err := p.ready(ctx); err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		if m := settled(ctx, t, p.listen, id); m.Status != "done" || m.Exports[0].Destinations[0].Attempts != 1 {
			t.Errorf("%s: %s %s, %+v", id, m.Status, m.Message, m.Exports)
		}
	}
}
