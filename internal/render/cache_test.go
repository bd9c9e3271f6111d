package render

import (
	"bytes"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/reelhook/reelhook/internal/cache"
	"github.com/reelhook/reelhook/internal/media"
	"github.com/reelhook/reelhook/internal/movie"
	"github.com/reelhook/reelhook/internal/safehttp"
)

// library is a renderer with a cache, over a server of the studio's media.
type library struct {
	*Renderer
	dir, url string
	// sent counts answers that brought a file.
	sent atomic.Int32
}

func newLibrary(t *testing.T) *library {
	t.Helper()
	s, l := studio(), &library{dir: t.TempDir()}
	kept, err := cache.Open(l.dir, 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	files := http.FileServer(http.Dir(studioFolder))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		counted := &counter{ResponseWriter: w}
		files.ServeHTTP(counted, r)
		if counted.status != http.StatusNotModified {
			l.sent.Add(1)
		}
	}))
	t.Cleanup(server.Close)
	l.url = server.URL
	fetcher := media.New(media.Options{Tools: s.Tools, Policy: safehttp.Policy{AllowNetworks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}})
	l.Renderer = New(Options{Tools: s.Tools, Texts: texts(), Fetcher: fetcher, Cache: kept, Version: "test"})
	return l
}

type counter struct {
	http.ResponseWriter
	status int
}

func (c *counter) WriteHeader(status int) {
	c.status = status
	c.ResponseWriter.WriteHeader(status)
}

