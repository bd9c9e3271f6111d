package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// receiver is the other side: it reads the body, notes the time and answers 200.
type receiver struct {
	server *http.Server
	// urls are its endpoints, each a port of its own.
	urls []string

	mu sync.Mutex
	// at is when each project's webhook came first.
	at   map[string]time.Time
	want int
	full chan struct{}
	once *sync.Once
	err  error
	// header and body are one webhook of ours, for the plain client to send.
	header http.Header
	body   []byte
}

func newReceiver(endpoints int) (*receiver, error) {
	r := &receiver{}
	r.expect(0)
	r.server = &http.Server{Handler: r, ReadHeaderTimeout: 10 * time.Second}
	for range endpoints {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, errors.Join(err, r.server.Close())
		}
		r.urls = append(r.urls, "http://"+listener.Addr().String()+"/hook")
		go func() { _ = r.server.Serve(listener) }() // ends with close
	}
	return r, nil
}

func (r *receiver) close() { r.server.Close() }

// expect forgets what came and sets how many projects wait waits for.
func (r *receiver) expect(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.at, r.want, r.full, r.once, r.err = make(map[string]time.Time, n), n, make(chan struct{}), new(sync.Once), nil
}

// wait returns when the expected webhooks have come.
func (r *receiver) wait(ctx context.Context) error {
	r.mu.Lock()
	full := r.full
	r.mu.Unlock()
	select {
	case <-full:
	case <-ctx.Done():
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err == nil && len(r.at) < r.want {
		return fmt.Errorf("%d of %d webhooks received: %w", len(r.at), r.want, ctx.Err())
	}
	return r.err
}

// ServeHTTP takes one webhook.
func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	now := time.Now()
	if err == nil {
		_, err = w.Write([]byte("ok"))
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.header == nil {
		r.header, r.body = req.Header.Clone(), body
	}
	if err == nil {
		err = r.note(body, now)
	}
	if r.err == nil {
		r.err = err
	}
	// Also after an error: nobody is to wait for ever.
	if len(r.at) >= r.want || r.err != nil {
		r.once.Do(func() { close(r.full) })
	}
}

// note is called with mu held.
func (r *receiver) note(body []byte, now time.Time) error {
	id, ok := projectOf(body)
	if !ok {
		return fmt.Errorf("the body names no project: %.200s", body)
	}
	if _, again := r.at[id]; again {
		return fmt.Errorf("project %s came twice", id)
	}
	r.at[id] = now
	return nil
}

// projectOf finds the project a body is about. A JSON reader would cost more
// than all else the receiver does.
func projectOf(body []byte) (id string, ok bool) {
	const before = `"project":"`
	at := bytes.Index(body, []byte(before))
	if at < 0 {
		return "", false
	}
	value, _, ok := bytes.Cut(body[at+len(before):], []byte{'"'})
	return string(value), ok
}

// plain is a Go client that sends what Reelhook sends and remembers nothing.
type plain struct {
	transport *http.Transport
	urls      []string
	header    http.Header
	body      []byte
	// id is the project that body is about.
	id []byte
}

// plain makes the client; a webhook of ours must have come before.
func (r *receiver) plain() (*plain, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	id, ok := projectOf(r.body)
	if !ok {
		return nil, errors.New("no webhook came to be copied")
	}
	return &plain{&http.Transport{MaxIdleConnsPerHost: plainClients, DisableCompression: true}, r.urls, r.header, r.body, []byte(id)}, nil
}

func (p *plain) send(ctx context.Context, n int) error {
	id := projectID(n)
	body := bytes.ReplaceAll(p.body, p.id, []byte(id))
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.urls[n%len(p.urls)], bytes.NewReader(body))
	if err != nil {
		return err
	}
	for name, values := range p.header {
		req.Header[name] = values
	}
	resp, err := p.transport.RoundTrip(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = errors.New("the receiver answered " + resp.Status)
	}
	return err
}

// postAll measures the plain client with the same number of webhooks.
func (b *bench) postAll(ctx context.Context, r *receiver) (spent, error) {
	p, err := r.plain()
	if err != nil {
		return spent{}, err
	}
	defer p.transport.CloseIdleConnections()
	r.expect(b.Deliveries)
	m := start()
	if err := parallel(b.Deliveries, plainClients, func(i int) error { return p.send(ctx, i) }); err != nil {
		return spent{}, err
	}
	if err := r.wait(ctx); err != nil {
		return spent{}, err
	}
	return m.stop(0), nil
}
