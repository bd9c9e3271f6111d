package sample

import (
	"encoding/json"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/reelhook/reelhook/internal/movie"
)

func TestMovieIsFlawless(t *testing.T) {
	m := parse(t, "http://127.0.0.1:9/media/", "http://127.0.0.1:9/hook")
	for _, f := range slices.Concat(m.Faults, m.Warnings) {
		t.Errorf("%s: %s", f.Path, f.Message)
	}
	if m.Width != 1920 || m.Height != 1080 || m.Quality != movie.Medium || m.FPS != (movie.Rate{Num: 25, Den: 1}) {
		t.Errorf("got %d×%d, %s, %v", m.Width, m.Height, m.Quality, m.FPS)
	}
}

func TestEveryMediumIsThere(t *testing.T) {
	server := httptest.NewServer(http.StripPrefix("/media", Handler()))
	defer server.Close()
	m := parse(t, server.URL+"/media", "http://127.0.0.1:9/hook")
	used := map[string]bool{}
	elements := slices.Clone(m.Elements)
	for _, s := range m.Scenes {
		elements = append(elements, s.Elements...)
	}
	for _, e := range elements {
		if e.Type == movie.Text {
			continue
		}
		name, ok := strings.CutPrefix(e.Src, server.URL+"/media/")
		if _, err := fs.Stat(Media(), name); !ok || err != nil {
			t.Errorf("%s: %s is no medium of the sample: %v", e.Path, e.Src, err)
			continue
		}
		res, err := http.Get(e.Src)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != http.StatusOK {
			t.Errorf("%s: %s", e.Src, res.Status)
		}
		used[name] = true
	}
	media, err := fs.ReadDir(Media(), ".")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range media {
		if !used[file.Name()] {
			t.Errorf("%s is in no scene", file.Name())
		}
	}
}

func TestEndpointIsAnyString(t *testing.T) {
	const endpoint = `http://127.0.0.1:9/hook?a=1&b="2"`
	m := parse(t, "http://127.0.0.1:9", endpoint)
	var got string
	if err := json.Unmarshal(m.Exports[0].Destinations[0].Fields["endpoint"], &got); err != nil || got != endpoint {
		t.Errorf("endpoint is %q, %v", got, err)
	}
}

// TestMediaAreSmall because they are in every binary.
func TestMediaAreSmall(t *testing.T) {
	const most = 1_500_000
	var size int64
	err := fs.WalkDir(Media(), ".", func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			size += info.Size()
		}
		return err
	})
	if err != nil || size > most {
		t.Errorf("the media have %d bytes, at most %d are wanted: %v", size, most, err)
	}
}

func parse(t *testing.T, mediaBase, endpoint string) *movie.Movie {
	t.Helper()
	text := Movie(mediaBase, endpoint)
	if strings.Contains(string(text), ".invalid") {
		t.Error("a token was left in the movie")
	}
	m, err := movie.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return m
}
