package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"sync"
	"time"

	"github.com/reelhook/reelhook/internal/account"
	"github.com/reelhook/reelhook/internal/api"
	"github.com/reelhook/reelhook/internal/blob"
	"github.com/reelhook/reelhook/internal/project"
)

const apiKey = "benchmark"

// accept measures how fast movies are taken in durably, beside the same server
// with a store that keeps nothing: what is between them is the price of keeping.
func (b *bench) accept(ctx context.Context) error {
	db, err := b.database(ctx, "accept.db")
	if err != nil {
		return err
	}
	defer db.Close() //nolint:errcheck // the folder is removed next
	keys, _, err := account.Load(ctx, account.Options{Store: db, Fixed: apiKey, Now: time.Now})
	if err != nil {
		return err
	}
	files, err := blob.NewDir(filepath.Join(b.dir, "files"))
	if err != nil {
		return err
	}
	defer files.Close() //nolint:errcheck // it is only read, and nothing reads it
	body := submission("http://127.0.0.1/hook")
	t := table{title: fmt.Sprintf("accept: %d clients posting %d bytes for %v", b.Clients, len(body), b.For)}
	t.add("store", "accepts/s", "p50", "p99", "CPU ms each", "peak RSS", "CPU of strangers")
	var rates []float64
	for _, s := range []struct {
		name  string
		store project.Store
	}{{"SQLite, synchronous", db}, {"keeps nothing", nothing{}}} {
		// As internal/app makes it. Nothing renders, so accepting alone is measured.
		handler := api.New(api.Options{Projects: s.store, Keys: keys, Files: files, FileURL: fileURL, Log: b.log})
		times, used, err := b.post(ctx, handler, body)
		if err != nil {
			return err
		}
		n := len(times)
		rates = append(rates, float64(n)/used.wall.Seconds())
		t.add(s.name, perSecond(n, used.wall), ms(quantile(times, 0.5)), ms(quantile(times, 0.99)),
			ratio(used.cpu.Seconds()*1e3, float64(n)), mib(used.peak), percent(used.strangers))
	}
	t.add("ratio", ratio(rates[0], rates[1]))
	t.print(b.out)
	return nil
}

// nothing accepts projects and forgets them.
type nothing struct{ project.Store }

func (nothing) Create(_ context.Context, p project.Project, _ []project.Destination, _ *project.Idempotency) (project.Project, bool, error) {
	return p, true, nil
}

// post serves the handler and has the clients post to it. It returns how long
// each accepted movie took.
func (b *bench) post(ctx context.Context, handler http.Handler, body []byte) ([]time.Duration, spent, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, spent{}, err
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = server.Serve(listener) }() // ends with Close
	defer server.Close()
	transport := &http.Transport{MaxIdleConnsPerHost: b.Clients}
	defer transport.CloseIdleConnections()

	url := "http://" + listener.Addr().String() + "/v2/movies"
	times, errs := make([][]time.Duration, b.Clients), make([]error, b.Clients)
	m := start()
	var clients sync.WaitGroup
	for i := range b.Clients {
		clients.Go(func() {
			for time.Since(m.began) < b.For && errs[i] == nil {
				began := time.Now()
				errs[i] = submit(ctx, transport, url, body)
				times[i] = append(times[i], time.Since(began))
			}
		})
	}
	clients.Wait()
	used := m.stop(0)
	var all []time.Duration
	for i, err := range errs {
		if err != nil {
			return nil, spent{}, err
		}
		all = append(all, times[i]...)
	}
	return all, used, nil
}

func fileURL(key string) string { return "https://video.example.org/files/" + key }

func submit(ctx context.Context, transport *http.Transport, url string, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("X-Api-Key", apiKey)
	req.Header.Set("Content-Type", "application/json")
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	reply, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("the server answered %s: %s", resp.Status, reply)
	}
	return err
}

// submission is a movie with one webhook. What its client-data holds makes the
// webhook's body about 510 bytes, as in the comparison with other servers.
func submission(endpoint string) []byte {
	text, err := json.Marshal(map[string]any{
		"id": "bench", "resolution": "hd", "quality": "medium",
		"client-data": map[string]string{
			"order": "2026-000123", "customer": "a customer of ours", "template": "welcome to the team, second edition", "locale": "en-GB", "campaign": "spring",
			"note": "made by the benchmark of Reelhook, with as much data of the client as movies are sent with here"},
		"scenes": []any{map[string]any{"background-color": "#2a4d8f", "elements": []any{map[string]any{
			"type": "text", "text": "Hello from the benchmark", "duration": 5,
			"settings": map[string]string{"font-family": "Inter", "font-size": "72px", "color": "#ffffff"}}}}},
		"exports": []any{map[string]any{"destinations": []any{map[string]any{"type": "webhook", "endpoint": endpoint}}}},
	})
	if err != nil {
		panic(err) // strings and numbers always encode
	}
	return text
}
