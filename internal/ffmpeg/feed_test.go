package ffmpeg

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"testing"
	"time"
)

// grey is an input of pictures of 16x8 that are fed, all of one brightness; endless
// where there is no number of them. The channel gets a value when the feed returns.
func grey(brightness byte, pictures int, ended chan<- struct{}) Input {
	return Input{
		Demuxer: "rawvideo", Raw: []string{"-pix_fmt", "gray", "-video_size", "16x8", "-framerate", "25"},
		Feed: func(w io.Writer) error {
			defer func() { ended <- struct{}{} }()
			for i := 0; pictures == 0 || i < pictures; i++ {
				if _, err := w.Write(bytes.Repeat([]byte{brightness}, 16*8)); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

// overlaid puts the second input on the right half of the first.
func overlaid(out io.Writer, more []string, inputs ...Input) Command {
	return Command{
		Inputs: inputs,
		Graph:  Graph{{In: []string{"0:v", "1:v"}, Filters: []Filter{F("overlay", "x", 8, "format", "yuv444"), F("format", "pix_fmts", "gray")}, Out: []string{"v"}}},
		Output: append([]string{"-map", "[v]"}, append(more, "-f", "rawvideo")...),
		To:     "pipe:1",
		Stdout: out,
	}
}

func TestFeedsAreOverlaid(t *testing.T) {
	tools, ended := find(t), make(chan struct{}, 2)
	var out bytes.Buffer
	if err := tools.Run(t.Context(), "", overlaid(&out, nil, grey(40, 50, ended), grey(200, 50, ended)), DefaultLimits(), nil); err != nil {
		t.Fatal(err)
	}
	line := append(bytes.Repeat([]byte{40}, 8), bytes.Repeat([]byte{200}, 8)...)
	if want := bytes.Repeat(line, 8*50); !bytes.Equal(out.Bytes(), want) {
		t.Errorf("got %d bytes that begin % d, want %d like % d", out.Len(), out.Bytes()[:min(16, out.Len())], len(want), line)
	}
	if len(ended) != 2 {
		t.Errorf("%d feeds returned", len(ended))
	}
}

// TestFeedsEnd holds that a run returns when FFmpeg stops reading, is cancelled, or
// gets no more than an error, and its feeds with it.
func TestFeedsEnd(t *testing.T) {
	tools, gone, broken := find(t), errors.New("no longer wanted"), errors.New("broken picture")
	for _, tc := range []struct {
		name   string
		more   []string
		cancel bool
		breaks bool
		want   error
	}{
		{name: "one frame is enough", more: []string{"-frames:v", "1"}},
		{name: "cancelled", cancel: true, want: gone},
		{name: "a feed fails", breaks: true, want: broken},
	} {
		t.Run(tc.name, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			ended := make(chan struct{}, 2)
			second := grey(200, 0, ended)
			if tc.breaks {
				second = grey(200, 30, ended)
				feed := second.Feed
				second.Feed = func(w io.Writer) error { return errors.Join(feed(w), broken) }
			}
			if tc.cancel {
				time.AfterFunc(200*time.Millisecond, func() { cancel(gone) })
			}
			began := time.Now()
			err := tools.Run(ctx, t.TempDir(), overlaid(io.Discard, tc.more, grey(40, 0, ended), second), DefaultLimits(), nil)
			if !errors.Is(err, tc.want) {
				t.Errorf("got %v, want %v", err, tc.want)
			}
			if len(ended) != 2 {
				t.Errorf("%d of 2 feeds have returned", len(ended))
			}
			if took := time.Since(began); took > 10*time.Second {
				t.Errorf("took %v to end", took)
			}
		})
	}
}

// TestFeedsHaveNames holds that equal commands have equal lines, in which the fed
// inputs are pipes, counted past those that are files.
func TestFeedsHaveNames(t *testing.T) {
	command := func() Command {
		return overlaid(nil, nil, grey(40, 1, nil), Input{Path: "/a.png", Demuxer: "png_pipe"}, grey(200, 1, nil))
	}
	args := command().Args(DefaultLimits())
	if !slices.Equal(args, command().Args(DefaultLimits())) {
		t.Error("equal commands differ")
	}
	var names []string
	for i, a := range args[1:] {
		if args[i] == "-i" {
			names = append(names, a)
		}
	}
	if want := []string{"pipe:3", "/a.png", "pipe:4"}; !slices.Equal(names, want) {
		t.Errorf("inputs are %q, want %q", names, want)
	}
}
