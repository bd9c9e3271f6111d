package render

import (
	"cmp"
	"io"
	"math"
	"os"
	"slices"

	"github.com/reelhook/reelhook/internal/timeline"
)

// take is a stretch of a source that is decoded once, for every sound that hears
// a part of it.
type take struct {
	// path is the source, sound the first that hears it.
	path  string
	sound timeline.Sound
	// seek is where it begins in the source, to where it ends, in seconds.
	seek, to float64
	// fresh has it decoded although it is kept.
	fresh bool
	// pcm is where it is decoded to.
	pcm *scratch
}

const (
	// preroll is how much earlier a source is decoded than it is heard, in seconds:
	// sound codecs need what came before to find their pace again.
	preroll = 0.5
	// takeGap is how much of a source nobody hears may lie between two parts of one
	// take, in seconds: to decode that costs less than to start once more.
	takeGap = 5
)

// stretch is what a sound hears of its source in one play, and a little before.
func (j *job) stretch(s timeline.Sound) take {
	m := j.sources[s.Element]
	heard := seconds(s.Out-s.In, j.timeline.FPS) + seconds(1, j.timeline.FPS) + float64(cutFade)/sampleRate
	return take{
		path: m.Path, sound: s, fresh: s.Element.NoCache,
		// A whole second is a whole sample at every rate.
		seek: max(0, math.Floor(s.Seek-preroll)),
		to:   min(m.Media.Duration, s.Seek+heard),
	}
}

// takes are what has to be decoded, and which of them each sound hears. Stretches
// of one source that overlap or nearly touch are one take: music that is cut into
// many elements, to be turned down under a voice, is decoded once.
func (j *job) takes() (takes []*take, heard []*take) {
	stretches := make([]take, len(j.timeline.Sounds))
	order := make([]int, len(stretches))
	for i, s := range j.timeline.Sounds {
		stretches[i], order[i] = j.stretch(s), i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		x, y := stretches[a], stretches[b]
		return cmp.Or(cmp.Compare(x.path, y.path), cmp.Compare(x.seek, y.seek))
	})
	heard = make([]*take, len(stretches))
	var last *take
	for _, i := range order {
		s := &stretches[i]
		if last == nil || last.path != s.path || s.seek > last.to+takeGap {
			last = s
			takes = append(takes, last)
		}
		last.to, last.fresh = max(last.to, s.to), last.fresh || s.fresh
		heard[i] = last
	}
	return takes, heard
}

// maxScratches is how many decoded sounds are open at a time.
const maxScratches = 64

// scratches opens files as they are read, and few at a time: a movie may have more
// sounds than a process may have files. It is for one goroutine.
type scratches struct {
	open []*scratch // the one opened first comes first
}

// scratch is one decoded sound.
type scratch struct {
	path string
	file *os.File // nil while it is not open
	all  *scratches
}

// ReadAt reads as a file does.
func (s *scratch) ReadAt(p []byte, at int64) (int, error) {
	if s.file == nil {
		if err := s.all.admit(s); err != nil {
			return 0, err
		}
	}
	return s.file.ReadAt(p, at)
}

var _ io.ReaderAt = (*scratch)(nil)

// admit opens a file, in place of another when there are too many.
func (l *scratches) admit(s *scratch) (err error) {
	if len(l.open) == maxScratches {
		l.open[0].close()
		l.open = slices.Delete(l.open, 0, 1)
	}
	if s.file, err = os.Open(s.path); err == nil {
		l.open = append(l.open, s)
	}
	return err
}

// close closes all files; they open again when they are read.
func (l *scratches) close() {
	for _, s := range l.open {
		s.close()
	}
	l.open = nil
}

func (s *scratch) close() {
	s.file.Close()
	s.file = nil
}

// samples is how many samples were decoded.
func (s *scratch) samples() (int64, error) {
	info, err := os.Stat(s.path)
	if err != nil {
		return 0, err
	}
	return info.Size() / bytesPerPCM, nil
}
