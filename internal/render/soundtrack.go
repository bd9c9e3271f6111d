package render

import (
	"context"
	"fmt"

	"github.com/reelhook/reelhook/internal/cache"
)

// soundtrack is the sound of the movie with what names it.
type soundtrack struct {
	key cache.Key
	// fresh has it made although it is kept.
	fresh bool
}

// soundtrack names the sound by what is heard when, and by how it is encoded.
func (j *job) soundtrack() soundtrack {
	names := append([]string{"sound", j.Version, j.Tools.Build, rate(j.timeline.FPS), fmt.Sprint(j.timeline.Frames)}, soundOptions...)
	t := soundtrack{fresh: j.movie.NoCache}
	for _, s := range j.timeline.Sounds {
		heard := s
		heard.Element = nil
		names = append(names, j.sources[s.Element].Name, j.sources[s.Element].Format.Demuxer, fmt.Sprintf("%+v", heard))
		t.fresh = t.fresh || s.Element.NoCache
	}
	t.key = cache.KeyOf(names...)
	return t
}

// soundFile is the file of the sound: kept from before, or mixed.
func (j *job) soundFile(ctx context.Context, t soundtrack) (file string, err error) {
	if !t.fresh {
		if file, ok := j.lease.Get(t.key); ok {
			return file, nil
		}
	}
	if file, err = j.sound(ctx); err != nil {
		return "", err
	}
	return j.lease.Put(t.key, file), nil
}
