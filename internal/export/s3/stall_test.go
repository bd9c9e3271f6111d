package s3

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/reelhook/reelhook/internal/export"
)

// slow is a store, without a network, that takes its time.
type slow struct {
	piece  time.Duration // for every MiB of a body
	answer time.Duration // before it answers to the last request that makes an object
}

func (s slow) RoundTrip(r *http.Request) (*http.Response, error) {
	pass := func(d time.Duration) error {
		select {
		case <-time.After(d):
			return nil
		case <-r.Context().Done():
			return r.Context().Err()
		}
	}
	if r.Body != nil {
		defer r.Body.Close()
		for {
			if _, err := io.CopyN(io.Discard, r.Body, 1<<20); errors.Is(err, io.EOF) {
				break
			}
			if err := pass(s.piece); err != nil {
				return nil, err
			}
		}
	}
	resp := &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Etag": {`"e"`}}, Request: r, Body: http.NoBody}
	say := func(text string) { resp.Body = io.NopCloser(strings.NewReader(text)) }
	query := r.URL.Query()
	switch {
	case r.Method == http.MethodGet:
		say("<ListBucketResult></ListBucketResult>")
	case r.Method == http.MethodHead:
		resp.Header.Set("Content-Length", fmt.Sprint(least+1))
		resp.Header.Set("Last-Modified", time.Now().UTC().Format(http.TimeFormat))
	case r.Method == http.MethodPost && query.Has("uploads"):
		say("<InitiateMultipartUploadResult><UploadId>u1</UploadId></InitiateMultipartUploadResult>")
	case r.Method == http.MethodPost:
		say("<CompleteMultipartUploadResult><Bucket>movies</Bucket></CompleteMultipartUploadResult>")
		return resp, pass(s.answer)
	}
	return resp, nil
}

// TestStall: as long as something moves it is waited for, and no longer.
func TestStall(t *testing.T) {
	for _, tc := range []struct {
		name string
		slow slow
		ok   bool
	}{
		{"slow", slow{piece: export.Stall - time.Second}, true},
		{"too slow", slow{piece: export.Stall + time.Second}, false},
		{"putting one part together takes a while", slow{answer: export.Stall + 900*time.Millisecond}, true},
		{"but no longer", slow{answer: export.Stall + 2*time.Second}, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			c := New(Options{Policy: loopback()})
			c.transport = tc.slow
			p, _ := parcel(t, settings(t, minimal), least+1)
			began := time.Now()
			_, err := c.Carry(t.Context(), p)
			f, took := asFault(t, err), time.Since(began)
			if tc.ok && err != nil || !tc.ok && (f.Class != "timeout" || f.Permanent || took > export.Stall+time.Second+abortTime) {
				t.Errorf("%s: %+v after %v", tc.name, f, took)
			}
		})
	}
}
