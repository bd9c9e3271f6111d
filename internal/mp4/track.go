package mp4

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/Eyevinn/mp4ff/mp4"
)

// track is the samples of one stream, gathered from one or more files.
type track struct {
	// head is the track's own boxes from the first file: header, sample
	// description and, for sound, its edit list.
	head *mp4.TrakBox
	// files are opened when they are copied from: a long movie has more windows
	// than a process may have files.
	files []string
	// samples in decoding order.
	samples []sample
	// timescale is ticks a second, delta the ticks of one sample, delay the
	// ticks by which showing trails decoding.
	timescale, delta, delay uint32
}

// sample is one coded picture or one packet of sound.
type sample struct {
	file   int
	offset int64
	size   uint32
	// shown is when it is shown, in samples after it is decoded, before delay;
	// negative when it is shown earlier than its place in decoding order.
	shown int32
	sync  bool
	// data is the sample itself where it is in no file.
	data []byte
}

// bytes is the size of all samples.
func (t *track) bytes() uint64 {
	var n uint64
	for _, s := range t.samples {
		n += uint64(s.size)
	}
	return n
}

// copy writes the samples from first up to, not including, last, reading runs
// that lie together in one piece.
func (t *track) copy(w io.Writer, first, last int) (err error) {
	var f *os.File
	for i := first; i < last; {
		if data := t.samples[i].data; data != nil {
			if _, err := w.Write(data); err != nil {
				return err
			}
			i++
			continue
		}
		if f == nil || f.Name() != t.files[t.samples[i].file] {
			if f, err = os.Open(t.files[t.samples[i].file]); err != nil {
				return err
			}
			defer f.Close()
		}
		run := t.samples[i]
		end := run.offset
		for i < last && t.samples[i].data == nil && t.samples[i].file == run.file && t.samples[i].offset == end {
			end += int64(t.samples[i].size)
			i++
		}
		if _, err := io.Copy(w, io.NewSectionReader(f, run.offset, end-run.offset)); err != nil {
			return err
		}
	}
	return nil
}

// readTrack reads the only track of one file.
func readTrack(path string) (*track, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	t := &track{files: []string{path}}
	if err := t.read(f); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return t, nil
}

func (t *track) read(f *os.File) error {
	file, err := mp4.DecodeFile(f, mp4.WithDecodeMode(mp4.DecModeLazyMdat))
	if err != nil {
		return err
	}
	if file.Moov == nil || len(file.Moov.Traks) != 1 {
		return errors.New("want exactly one track")
	}
	t.head = file.Moov.Traks[0]
	t.timescale = t.head.Mdia.Mdhd.Timescale
	stbl := t.head.Mdia.Minf.Stbl
	if stbl.Stts == nil || len(stbl.Stts.SampleTimeDelta) == 0 {
		return errors.New("no samples")
	}
	t.delta = stbl.Stts.SampleTimeDelta[0]
	n := stbl.Stsz.GetNrSamples()
	t.samples = make([]sample, n)
	for i := range n {
		t.samples[i].size = stbl.Stsz.GetSampleSize(int(i + 1))
		t.samples[i].sync = stbl.Stss == nil || stbl.Stss.IsSyncSample(i+1)
		if stbl.Ctts != nil {
			t.samples[i].shown = stbl.Ctts.GetCompositionTimeOffset(i+1) / int32(t.delta)
		}
	}
	return t.locate(stbl)
}

// locate fills in where each sample lies in the file.
func (t *track) locate(stbl *mp4.StblBox) error {
	chunks, err := stbl.Stsc.GetContainingChunks(1, uint32(len(t.samples)))
	if err != nil {
		return err
	}
	for _, c := range chunks {
		var at uint64
		if stbl.Stco != nil {
			at, err = stbl.Stco.GetOffset(int(c.ChunkNr))
		} else {
			at, err = stbl.Co64.GetOffset(int(c.ChunkNr))
		}
		if err != nil {
			return err
		}
		for i := c.StartSampleNr; i < c.StartSampleNr+c.NrSamples; i++ {
			t.samples[i-1].offset = int64(at)
			at += uint64(t.samples[i-1].size)
		}
	}
	return nil
}

// readWindows gathers the windows into one track at exactly rate.
func readWindows(windows []Window, rate Rate) (*track, error) {
	all := &track{}
	held := false
	for i, window := range windows {
		w, err := readWindow(window, rate)
		if err != nil {
			return all, fmt.Errorf("read window %d: %w", i, err)
		}
		held = held || window.Hold > 0
		all.files = append(all.files, w.files...)
		if all.head == nil {
			all.head = w.head
		} else if !sameEncoder(all.head, w.head) {
			return all, fmt.Errorf("window %d was made with other encoder settings", i)
		}
		early := w.earliest()
		for _, s := range w.samples {
			s.file, s.shown = i, s.shown-early
			all.samples = append(all.samples, s)
		}
	}
	if all.head == nil {
		return all, errors.New("no windows")
	}
	if held {
		if err := all.allowSkips(); err != nil {
			return all, err
		}
	}
	all.retime(rate)
	return all, nil
}

func readWindow(window Window, rate Rate) (*track, error) {
	w, err := readTrack(window.File)
	if err != nil {
		return nil, err
	}
	if !w.samples[0].sync {
		return nil, errors.New("it does not begin with a key frame")
	}
	if window.Hold > 0 {
		return w, w.hold(window.Hold, rate)
	}
	return w, nil
}

// earliest is when the first picture of a window is shown, counted in samples
// from its first decoding time. Taking it off makes every window start at its
// own first frame, however far its encoder reordered.
func (t *track) earliest() int32 {
	early := t.samples[0].shown
	for i, s := range t.samples {
		early = min(early, s.shown+int32(i))
	}
	return early
}

// retime sets the constant frame timing, and the smallest delay with which no
// picture is shown before it is decoded.
func (t *track) retime(rate Rate) {
	ticks := max(1, 12800/rate.Num)
	t.timescale = uint32(rate.Num * ticks)
	t.delta = uint32(rate.Den * ticks)
	var delay int32
	for _, s := range t.samples {
		delay = max(delay, -s.shown)
	}
	t.delay = uint32(delay) * t.delta
}

// sameEncoder compares sample descriptions byte for byte: joining by copy is
// right only when one decoder configuration serves all windows.
func sameEncoder(a, b *mp4.TrakBox) bool {
	var x, y bytes.Buffer
	if a.Mdia.Minf.Stbl.Stsd.AvcX == nil || b.Mdia.Minf.Stbl.Stsd.AvcX == nil {
		return false
	}
	// avcC only: a btrt box beside it carries a bit rate of its own per window.
	if a.Mdia.Minf.Stbl.Stsd.AvcX.AvcC.Encode(&x) != nil || b.Mdia.Minf.Stbl.Stsd.AvcX.AvcC.Encode(&y) != nil {
		return false
	}
	return bytes.Equal(x.Bytes(), y.Bytes())
}
