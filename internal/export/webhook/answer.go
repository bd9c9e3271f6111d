package webhook

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/reelhook/reelhook/internal/export"
)

// maxAnswer is how much of an answer's body is read and kept.
const maxAnswer = 16 << 10

// answered closes an attempt by the answer's status.
func (r try) answered(a export.Attempt, d export.Delivery, resp *http.Response) export.Attempt {
	a.Status = resp.StatusCode
	// The body behind a 101 is the bare connection, which no timeout ends.
	if a.Status != http.StatusSwitchingProtocols && resp.Body != http.NoBody {
		a.Answer, a.Cut = read(resp.Body)
	}
	wait, location := resp.Header.Get("Retry-After"), resp.Header.Get("Location")
	a.Headers = came(resp.Header)
	if a.Status >= 200 && a.Status <= 299 {
		a.Result, a.Class, a.Error = export.Succeeded, "", ""
		return a
	}
	a.Result, a.Class = export.Refused, "http"
	a.RetryAfter = export.RetryAfter(wait, time.Now())
	a.Error = strings.TrimSpace(fmt.Sprintf("The endpoint answered %d %s", a.Status, http.StatusText(a.Status)))
	switch {
	case a.Status == http.StatusGone:
		a.Gone = true
		a.Error += ", so nothing more is sent to it"
	case a.Status >= 300 && a.Status <= 399:
		a.Error += redirect(r.url, location, d.Headers)
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
