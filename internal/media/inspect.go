package media

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	_ "image/gif" // the headers of pictures, for whyNoPicture
	_ "image/jpeg"
	_ "image/png"
	"io"
	"math"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	_ "golang.org/x/image/bmp"
	_ "golang.org/x/image/webp"

	"github.com/reelhook/reelhook/internal/ffmpeg"
)

// found is what a file turned out to be.
type found struct {
	stored
	// format is zero for what FFmpeg is not to see; what describes the file then.
	format ffmpeg.Format
	what   string
	media  ffmpeg.Media
	// font is the name of a font's format, fontErr why it cannot be used.
	font    string
	fontErr error
}

// inspect recognises a file by its content and probes it. That it is of the
// wrong kind is no error here: that depends on the want.
func (r *run) inspect(ctx context.Context, s *source, file stored) (found, error) {
	got := found{stored: file}
	head, err := readHead(file.path)
	if err != nil {
		return got, &diskError{err}
	}
	if slices.ContainsFunc(s.wants, func(w Want) bool { return w.Use == Font }) {
		got.font, got.fontErr = readFont(file.path, file.size, head)
	}
	format, ok := ffmpeg.Sniff(head)
	if ok {
		got.what = unsupported(head)
	} else {
		got.what = describe(head)
	}
	if got.what == webPage && s.url != s.written { // a share link that is not public leads to a login
		got.what += "; is it shared with everyone who has the link?"
	}
	if !ok || got.what != "" {
		return got, nil
	}
	got.format = format
	if err := r.probes.take(ctx); err != nil {
		return got, err
	}
	defer r.probes.free()
	var disk *diskError
	if err = r.examine(ctx, s, &got); err != nil && !machineFault(err) && !errors.As(err, &disk) {
		err = &Error{fmt.Sprintf("'%s' cannot be used: %v", s.shown(), err), err}
	}
	return got, err
}

// examine lets FFmpeg look into a medium, and makes it fit to be rendered.
func (r *run) examine(ctx context.Context, s *source, got *found) error {
	if r.recognise(got) {
		return r.bound(got.media)
	}
	before := *got
	var err error
	if got.format.Demuxer == "png_pipe" {
		if err = checkPNG(got.path); err != nil {
			return err
		}
	}
	if remuxed(got.format) {
		if got.stored, got.format, err = r.remux(ctx, s, got.stored, got.format); err != nil {
			return err
		}
	}
	got.media, err = r.probe(ctx, got.path, got.format)
	switch {
	case err == nil:
		r.learned(&before, got)
		return r.bound(got.media)
	case got.format.Kind == ffmpeg.Image && !machineFault(err):
		return r.whyNoPicture(got.path, got.format, err)
	}
	return err
}

func readHead(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	head := make([]byte, ffmpeg.SniffLen)
	n, err := io.ReadFull(f, head)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil
	}
	return head[:n], err
}

// pictureCPU is the processor time of a look at a picture, which decodes it: the
// largest honest ones take 3 s.
const pictureCPU = 20 * time.Second

// probe asks FFmpeg what the file holds, and for how long.
func (r *run) probe(ctx context.Context, path string, f ffmpeg.Format) (ffmpeg.Media, error) {
	if f.Demuxer == "gif" {
		f.Kind = ffmpeg.Video // it may move, so it has a duration
	}
	limits := r.Probe
	if f.Kind == ffmpeg.Image {
		limits.CPU = min(limits.CPU, pictureCPU)
	}
	m, err := r.Tools.Probe(ctx, path, f, limits)
	if err != nil || f.Kind == ffmpeg.Image || m.Video == nil && m.Duration > 0 && !estimated(f) {
		return m, err
	}
	walk, err := r.measure(ctx, path, f)
	if refuses(err) && m.Duration > 0 { // then its own word must do
		return m, nil
	}
	switch {
	case err != nil:
		return m, fmt.Errorf("not a readable %s file: %w", f.Name, err)
	case walk.packets() == 0:
		return m, fmt.Errorf("its %s holds nothing that can be played; it is damaged or was cut off", f.Name)
	}
	correct(&m, f, walk)
	return m, nil
}

// estimated tells formats whose length FFmpeg guesses from their first bytes.
func estimated(f ffmpeg.Format) bool { return f.Demuxer == "aac" || f.Demuxer == "mp3" }

// correct puts what the packets say in place of what the file says of itself.
// Recordings made by browsers say nothing, a GIF of one picture says that it
// lasts a while, and a file that was cut off on its way says what it once was.
func correct(m *ffmpeg.Media, f ffmpeg.Format, walk *length) {
	// The file's own word is finer than its packets, which a little of the last
	// may not count.
	tolerance := 0.5
	if estimated(f) {
		tolerance = 0.05
	}
	if real := walk.seconds(); m.Duration == 0 || math.Abs(m.Duration-real) > tolerance {
		m.Duration = real
	}
	v := walk.of("video")
	if m.Video != nil && v.packets > 0 {
		m.Video.Duration = v.end
	}
	if f.Demuxer == "gif" && v.packets < 2 {
		m.Duration, m.Video.Duration = 0, 0
	}
}

// whyNoPicture finds the reason that FFmpeg does not give: to its prober a
// picture that is too large, like a damaged one, is a file without streams.
func (r *run) whyNoPicture(path string, format ffmpeg.Format, cause error) error {
	f, err := os.Open(path)
	if err != nil {
		return cause
	}
	defer f.Close()
	if c, _, err := image.DecodeConfig(f); err == nil {
		if err := r.bound(ffmpeg.Media{Video: &ffmpeg.VideoStream{Width: c.Width, Height: c.Height}}); err != nil {
			return err
		}
	}
	var run *ffmpeg.RunError
	if errors.As(cause, &run) && run.Message != "" || errors.Is(cause, ffmpeg.ErrTooLong) {
		return cause
	}
	return fmt.Errorf("the %s is damaged", format.Name)
}

