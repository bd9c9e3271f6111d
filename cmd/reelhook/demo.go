package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/reelhook/reelhook/internal/account"
	"github.com/reelhook/reelhook/internal/api"
	"github.com/reelhook/reelhook/internal/app"
	"github.com/reelhook/reelhook/internal/movie"
	"github.com/reelhook/reelhook/internal/sample"
	"github.com/reelhook/reelhook/webhook"
)

type demoCmd struct {
	Movie string `arg:"" optional:"" help:"A Movie JSON of your own in place of the sample." placeholder:"MOVIE.json" type:"existingfile"`
	Keep  bool   `help:"Leave the server up afterwards, until Ctrl-C."`
}

// Help is shown below the flags.
func (demoCmd) Help() string {
	return `Starts a server on a free loopback port with a temporary data folder, and a webhook receiver beside it; submits the movie over HTTP, shows its progress, receives the webhook and verifies its signature. The MP4 is left as reelhook-demo.mp4 in the current folder.`
}

// demoFile is where the demo leaves the movie.
const demoFile = "reelhook-demo.mp4"

// Run shows the whole way of a movie.
func (c demoCmd) Run(ctx context.Context) error {
	d, err := startDemo(ctx)
	if err != nil {
		return err
	}
	defer d.stop()
	fmt.Printf("Server     %s\nReceiver   %s\n", d.server.URL(), d.receiver.endpoint())
	source, err := d.source(c.Movie)
	if err != nil {
		return err
	}
	id, err := d.client.Submit(ctx, source)
	if err != nil {
		return err
	}
	fmt.Printf("Project    %s\n\n", id)
	done, err := d.watch(ctx, id)
	if err != nil {
		return err
	}
	hook, err := d.receiver.wait(ctx)
	if err != nil {
		return err
	}
	if err := d.show(ctx, done, hook); err != nil {
		return err
	}
	if c.Keep {
		fmt.Printf("The server stays up at %s; Ctrl-C ends it.\n", d.server.URL())
		<-ctx.Done()
	}
	return nil
}

// demo is a server and a receiver for one movie.
type demo struct {
	server   *app.App
	client   api.Client
	receiver *receiver
	stop     func()
}

func startDemo(ctx context.Context) (*demo, error) {
	data, err := os.MkdirTemp("", "reelhook-demo-")
	if err != nil {
		return nil, err
	}
	secret, key := webhook.NewSecret(), account.NewKey()
	r, err := startReceiver(secret)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(data))
	}
	server, err := app.New(ctx, app.Options{
		Listen: "127.0.0.1:0", Data: data, APIKey: key, WebhookSecrets: []string{secret},
		AllowHTTPEndpoints: true, AllowNetworks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
		Version: buildVersion(), Log: newLog("text", slog.LevelError),
	})
	if err != nil {
		r.server.Close()
		return nil, errors.Join(err, os.RemoveAll(data))
	}
	run, cancel := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan error, 1)
	go func() { ended <- server.Run(run) }()
	return &demo{server, api.Client{BaseURL: server.URL(), Key: key}, r, func() {
		cancel()
		if err := <-ended; err != nil {
			fmt.Fprintln(os.Stderr, "reelhook:", err)
		}
		r.server.Close()
		os.RemoveAll(data)
	}}, nil
}

