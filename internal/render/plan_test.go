package render

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/reelhook/reelhook/internal/movie"
	"github.com/reelhook/reelhook/internal/text"
)

// planOf is what a plan tells of a movie, in lines.
func planOf(t *testing.T, source string, media bool) []string {
	t.Helper()
	m, err := movie.Parse([]byte(source))
	if err != nil {
		t.Fatal(err)
	}
	var p Plan
	dir := t.TempDir()
	if media {
		p, err = studio().Plan(t.Context(), m, dir)
	} else {
		p = studio().PlanWithoutMedia(m)
	}
	if err != nil {
		t.Fatal(err)
	}
	if drawn, _ := filepath.Glob(filepath.Join(dir, "texts")); drawn != nil {
		t.Error("texts were drawn")
	}
	var lines []string
	for _, f := range p.Faults {
		lines = append(lines, "fault "+f.Path+": "+strings.ReplaceAll(f.Message, studioFolder, ""))
	}
	for _, f := range p.Warnings {
		lines = append(lines, "warning "+f.Path+": "+f.Message)
	}
	if p.Timeline != nil {
		lines = append(lines, fmt.Sprintf("%d frames, %d scenes, %d sounds", p.Timeline.Frames, len(p.Timeline.Scenes), len(p.Timeline.Sounds)))
	}
	return lines
}

func TestPlan(t *testing.T) {
	for _, tc := range []struct {
		name, source string
		blind        bool
		want         []string
	}{
		{"a movie that is right", `{"width":320,"height":180,"scenes":[{"elements":[{"type":"video","src":"ramp.mp4","id":"v"},{"type":"text","text":"x","start":"{{ v_end - 1 }}","duration":1}]}]}`, false,
			[]string{"50 frames, 1 scenes, 1 sounds"}},
		{"all that is wrong, at once", `{"height":91,"scenes":[{"elements":[{"type":"image"},{"type":"image","src":"gone.png","mask":"gone too.png"},{"type":"video","src":"tone.wav"},
			{"type":"text","text":"x","settings":{"color":"nocolour","font-family":"https://127.0.0.1:1/f.ttf"}},
			{"type":"text","id":"a","text":"x","start":"{{a_end}}","duration":1}]}]}`, false, []string{
			"fault scenes[0].elements[0].src: Source URL is required for image element in Scene #1, Element #1",
			"fault scenes[0].elements[1].src: Scene #1, element #2: Failed to read 'gone.png' (there is no such file in the movie's folder)",
			"fault scenes[0].elements[1].mask: Scene #1, element #2: Failed to read 'gone too.png' (there is no such file in the movie's folder)",
			"fault scenes[0].elements[2].src: Scene #1, element #3: The URL provided is not a video file and cannot be used as a source for a video element: 'tone.wav' is of type WAV, without a picture",
			"fault scenes[0].elements[3].settings.font-family: Scene #1, element #4: Failed to download 'https://127.0.0.1:1/f.ttf' (the address 127.0.0.1 is not public; if it is meant to be reached, start the server with --allow-networks 127.0.0.1/32)",
			"fault scenes[0].elements[4].start: Scene #1, element #5: times need one another: the start of Scene #1, element #5 needs a_end needs the start of Scene #1, element #5",
			"warning height: height must be even; 91 became 92",
			`warning scenes[0].elements[3].settings.color: The value "nocolour" of 'color' was not understood and was ignored`,
		}},
		{"a length that faults may be to blame for", `{"scenes":[{"elements":[{"type":"video","src":"gone.mp4"}]}]}`, false,
			[]string{"fault scenes[0].elements[0].src: Scene #1, element #1: Failed to read 'gone.mp4' (there is no such file in the movie's folder)"}},
		{"no length at all", `{"scenes":[{"elements":[{"type":"image","src":"red.png"}]}]}`, false,
			[]string{"fault scenes: Movie duration cannot be zero"}},
		{"what media show", `{"scenes":[{"duration":2,"elements":[{"type":"image","src":"red.png","crop":{"x":1000,"width":1,"height":1}}]}]}`, false,
			[]string{"warning scenes[0].elements[0].crop: The crop lies outside of the picture, which is 400 x 200 pixels; it was ignored", "50 frames, 1 scenes, 0 sounds"}},
		{"without media, lengths that are written", `{"scenes":[{"elements":[{"type":"video","src":"gone.mp4","duration":3,"seek":-9},{"type":"image","src":"gone.png"}]}],"elements":[{"type":"audio","src":"gone.mp3","duration":-2}]}`, true, []string{
			"warning : Media were not looked at: whether they can be had, how long and large they are, and whether they sound, is not known",
			"75 frames, 1 scenes, 2 sounds"}},
		{"without media, lengths that are theirs", `{"scenes":[{"elements":[{"type":"video","id":"v","src":"gone.mp4"},{"type":"text","text":"x","start":"{{v_end}}"}]}]}`, true, []string{
			"warning : Media were not looked at: whether they can be had, how long and large they are, and whether they sound, is not known",
			"warning scenes[0].elements[0].duration: Scene #1, element #1: it lasts as long as its medium, which was not looked at; the timeline cannot be told"}},
		{"without media, a length that comes to be theirs", `{"scenes":[{"elements":[{"type":"text","id":"t","text":"x","duration":1},{"type":"audio","src":"a","duration":"{{ t_end - 2 }}"}]}]}`, true, []string{
			"warning : Media were not looked at: whether they can be had, how long and large they are, and whether they sound, is not known",
			"warning scenes[0].elements[1].duration: Scene #1, element #2: it lasts as long as its medium, which was not looked at; the timeline cannot be told"}},
		{"without media there may be none", `{"scenes":[{"duration":1,"elements":[{"type":"text","text":"x"}]}]}`, true, []string{"25 frames, 1 scenes, 0 sounds"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, planOf(t, tc.source, !tc.blind)); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

func TestPlanEndsWithItsContext(t *testing.T) {
	m, err := movie.Parse([]byte(`{"scenes":[{"elements":[{"type":"image","src":"red.png"}]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	gone := errors.New("nobody waits")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(gone)
	if _, err := studio().Plan(ctx, m, t.TempDir()); !errors.Is(err, gone) {
		t.Errorf("got %v", err)
	}
}

// TestPlanBlamesTheMachine: a folder that cannot be made is no fault of the movie's.
func TestPlanBlamesTheMachine(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if p, err := studio().Plan(t.Context(), &movie.Movie{}, file); err == nil {
		t.Errorf("got %+v", p)
	}
}

// TestSchemaNamesTextSettings holds the schema's settings of texts to those that
// are read.
func TestSchemaNamesTextSettings(t *testing.T) {
	named := movie.SettingNames()
	slices.Sort(named)
	if diff := cmp.Diff(text.Settings(), named); diff != "" {
		t.Errorf("-read +named\n%s", diff)
	}
}