// bound refuses what is too much to render.
func (r *run) bound(m ffmpeg.Media) error {
	if v := m.Video; v != nil && int64(v.Width)*int64(v.Height) > r.Probe.MaxPixels {
		return fmt.Errorf("its picture of %d x %d pixels is too large; at most %d million pixels are allowed", v.Width, v.Height, r.Probe.MaxPixels/1_000_000)
	}
	if longest := r.Limits.MaxDuration; m.Duration > longest.Seconds() {
		return fmt.Errorf("it lasts %v; at most %v are allowed", time.Duration(m.Duration)*time.Second, longest)
	}
	return nil
}

// machineFault tells FFmpeg that does not start from FFmpeg that refuses.
func machineFault(err error) bool {
	var run *ffmpeg.RunError
	return errors.As(err, &run) && !refuses(err) && !errors.Is(err, ffmpeg.ErrTooLong) && !errors.Is(err, ffmpeg.ErrStalled)
}

// refuses tells that FFmpeg ran, and gave the file up for the file's own sake.
func refuses(err error) bool {
	var run *ffmpeg.RunError
	var exit *exec.ExitError
	return errors.As(err, &run) && errors.As(err, &exit) && !strings.Contains(run.Message, "No space left on device")
}

// asset judges a source by one use.
func (r *run) asset(s *source, use Use) (Asset, error) {
	if s.err != nil {
		return Asset{}, s.err
	}
	got := s.found
	a := Asset{Path: got.path, Format: got.format, Media: got.media, Size: got.size, SHA256: got.sha256}
	if limit := r.Limits.bytes(use); got.size > limit {
		return Asset{}, &Error{fmt.Sprintf("Failed to download '%s' (%v)", s.shown(), &tooBig{limit: limit}), nil}
	}
	if use == Font {
		if got.fontErr != nil {
			return Asset{}, &Error{fmt.Sprintf("'%s' cannot be used: %v", s.shown(), got.fontErr), got.fontErr}
		}
		a.Format, a.Media = ffmpeg.Format{Name: got.font}, ffmpeg.Media{}
	}
	if !fits(got, a.Still(), use) {
		return Asset{}, &Error{wrongKind(s.shown(), got, use), nil}
	}
	if a.Media.Duration == 0 && (use == Video || use == Audio) {
		return Asset{}, &Error{fmt.Sprintf("'%s' cannot be used: how long it lasts cannot be told", s.shown()), nil}
	}
	return a, nil
}

func fits(f found, still bool, use Use) bool {
	switch use {
	case Image:
		return f.format.Kind == ffmpeg.Image
	case Video:
		return f.media.Video != nil && !still
	case Audio:
		return f.media.Audio != nil
	}
	return f.font != ""
}

// wrongKind begins in the words of the contract, and goes on with what the file
// is instead.
func wrongKind(shown string, f found, use Use) string {
	kind, element := "a "+string(use), "a "+string(use)+" element"
	switch use {
	case Image, Audio:
		kind, element = "an "+string(use), "an "+string(use)+" element"
	case Font:
		element = "a font"
	}
	is := f.what
	switch {
	case is != "":
	case f.format.Name == "":
		is = "no media file that is known here"
	case use == Video && f.media.Video == nil:
		is = "of type " + f.format.Name + ", without a picture"
	case use == Audio:
		is = "of type " + f.format.Name + ", without sound"
	default:
		is = "of type " + f.format.Name
	}
	return fmt.Sprintf("The URL provided is not %s file and cannot be used as a source for %s: '%s' is %s", kind, element, shown, is)
}

const webPage = "a web page"

// describe names what people put in place of media by mistake; "" for all else.
func describe(head []byte) string {
	text := strings.ToLower(string(bytes.TrimSpace(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")))))
	begins := func(with ...string) bool {
		return slices.ContainsFunc(with, func(w string) bool { return strings.HasPrefix(text, w) })
	}
	xml := begins("<?xml", "<!--", "<!doctype svg")
	switch {
	case begins("<!doctype html", "<html", "<head"), xml && strings.Contains(text, "<html"):
		return webPage
	case begins("<svg"), xml && strings.Contains(text, "<svg"):
		return "an SVG drawing, which is not supported; use a PNG"
	case begins("#extm3u", "ffconcat", "<mpd"), xml && strings.Contains(text, "<mpd"):
		return "a playlist, which is not supported; use the file itself"
	case begins("{", "[", "<?xml"):
		return "a text"
	}
	return fontName(head)
}

// unsupported names what has the signature of media but would not be shown right,
// or not at all, by the FFmpeg of today's stable systems.
func unsupported(head []byte) string {
	switch {
	case len(head) > 20 && string(head[8:16]) == "WEBPVP8X" && head[20]&2 != 0:
		return "an animated WebP, which is not supported; use a GIF or an MP4"
	case len(head) > 12 && string(head[4:8]) == "ftyp" && slices.Contains(pictureBrands, string(head[8:12])):
		return "an AVIF or HEIC picture, which is not supported; use a JPEG or a PNG"
	}
	return ""
}

// pictureBrands are pictures in the container of MP4.
var pictureBrands = []string{"avif", "avis", "heic", "heix", "heim", "heis", "hevc", "hevx", "mif1", "msf1"}
