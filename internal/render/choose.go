package render

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/reelhook/reelhook/internal/ffmpeg"
	"github.com/reelhook/reelhook/internal/movie"
	"github.com/reelhook/reelhook/internal/project"
)

// settle has the options follow from the encoder: what stands in place of
// pictures that do not change is written for x264's alone.
func (o *Options) settle() {
	if o.Encoder == "" {
		o.Encoder = X264
	}
	if o.Encoder.Software() {
		return
	}
	o.PlainStills = true
	if most := encoders[o.Encoder].sessions; most > 0 {
		o.Cores = min(o.Cores, most)
	}
}

// trial is a movie of three windows that are to be joined, which is all that a
// rendering asks of an encoder.
const trial = `{"width":320,"height":180,"quality":"medium","scenes":[{"duration":1,"background-color":"#204060"},
	{"duration":1,"background-color":"#c08040","transition":{"style":"circleopen","duration":0.4}}]}`

// longestTrial is how long it may take.
const longestTrial = 30 * time.Second

// ChooseEncoder returns the encoder to use where one was asked for by its name, or
// Auto or "": that, when a small movie can be rendered with it, and else X264. The log
// has why.
func ChooseEncoder(ctx context.Context, o Options, asked string, log *slog.Logger) Encoder {
	try := []Encoder{Encoder(asked)}
	if asked == Auto {
		try = []Encoder{NVENC, QSV, VAAPI}
	}
	for _, e := range try {
		if e.Software() {
			return X264
		}
		err := tryOut(ctx, o, e)
		if err == nil {
			log.InfoContext(ctx, "pictures are encoded by a graphics processor", "encoder", e)
			return e
		}
		level := slog.LevelWarn
		if asked == Auto {
			level = slog.LevelInfo
		}
		log.Log(ctx, level, "an encoder does not work here", "encoder", e, "reason", err)
	}
	log.InfoContext(ctx, "pictures are encoded in software", "encoder", X264)
	return X264
}

// tryOut renders the trial with an encoder.
func tryOut(ctx context.Context, o Options, e Encoder) error {
	if _, known := encoders[e]; !known {
		return fmt.Errorf("there is no encoder %q", e)
	}
	ctx, cancel := context.WithTimeout(ctx, longestTrial)
	defer cancel()
	dir, err := os.MkdirTemp("", "reelhook-encoder-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	m, err := movie.Parse([]byte(trial))
	if err != nil {
		return err
	}
	o.Encoder, o.Cache = e, nil // what is found there was not encoded now
	_, err = New(o).with(ctx, m, dir, nil, func(ctx context.Context, j *job) error {
		_, err := j.make(ctx)
		return err
	})
	if err == nil {
		return nil
	}
	var said *ffmpeg.RunError
	if errors.As(err, &said) { // not which frames it was said of
		err = said
	}
	if h := encoders[e].hardware; len(h.Devices) > 0 && len(h.Found()) == 0 {
		err = fmt.Errorf("%w; there is no %s here", err, strings.Join(h.Devices, ", "))
	}
	return err
}

// inSoftware renders a movie once more where a graphics processor failed: it may be
// busy with the sessions of other programs. What is the movie's own fault, or this
// machine's, would come again.
func (j *job) inSoftware(ctx context.Context, failed error) (project.Result, error) {
	var f movie.Fault
	if j.Encoder.Software() || ctx.Err() != nil || errors.As(failed, &f) || isMachine(failed) {
		return project.Result{}, failed
	}
	soft := *j.Renderer
	soft.Encoder = X264
	j.Renderer = &soft
	j.warn("", "The graphics processor failed to encode the movie; it was done in software")
	return j.make(ctx)
}