// show renders and tells the movie, how many files were made on the way, and how
// many were downloaded.
func (l *library) show(t *testing.T, source string) (film []byte, made, sent int) {
	t.Helper()
	m, err := movie.Parse([]byte(strings.ReplaceAll(source, "URL", l.url)))
	if err != nil || len(m.Faults) > 0 {
		t.Fatal(err, m.Faults)
	}
	before, sentBefore := l.entries(t), l.sent.Load()
	result, _, err := l.Render(t.Context(), m, t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if film, err = os.ReadFile(result.File); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(result.Thumbnail); err != nil {
		t.Error("no thumbnail:", err)
	}
	for path, inode := range l.entries(t) {
		if before[path] != inode {
			made++
		}
	}
	return film, made, int(l.sent.Load() - sentBefore)
}

// entries are the cache's files with what tells a file from one that replaced it.
func (l *library) entries(t *testing.T) map[string]uint64 {
	t.Helper()
	list := map[string]uint64{}
	err := filepath.WalkDir(filepath.Join(l.dir, "files"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			list[path] = info.Sys().(*syscall.Stat_t).Ino
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// three is a movie of three scenes with two fades between them and sound all
// along: five windows, one of them still.
func three(scene string) string {
	return `{"width":320,"height":180,"scenes":[
		{"duration":2,"elements":[{"type":"image","src":"URL/red.png","zoom":2}]},
		{"duration":3,"transition":{"duration":0.4},"elements":[{"type":"image","src":"URL/wide.png"},{"type":"text","text":"Two"}]` + scene + `},
		{"duration":2,"transition":{"duration":0.4},"elements":[{"type":"video","src":"URL/ramp.mp4","duration":2}]}],
		"elements":[{"type":"audio","src":"URL/tone.wav","duration":-2}]}`
}

// TestCache holds that nothing is made twice that did not change, that what did
// is, and that "cache": false is heard at its three levels.
func TestCache(t *testing.T) {
	l := newLibrary(t)
	for _, name := range []string{"red.png", "wide.png", "ramp.mp4", "tone.wav"} {
		age(t, name, time.Now().Add(-time.Hour))
	}
	first, _, sent := l.show(t, three(""))
	if sent != 4 {
		t.Errorf("%d downloads at first", sent)
	}
	again, made, sent := l.show(t, three(""))
	if made != 0 || sent != 0 || !bytes.Equal(first, again) {
		t.Errorf("the same movie again: %d files made, %d downloaded, same bytes %v", made, sent, bytes.Equal(first, again))
	}
	const movieFiles = 3 // itself, its thumbnail and what is known of it
	for _, tc := range []struct {
		name, source string
		made, sent   int
		same         bool
	}{
		// Its body and the two fades beside it.
		{"a scene changed", strings.Replace(three(""), `wide.png"`, `wide.png","x":20`, 1), 3 + movieFiles, 0, false},
		{"another text", strings.Replace(three(""), "Two", "2", 1), 2 + 3 + movieFiles, 0, false},
		{"another sound", strings.Replace(three(""), `"duration":-2`, `"duration":-2,"volume":0.5`, 1), 1 + movieFiles, 0, false},
		{"another place of the sound, decoded anew", strings.Replace(three(""), `"duration":-2`, `"duration":-2,"seek":5`, 1), 1 + 1 + movieFiles, 0, false},
		{"not from the cache: a scene", three(`,"cache":false`), 3 + movieFiles, 0, true},
		// The download with its record, the still that is zoomed, the window and the
		// fade that show it.
		{"not from the cache: an element", strings.Replace(three(""), `red.png"`, `red.png","cache":false`, 1), 2 + 1 + 2 + movieFiles, 1, true},
		// Four downloads and their records, five windows, the text with its record, two sounds decoded and
		// their mix, and the still that is zoomed.
		{"not from the cache: a movie", strings.Replace(three(""), `{`, `{"cache":"false",`, 1), 8 + 5 + 2 + 3 + 1 + movieFiles, 4, true},
		{"the first one once more", three(""), 0, 0, true},
	} {
		film, made, sent := l.show(t, tc.source)
		if made != tc.made || sent != tc.sent || bytes.Equal(film, first) != tc.same {
			t.Errorf("%s: %d files made, want %d; %d downloaded, want %d; same bytes %v", tc.name, made, tc.made, sent, tc.sent, bytes.Equal(film, first))
		}
	}
}

// TestCacheOfAnother holds that what another version made is not used.
func TestCacheOfAnother(t *testing.T) {
	l := newLibrary(t)
	const source = `{"width":320,"height":180,"scenes":[{"duration":1,"background-color":"#204060"}]}`
	l.show(t, source)
	l.Renderer.Version = "another"
	if _, made, _ := l.show(t, source); made != 1+1+3 {
		t.Errorf("%d files made, want the window, the sound and the movie", made)
	}
}

// age has a file of the studio's folder last changed at a time.
func age(t *testing.T, name string, at time.Time) {
	t.Helper()
	if err := os.Chtimes(filepath.Join(studioFolder, name), at, at); err != nil {
		t.Fatal(err)
	}
}

// TestChangedSource holds that a medium that changed at its address is seen to
// have changed, and that what forgot its address but not its content is found.
func TestChangedSource(t *testing.T) {
	l := newLibrary(t)
	shoot("changing.png", "-f lavfi -i color=red:s=320x180 -frames:v 1")
	shoot("same.png", "-f lavfi -i color=red:s=320x180 -frames:v 1")
	now, long := time.Now().Add(time.Minute), time.Now().Add(-time.Hour)
	age(t, "changing.png", now) // in the second of its download, or behind it
	age(t, "same.png", long)
	source := func(name string) string {
		return fmt.Sprintf(`{"width":320,"height":180,"scenes":[{"duration":1,"elements":[{"type":"image","src":"URL/%s"}]}]}`, name)
	}
	first, _, _ := l.show(t, source("changing.png"))
	// Its content is kept under another address: the record is new, the file again.
	if film, made, sent := l.show(t, source("same.png")); !bytes.Equal(film, first) || made != 2 || sent != 1 {
		t.Errorf("the same content elsewhere: same bytes %v, %d files made, %d downloaded", bytes.Equal(film, first), made, sent)
	}
	shoot("changing.png", "-f lavfi -i color=blue:s=320x180 -frames:v 1")
	age(t, "changing.png", now)
	if film, _, sent := l.show(t, source("changing.png")); bytes.Equal(film, first) || sent != 1 {
		t.Errorf("changed: same bytes %v, %d downloaded", bytes.Equal(film, first), sent)
	}
}
