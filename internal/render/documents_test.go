package render

import (
	"bytes"
	"math"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/reelhook/reelhook/internal/media"
	"github.com/reelhook/reelhook/internal/movie"
	"github.com/reelhook/reelhook/internal/safehttp"
	"github.com/reelhook/reelhook/internal/sample"
)

// TestDocuments renders documents of the kinds that people really send (section 28
// of the contract), with media from a server: each is done, has its length and
// warns of nothing but what is named.
func TestDocuments(t *testing.T) {
	renderer, base := cinema(t)
	tests := []struct {
		file     string
		seconds  float64
		warnings []string
	}{
		{"captioning.json", 2, nil},
		{"numbers-as-text.json", 3, nil},
		{"ducking.json", 6, []string{"scenes[0].elements[7].speed"}},
		{"video-behind.json", 3.5, nil},
		{"story-slideshow.json", 1.2, nil},
		{"captions-of-text.json", 2, []string{"scenes[0].elements[0].style", "scenes[0].elements[1]"}},
		{"editor-leftovers.json", 1.2, nil},
		{"listing-template.json", 1.8, nil},
		{"odd-links.json", 1.6, nil},
		{"promo-1080p.json", 1.6, []string{"scenes[1].transition.style"}},
	}
	for _, tc := range tests {
		t.Run(tc.file, func(t *testing.T) {
			t.Parallel()
			source, err := os.ReadFile(filepath.Join("testdata", "documents", tc.file))
			if err != nil {
				t.Fatal(err)
			}
			m, err := movie.Parse(bytes.ReplaceAll(source, []byte("https://media.invalid"), []byte(base)))
			if err != nil {
				t.Fatal(err)
			}
			result, found, err := renderer.Render(t.Context(), m, t.TempDir(), nil)
			if err != nil {
				t.Fatal(err)
			}
			if math.Abs(result.Duration-tc.seconds) > 0.06 {
				t.Errorf("it lasts %.3f s, want %.3f s", result.Duration, tc.seconds)
			}
			var warnings []string
			for _, w := range append(slices.Clone(m.Warnings), found...) {
				warnings = append(warnings, w.Path)
			}
			if diff := cmp.Diff(tc.warnings, warnings); diff != "" {
				t.Errorf("warnings: -want +got\n%s", diff)
			}
		})
	}
	if files, err := filepath.Glob("testdata/documents/*"); err != nil || len(files) != len(tests) {
		t.Errorf("%d files for %d documents, %v", len(files), len(tests), err)
	}
}

// cinema is a renderer that fetches from a server of the studio's media and those
// of the sample, some under addresses that say nothing of what is there.
func cinema(t *testing.T) (r *Renderer, base string) {
	t.Helper()
	s := studio()
	files := http.FileServer(http.Dir(studioFolder))
	serve := http.NewServeMux()
	serve.Handle("/sample/", http.StripPrefix("/sample", sample.Handler()))
	odd := map[string]string{"/uc": "ramp.mp4", "/s/track": "tone.wav", "/with a space.jpg": "grey.jpg"}
	serve.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if file, ok := odd[r.URL.Path]; ok {
			w.Header().Set("Content-Type", "application/octet-stream")
			http.ServeFile(w, r, filepath.Join(studioFolder, file))
			return
		}
		files.ServeHTTP(w, r)
	})
	server := httptest.NewServer(serve)
	t.Cleanup(server.Close)
	loopback := safehttp.Policy{AllowNetworks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}
	return New(Options{Tools: s.Tools, Texts: texts(), Cores: 2, Fetcher: media.New(media.Options{Tools: s.Tools, Policy: loopback})}), server.URL
}
