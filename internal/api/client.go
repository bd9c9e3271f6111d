package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
)

// Client calls the API of a server. A refusal is returned as a *Failure.
type Client struct {
	// BaseURL is the server's, such as http://localhost:8080, with or without /v2.
	BaseURL string
	// Key is the API key; it is never printed.
	Key string
	// HTTP makes the requests, http.DefaultClient when nil.
	HTTP *http.Client
}

// String names the server, without the key.
func (c Client) String() string {
	if u, err := url.Parse(c.BaseURL); err == nil {
		return "API at " + u.Redacted()
	}
	return "API"
}

// GoString is String, for %#v.
func (c Client) GoString() string { return c.String() }

// LogValue is String, for slog.
func (c Client) LogValue() slog.Value { return slog.StringValue(c.String()) }

// Submit sends a Movie JSON document and returns the project's id (section 3 of
// the contract).
func (c Client) Submit(ctx context.Context, body []byte) (project string, err error) {
	var reply Accepted
	if err := c.call(ctx, http.MethodPost, "/movies", body, &reply); err != nil {
		return "", fmt.Errorf("submit a movie: %w", err)
	}
	return reply.Project, nil
}

// Validate asks what would become of a Movie JSON document, without rendering it;
// media tells whether its media are fetched for that.
func (c Client) Validate(ctx context.Context, body []byte, media bool) (Validation, error) {
	var reply Validation
	path := "/movies/validate"
	if !media {
		path += "?media=false"
	}
	if err := c.call(ctx, http.MethodPost, path, body, &reply); err != nil {
		return Validation{}, fmt.Errorf("validate a movie: %w", err)
	}
	return reply, nil
}

// Movie asks how a project stands (section 4.1 of the contract). A rendering
// that failed is no error here; its Status says so.
func (c Client) Movie(ctx context.Context, id string) (Movie, error) {
	var reply MovieReply
	if err := c.call(ctx, http.MethodGet, "/movies?format=simple&project="+url.QueryEscape(id), nil, &reply); err != nil {
		return Movie{}, fmt.Errorf("ask for movie %s: %w", id, err)
	}
	return reply.Movie, nil
}

func (c Client) call(ctx context.Context, method, path string, body []byte, reply any) error {
	base := strings.TrimSuffix(strings.TrimRight(c.BaseURL, "/"), "/v2")
	req, err := http.NewRequestWithContext(ctx, method, base+"/v2"+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("X-Api-Key", c.Key)
	if method == http.MethodPost || method == http.MethodPut {
		req.Header.Set("Content-Type", "application/json")
	}
	client := c.HTTP
	if client == nil {
		client = http.DefaultClient
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	return readReply(resp, reply)
}

func readReply(resp *http.Response, reply any) error {
	body, err := io.ReadAll(io.LimitReader(resp.Body, fullReply+1))
	switch {
	case err != nil:
		return err
	case len(body) > fullReply:
		return fmt.Errorf("the reply is longer than %d bytes", fullReply)
	case resp.StatusCode == http.StatusOK:
		if err := json.Unmarshal(body, reply); err != nil {
			return fmt.Errorf("the reply is not the API's, is the address right? %w", err)
		}
		return nil
	}
	f := &Failure{}
	if err := json.Unmarshal(body, f); err != nil || f.Message == "" {
		f.Message = resp.Status // an answer of something in between
	}
	f.Status = resp.StatusCode
	return f
}
