package render

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/reelhook/reelhook/internal/cache"
	"github.com/reelhook/reelhook/internal/ffmpeg"
	"github.com/reelhook/reelhook/internal/mp4"
	"github.com/reelhook/reelhook/internal/project"
	"github.com/reelhook/reelhook/internal/timeline"
)

// part is a window with what makes it.
type part struct {
	window
	command ffmpeg.Command
	// key names the window's file; fresh has it made although it is kept.
	key   cache.Key
	fresh bool
}

// parts are the windows of the movie with what makes each.
func (j *job) parts() []part {
	var list []part
	for _, w := range j.cut() {
		c, names := j.command(w, false)
		list = append(list, part{w, c, j.key("window", c, names), j.wantsFresh(w)})
	}
	return list
}

// key names what a command makes: by the command, by what its inputs hold in the
// place of where they lie, and by who runs it. Nothing else goes into a window, so
// nothing that matters can be forgotten.
func (j *job) key(kind string, c ffmpeg.Command, names []string) cache.Key {
	c.Inputs = slices.Clone(c.Inputs)
	for i, name := range names {
		c.Inputs[i].Path = name
	}
	c.To = ""
	return cache.KeyOf(append([]string{kind, j.Version, j.Tools.Build}, c.Args(ffmpeg.Limits{})...)...)
}

// wantsFresh tells that something of a window asked not to be taken from the cache
// (section 21 of the contract).
func (j *job) wantsFresh(w window) bool {
	if j.movie.NoCache {
		return true
	}
	clips := j.clips(w)
	for _, i := range []int{w.from, w.to} {
		if i == noScene {
			continue
		}
		if j.timeline.Scenes[i].NoCache {
			return true
		}
		clips = append(clips, j.timeline.Scenes[i].Clips...)
	}
	return slices.ContainsFunc(clips, func(c timeline.Clip) bool { return c.Element.NoCache })
}

// whole names the finished movie by its parts.
func (j *job) whole(parts []part, sound cache.Key) cache.Key {
	names := []string{"movie", j.Version, rate(j.timeline.FPS), sound.String()}
	for _, p := range parts {
		names = append(names, p.key.String(), fmt.Sprint(p.hold()))
	}
	return cache.KeyOf(names...)
}

// kept is what is remembered of a finished movie, which lies under the key beside
// it, as does its thumbnail.
type kept struct {
	Result    project.Result
	Thumbnail bool
}

func resultKey(movie cache.Key) cache.Key    { return cache.KeyOf("result", movie.String()) }
func thumbnailKey(movie cache.Key) cache.Key { return cache.KeyOf("thumbnail", movie.String()) }

// finished finds the whole movie in the cache.
func (j *job) finished(movie cache.Key) (project.Result, bool) {
	data, ok := j.lease.GetBytes(resultKey(movie))
	var k kept
	if !ok || json.Unmarshal(data, &k) != nil {
		return project.Result{}, false
	}
	r := k.Result
	r.File, r.Thumbnail = j.file(), ""
	if !j.lease.Give(movie, r.File) {
		return project.Result{}, false
	}
	if k.Thumbnail && j.lease.Give(thumbnailKey(movie), j.thumbnailFile()) {
		r.Thumbnail = j.thumbnailFile()
	}
	return r, true
}

// keep remembers the finished movie.
func (j *job) keep(movie cache.Key, r project.Result) {
	k := kept{r, r.Thumbnail != "" && j.lease.Share(thumbnailKey(movie), r.Thumbnail)}
	data, err := json.Marshal(k)
	if err == nil && j.lease.Share(movie, r.File) {
		j.lease.PutBytes(resultKey(movie), data)
	}
}

// file is where the finished movie goes.
func (j *job) file() string { return filepath.Join(j.dir, "movie.mp4") }

func (j *job) thumbnailFile() string { return filepath.Join(j.dir, "thumbnail.jpg") }

// joined are the parts as mp4.Join takes them.
func joined(parts []part, files []string) []mp4.Window {
	list := make([]mp4.Window, len(parts))
	for i, p := range parts {
		list[i] = mp4.Window{File: files[i], Hold: p.hold()}
	}
	return list
}

func windowsOf(parts []part) []window {
	list := make([]window, len(parts))
	for i, p := range parts {
		list[i] = p.window
	}
	return list
}
