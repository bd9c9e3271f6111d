package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
)

// plain is a Go client that sends what Reelhook sends and remembers nothing.
type plain struct {
	transport *http.Transport
	urls      []string
	Sample
	// id is the project that the sample is about.
	id []byte
}

// plain makes the client; a webhook of ours must have come before.
func (r *remote) plain(ctx context.Context) (*plain, error) {
	s, err := r.sample(ctx)
	if err != nil {
		return nil, err
	}
	id, ok := projectOf(s.Body)
	if !ok {
		return nil, errors.New("the webhook to be copied names no project")
	}
	return &plain{&http.Transport{MaxIdleConnsPerHost: plainClients, DisableCompression: true}, r.urls, s, []byte(id)}, nil
}

func (p *plain) send(ctx context.Context, n int) error {
	body := bytes.ReplaceAll(p.Body, p.id, []byte(projectID(n)))
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.urls[n%len(p.urls)], bytes.NewReader(body))
	if err != nil {
		return err
	}
	for name, values := range p.Header {
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
func (b *bench) postAll(ctx context.Context, r *remote) (used pairSpent, err error) {
	p, err := r.plain(ctx)
	if err != nil {
		return used, err
	}
	defer p.transport.CloseIdleConnections()
	if err := r.expect(ctx, b.Deliveries); err != nil {
		return used, err
	}
	m, err := r.start(ctx)
	if err != nil {
		return used, err
	}
	if err := parallel(b.Deliveries, plainClients, func(i int) error { return p.send(ctx, i) }); err != nil {
		return used, err
	}
	if err := r.wait(ctx); err != nil {
		return used, err
	}
	return r.stop(ctx, m)
}
