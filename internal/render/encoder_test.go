package render

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/reelhook/reelhook/internal/ffmpeg"
	"github.com/reelhook/reelhook/internal/golden"
	"github.com/reelhook/reelhook/internal/movie"
)

// TestEncoders reads testdata/encoders.txt: cases of an encoder, a quality and a
// frame rate, and the command line of a window that is encoded with it.
func TestEncoders(t *testing.T) {
	golden.Run(t, "testdata/encoders.txt", func(t *testing.T, input string) string {
		var name, quality string
		var fps int
		if _, err := fmt.Sscan(input, &name, &quality, &fps); err != nil {
			t.Fatal(err)
		}
		j := planned(t, fmt.Sprintf(`{"width":64,"height":64,"quality":%q,"fps":%d,"scenes":[{"duration":2}]}`, quality, fps))
		j.Renderer = New(Options{Encoder: Encoder(name), Cores: 16})
		var b strings.Builder
		for _, w := range j.cut() {
			c := j.command(j.picture(w, nil, false))
			c.To = "window.mp4"
			c.Graph = c.Graph[1:] // the picture is not what this is about
			fmt.Fprintf(&b, "%v of %d at once\n  %s\n", w, j.Cores, strings.ReplaceAll(strings.Join(c.Args(ffmpeg.Limits{}), " "), "\n", "\n  "))
		}
		return b.String()
	})
}

// broken is an encoder that FFmpeg does not have, which is as if its processor had
// gone.
const broken Encoder = "h264_broken"

func addBroken(t *testing.T) {
	encoders[broken] = encoders[QSV]
	t.Cleanup(func() { delete(encoders, broken) })
}

// TestChooseEncoder asks for encoders that do not work, for real.
func TestChooseEncoder(t *testing.T) {
	addBroken(t)
	for _, tc := range []struct{ asked, want string }{
		{"", ""},
		{"libx264", ""},
		{string(broken), `level=WARN msg="an encoder does not work here" encoder=h264_broken reason="Unknown encoder 'h264_broken'`},
		{"h265_x", `level=WARN msg="an encoder does not work here" encoder=h265_x reason="there is no encoder \"h265_x\""`},
	} {
		got, log := chosen(t, tc.asked)
		if got != X264 || !strings.Contains(log, tc.want) || (tc.want != "") != strings.Contains(log, `msg="pictures are encoded in software" encoder=libx264`) {
			t.Errorf("%q: chose %s\n%s\nwant in it %s", tc.asked, got, log, tc.want)
		}
	}
}

func chosen(t *testing.T, asked string) (Encoder, string) {
	var log bytes.Buffer
	got := ChooseEncoder(t.Context(), studio().Options, asked, slog.New(slog.NewTextHandler(&log, nil)))
	return got, log.String()
}

// TestChooseAuto holds that the first that works is taken, which depends on the
// machine, and that there is a reason for each that does not.
func TestChooseAuto(t *testing.T) {
	got, log := chosen(t, Auto)
	for _, e := range []Encoder{NVENC, QSV, VAAPI, X264} {
		if e == got {
			if !strings.Contains(log, " encoder="+string(e)+"\n") {
				t.Errorf("nothing tells of %s:\n%s", e, log)
			}
			return
		}
		refused := fmt.Sprintf(`level=INFO msg="an encoder does not work here" encoder=%s reason=`, e)
		if _, reason, ok := strings.Cut(log, refused); !ok || len(encoders[e].hardware.Found()) == 0 && !strings.Contains(reason, "; there is no /dev/") {
			t.Errorf("nothing tells why not %s:\n%s", e, log)
		}
	}
	t.Errorf("chose %s", got)
}

// TestTrial holds that an encoder which works passes.
func TestTrial(t *testing.T) {
	if err := tryOut(t.Context(), studio().Options, X264); err != nil {
		t.Error(err)
	}
}

// TestRenderInSoftware has a graphics processor fail that was there at the start.
func TestRenderInSoftware(t *testing.T) {
	addBroken(t)
	o := studio().Options
	o.Encoder = broken
	r := New(o)
	for _, tc := range []struct{ source, fails string }{
		{`{"width":320,"height":180,"scenes":[{"duration":1,"elements":[{"type":"video","src":"ramp.mp4"}]}]}`, ""},
		{`{"width":320,"height":180,"scenes":[{"duration":1,"elements":[{"type":"video","src":"none.mp4"}]}]}`, "none.mp4"},
	} {
		m, err := movie.Parse([]byte(tc.source))
		if err != nil {
			t.Fatal(err)
		}
		result, warnings, err := r.Render(t.Context(), m, t.TempDir(), nil)
		var f movie.Fault
		switch {
		case tc.fails != "" && (!errors.As(err, &f) || !strings.Contains(f.Message, tc.fails) || len(warnings) > 0):
			t.Errorf("%v, warnings %v", err, warnings)
		case tc.fails == "" && (err != nil || result.Duration != 1 || len(warnings) != 1 || !strings.Contains(warnings[0].Message, "in software")):
			t.Errorf("%v, %+v, warnings %v", err, result, warnings)
		}
	}
	if r.Encoder != broken {
		t.Error("the next movie is not given another chance")
	}
}
