package webhook

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/safehttp"
	standard "github.com/reelhook/reelhook/webhook"
)

// maxAnswer is how much of an answer's body is read and kept.
const maxAnswer = 16 << 10

// Attempt sends a delivery once. An answer of 2xx within the timeout succeeds,
// whatever becomes of its body; everything else fails, a redirect included: a
// POST that is sent on would lose its body or its secret.
func (l *Leaf) Attempt(ctx context.Context, d export.Delivery, a export.Attempt) export.Attempt {
	a.Result = export.Refused
	// Checked again because the flags may have changed since it was prepared.
	u, err := l.Policy.CheckURL(d.Target)
	if err != nil {
		return failed(a, "", 0, err)
	}
	timeout := d.Timeout
	if timeout <= 0 {
		timeout = l.Timeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	req, err := l.request(ctx, d)
	if err != nil {
		return failed(a, u.Host, timeout, err)
	}
	resp, err := l.transport.RoundTrip(req)
	if err != nil {
		return failed(a, u.Host, timeout, err)
	}
	defer resp.Body.Close()
	return answered(a, d, resp)
}

// request makes the signed request of one attempt. Body and id stay the same,
// timestamp and signature are of this moment.
func (l *Leaf) request(ctx context.Context, d export.Delivery) (*http.Request, error) {
	secrets := l.Secrets()
	if len(secrets) == 0 {
		return nil, errNoSecret
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, d.Target, bytes.NewReader(d.Body))
	if err != nil {
		return nil, errUnreadable // its own text holds the URL
	}
	now := time.Now()
	req.Header.Set("Content-Type", d.ContentType)
	req.Header.Set("User-Agent", "Reelhook/"+l.Version)
	req.Header.Set(standard.HeaderID, d.MessageID)
	req.Header.Set(standard.HeaderTimestamp, strconv.FormatInt(now.Unix(), 10))
	req.Header.Set(standard.HeaderSignature, standard.Sign(d.MessageID, now, d.Body, secrets...))
	return req, nil
}

// answered closes an attempt by the answer's status.
func answered(a export.Attempt, d export.Delivery, resp *http.Response) export.Attempt {
	a.Status = resp.StatusCode
	// The body behind a 101 is the bare connection, which no timeout ends.
	if a.Status != http.StatusSwitchingProtocols {
		a.Answer, a.Cut = read(resp.Body)
	}
	if a.Status >= 200 && a.Status <= 299 {
		a.Result, a.Class, a.Error = export.Succeeded, "", ""
		return a
	}
	a.Class = "http"
	a.RetryAfter = retryAfter(resp.Header.Get("Retry-After"), time.Now())
	a.Error = strings.TrimSpace(fmt.Sprintf("The endpoint answered %d %s", a.Status, http.StatusText(a.Status)))
	switch {
	case a.Status == http.StatusGone:
		a.Gone = true
		a.Error += ", so nothing more is sent to it"
	case a.Status >= 300 && a.Status <= 399:
		a.Error += redirect(d.Target, resp.Header.Get("Location"))
	}
	return a
}

// read keeps the start of an answer. One that breaks off counts as cut.
func read(body io.Reader) (start []byte, cut bool) {
	start, err := io.ReadAll(io.LimitReader(body, maxAnswer+1))
	if len(start) > maxAnswer {
		return start[:maxAnswer], true
	}
	return start, err != nil
}

// retryAfter reads a Retry-After header, seconds or a date (RFC 9110, section
// 10.2.3), as a wait from now; what cannot be read or is over is 0.
func retryAfter(value string, now time.Time) time.Duration {
	if value != "" && strings.Trim(value, "0123456789") == "" {
		seconds, err := strconv.Atoi(value)
		if longest := int(export.LongestWait / time.Second); err != nil || seconds > longest {
			return export.LongestWait
		}
		return time.Duration(seconds) * time.Second
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	return min(max(0, at.Sub(now)), export.LongestWait)
}

// failed closes an attempt that got no answer.
func failed(a export.Attempt, host string, timeout time.Duration, err error) export.Attempt {
	a.Class, a.Error = explain(host, timeout, err)
	// A name that leads inside from the first is a fault to be mended, or an
	// attack. Later it may be the server that was started with other flags, or an
	// answer of DNS that is wrong for a while.
	a.Gone = safehttp.IsBlocked(err) && a.Number == 1
	return a
}
