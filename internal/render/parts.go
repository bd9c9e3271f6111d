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
	picture *picture
	// key names the window's file; fresh has it made although it is kept.
	key   cache.Key
	fresh bool
}

// parts are the windows of the movie with what makes each. A still that many of
// them show is fitted once for all; their keys are as if each did it itself, so
// that they do not depend on one another.
func (j *job) parts() []part {
	var list []part
	for _, w := range j.cut() {
		p := j.picture(w, nil, false)
		list = append(list, part{w, p, j.key("window", made(j.command(p), p.names)), j.wantsFresh(w)})
	}
	if ready := worthwhile(list); len(ready) > 0 {
		for i, p := range list {
			if slices.ContainsFunc(p.picture.stills, func(f fitted) bool { return ready[f.name] }) {
				list[i].picture = j.picture(p.window, ready, false)
			}
		}
	}
	return list
}

// made names what a command makes: by the command, and by what its inputs hold in
// the place of where they lie. Nothing else goes into it, so nothing that matters
// can be forgotten.
func made(c ffmpeg.Command, names []string) string {
	c.Inputs = slices.Clone(c.Inputs)
	for i, name := range names {
		c.Inputs[i].Path, c.Inputs[i].Feed = name, nil
	}
	c.To = ""
	return cache.KeyOf(c.Args(ffmpeg.Limits{})...).String()
}

// key is where the cache has what a command makes, in the hands of who runs it.
func (j *job) key(kind, made string) cache.Key {
	return cache.KeyOf(kind, j.Version, j.Tools.Build, made)
}

// wantsFresh tells that something of a window asked not to be taken from the cache
// (section 21 of the contract).
func (j *job) wantsFresh(w window) bool {
	if j.movie.NoCache {
		return true
	}
	for _, i := range []int{w.from, w.to} {
		if i != noScene && j.timeline.Scenes[i].NoCache {
			return true
		}
	}
	return slices.ContainsFunc(j.shown(w), func(c timeline.Clip) bool { return c.Element.NoCache })
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