// source is the movie to submit: the sample, or the user's with the demo's
// receiver as one more destination.
func (d *demo) source(path string) ([]byte, error) {
	if path == "" {
		return sample.Movie(d.receiver.base+"/media/", d.receiver.endpoint()), nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if _, err := movie.Parse(text); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	var doc map[string]json.RawMessage
	if err := json.Unmarshal(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf")), &doc); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	// The user's own exports are left out: a demo must not upload or notify.
	doc["exports"], err = json.Marshal([]any{map[string]any{"destinations": []any{
		map[string]string{"type": "webhook", "endpoint": d.receiver.endpoint()}}}})
	if err != nil {
		return nil, err
	}
	return json.Marshal(doc)
}

// watch polls the movie as a client would, until it has ended.
func (d *demo) watch(ctx context.Context, id string) (api.Movie, error) {
	b := newBar(os.Stdout)
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		m, err := d.client.Movie(ctx, id)
		if err != nil {
			b.end(false)
			return m, err
		}
		b.set(m.Progress)
		if m.Status == "done" || m.Status == "error" {
			b.end(m.Status == "done")
			return m, nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			b.end(false)
			return m, exitCode(130)
		}
	}
}

// show prints what came of it.
func (d *demo) show(ctx context.Context, m api.Movie, hook received) error {
	fmt.Printf("\nWebhook    signature verified, %s %s after the movie ended\n           webhook-id: %s\n           webhook-signature: %s\n\n%s\n\n",
		"received", hook.after(m), hook.header.Get("webhook-id"), hook.header.Get("webhook-signature"), indent(hook.body))
	for _, w := range m.Warnings {
		fmt.Printf("Warning    %s: %s\n", w.Path, w.Message)
	}
	if m.Status != "done" {
		return fmt.Errorf("the movie was not rendered: %s", m.Message)
	}
	path, err := download(ctx, *m.URL)
	if err != nil {
		return err
	}
	fmt.Printf(`Movie      %s  (%dx%d, %s s)

Next:
  play it              ffplay %s
  render your own      reelhook render movie.json -o movie.mp4
  run the server       reelhook serve --data ./reelhook-data
  then                 curl -H "x-api-key: <the key it prints>" -d @movie.json http://localhost:8080/v2/movies
`, path, *m.Width, *m.Height, trim(*m.Duration), demoFile)
	return nil
}

func indent(body []byte) string {
	var b bytes.Buffer
	if json.Indent(&b, body, "  ", "  ") != nil {
		return string(body)
	}
	return "  " + b.String()
}

// download fetches the movie from its public address, as a client would.
func download(ctx context.Context, url string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("fetch the movie: %s", resp.Status)
	}
	path, err := filepath.Abs(demoFile)
	if err != nil {
		return "", err
	}
	f, err := os.Create(path)
	if err != nil {
		return "", err
	}
	_, err = io.Copy(f, resp.Body)
	return path, errors.Join(err, f.Close())
}

// receiver is what a user would run on the other side: it serves the sample's
// media and takes one webhook.
type receiver struct {
	base   string
	server *http.Server
	secret webhook.Secret
	got    chan received
}

// received is a webhook that came in.
type received struct {
	at     time.Time
	header http.Header
	body   []byte
	err    error
}

func startReceiver(secret string) (*receiver, error) {
	parsed, err := webhook.ParseSecret(secret)
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r := &receiver{base: "http://" + l.Addr().String(), secret: parsed, got: make(chan received, 1)}
	mux := http.NewServeMux()
	mux.Handle("GET /media/", http.StripPrefix("/media", sample.Handler()))
	mux.HandleFunc("POST /webhook", r.receive)
	r.server = &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	go r.server.Serve(l) //nolint:errcheck // it ends with Close
	return r, nil
}

func (r *receiver) endpoint() string { return r.base + "/webhook" }

// receive is all that a real receiver has to do: verify, answer 2xx, then work.
func (r *receiver) receive(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(io.LimitReader(req.Body, 1<<20))
	if err == nil {
		err = webhook.Verify(req.Header, body, r.secret)
	}
	if err != nil {
		http.Error(w, "not signed by us", http.StatusUnauthorized)
	}
	select {
	case r.got <- received{time.Now(), req.Header, body, err}:
	default:
	}
}

// wait returns the webhook once it came, and an error when it was not genuine.
func (r *receiver) wait(ctx context.Context) (received, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	select {
	case got := <-r.got:
		if got.err != nil {
			return got, fmt.Errorf("the webhook's signature is wrong: %w", got.err)
		}
		return got, nil
	case <-ctx.Done():
		return received{}, errors.New("no webhook came within 30 s")
	}
}

// after is how long after the end of the movie the webhook came.
func (h received) after(m api.Movie) string {
	if m.EndedAt == nil {
		return ""
	}
	ended, err := time.Parse(time.RFC3339Nano, strings.TrimSpace(*m.EndedAt))
	if err != nil {
		return ""
	}
	return h.at.Sub(ended).Round(time.Millisecond).String()
}
