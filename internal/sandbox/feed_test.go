package sandbox

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"
)

func feedText(s string) Feed {
	return func(w io.Writer) error {
		_, err := io.WriteString(w, s)
		return err
	}
}

// endless writes until nobody reads.
func endless(w io.Writer) error {
	for {
		if _, err := w.Write(make([]byte, 100_000)); err != nil {
			return err
		}
	}
}

// boxes are the two ways a program is run.
func boxes(t *testing.T) map[string]*Sandbox {
	return map[string]*Sandbox{"sandboxed": find(t), "bare": {}}
}

func TestFeeds(t *testing.T) {
	long := strings.Repeat("0123456789", 300_000)
	for name, s := range boxes(t) {
		var out bytes.Buffer
		p := sh("cat <&4; cat <&3 | wc -c")
		p.Stdout, p.Feeds = &out, []Feed{feedText(long), feedText("second ")}
		if err := s.Run(t.Context(), p); err != nil || strings.TrimSpace(out.String()) != "second 3000000" {
			t.Errorf("%s: got %q, %v", name, out.String(), err)
		}
	}
}

// TestFeedsEnd holds that a run returns, with all its feeds, as soon as the program
// has ended, and why it did.
func TestFeedsEnd(t *testing.T) {
	gone, broken := errors.New("no longer wanted"), errors.New("broken picture")
	breaks := func(io.Writer) error { return broken }
	says := func(w io.Writer) error {
		_ = endless(w)
		return broken
	}
	for name, s := range boxes(t) {
		for _, tc := range []struct {
			name, script string
			feeds        []Feed
			want         string
		}{
			{"nothing is read", "exit 0", []Feed{endless, endless}, ""},
			{"reading stops early", "head -c 10 <&3 >&2", []Feed{endless}, ""},
			{"the program fails", "head -c 10 <&3; echo bad >&2; exit 1", []Feed{endless}, "bad"},
			{"a feed fails", "cat <&3", []Feed{endless, breaks}, broken.Error()},
			{"a feed says of itself that nothing is read", "exit 0", []Feed{says}, ""},
			{"a feed says so when the program failed", "echo bad >&2; exit 1", []Feed{says}, "bad"},
			{"cancelled", "sleep 100 & sleep 100", []Feed{endless, endless}, gone.Error()},
		} {
			t.Run(name+" "+tc.name, func(t *testing.T) {
				ctx, cancel := context.WithCancelCause(t.Context())
				defer cancel(nil)
				p, fed := sh(tc.script), make(chan error, len(tc.feeds))
				for _, feed := range tc.feeds {
					p.Feeds = append(p.Feeds, func(w io.Writer) error {
						err := feed(w)
						fed <- err
						return err
					})
				}
				if tc.want == gone.Error() {
					time.AfterFunc(100*time.Millisecond, func() { cancel(gone) })
				}
				began := time.Now()
				err := s.Run(ctx, p)
				if err == nil && tc.want != "" || err != nil && err.Error() != tc.want {
					t.Errorf("got %v, want %q", err, tc.want)
				}
				if len(fed) != len(tc.feeds) {
					t.Errorf("%d of %d feeds have returned", len(fed), len(tc.feeds))
				}
				if took := time.Since(began); took > 10*time.Second {
					t.Errorf("took %v to end", took)
				}
			})
		}
	}
}

// TestNoStartNoFeed holds that what never starts is not fed.
func TestNoStartNoFeed(t *testing.T) {
	p := Process{Program: "/nowhere/at/all", Feeds: []Feed{func(io.Writer) error {
		t.Error("it was fed")
		return nil
	}}}
	if err := (&Sandbox{}).Run(t.Context(), p); err == nil {
		t.Error("it ran")
	}
}
