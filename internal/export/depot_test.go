package export_test

import (
	"bytes"
	stdcmp "cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/reelhook/reelhook/internal/blob"
	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/project"
	"github.com/reelhook/reelhook/internal/queue"
)

// depot is a pipeline with a carrier for ftp, sftp and email and a leaf for
// webhooks, and what they were asked to do.
type depot struct {
	t     *testing.T
	m     *memory
	o     export.Options
	p     *export.Pipeline
	began time.Time
	// carry is what comes of a try, answer of a webhook; nil is success.
	carry  func(ctx context.Context, p export.Parcel) (export.Receipt, error)
	answer func(d export.Delivery, a export.Attempt) export.Attempt
	// did is what was done, in order: when, what, where, and to what end.
	did []string
	// parcels are what was carried, notices what webhooks were told.
	parcels []export.Parcel
	notices []export.Notice
}

// budget is short, so that the grace of each destination is 20 seconds.
const budget = time.Minute

func newDepot(t *testing.T) *depot {
	d := &depot{t: t, m: newMemory(t), began: time.Now()}
	d.o = export.Options{
		Store: d.m, Projects: d.m, Leaves: map[string]export.Leaf{"webhook": hook{fake(d.hooked), d}},
		Carriers: map[string]export.Carrier{"ftp": van{d, "ftp"}, "sftp": van{d, "sftp"}, "email": van{d, "email"}},
		Files:    files{"k/2026-01-02-36066.mp4": "movie", "k/2026-01-02-36066.jpg": "thumb"}, Budget: budget,
		FileURL: func(key string) string { return "https://files.test/" + key },
		Log:     slog.New(slog.DiscardHandler), Jitter: func() float64 { return 0.5 },
	}
	d.restart()
	return d
}

// restart goes on with a new process on the same store.
func (d *depot) restart() { d.p = export.New(d.o) }

// rendered is a movie that was, and lost one that was not.
func (d *depot) rendered() project.Outcome {
	return project.Outcome{ID: "p", Status: project.Done, EndedAt: time.Now(),
		Result: project.Result{File: "k/2026-01-02-36066.mp4", SHA256: "c0ffee", Thumbnail: "k/2026-01-02-36066.jpg"}}
}

func (d *depot) lost() project.Outcome {
	return project.Outcome{ID: "p", Status: project.Failed, Message: "no source", EndedAt: time.Now()}
}

// exports is a movie's document with items of destinations.
func exports(items ...string) string {
	return `{"exports":[{"destinations":[` + strings.Join(items, `]},{"destinations":[`) + `]}]}`
}

// ends creates project p and ends its rendering.
func (d *depot) ends(source string, o project.Outcome) {
	d.t.Helper()
	pr, list := d.m.create("p", source)
	pr.FileKey = "k/2026-01-02-36066.mp4"
	d.m.projects["p"] = pr
	if err := d.p.Ended(d.t.Context(), pr, list, o); err != nil {
		d.t.Fatal(err)
	}
}

// runs is a whole pipeline of a movie that was rendered.
func (d *depot) runs(items ...string) {
	d.t.Helper()
	d.ends(exports(items...), d.rendered())
	d.m.run(d.p)
}

// work does a delivery's job with a context of its own.
func (d *depot) work(ctx context.Context, id string) error { return d.p.Work(ctx, d.m.jobs[id]) }

// main is the delivery of a destination.
func (d *depot) main(item, position int) export.Delivery {
	return d.m.deliveries[d.m.mains["p"][[2]int{item, position}]]
}

func (d *depot) note(format string, args ...any) {
	d.did = append(d.did, fmt.Sprintf("%v ", time.Since(d.began))+fmt.Sprintf(format, args...))
}

func (d *depot) hooked(del export.Delivery, a export.Attempt) export.Attempt {
	answer := d.answer
	if answer == nil {
		answer = answers()
	}
	a = answer(del, a)
	d.note("hook %s: %s, %s", strings.TrimPrefix(del.Target, "https://x.test/s3cret/"), a.Result, del.Exported)
	return a
}

// hook is a leaf that remembers what it was to tell.
type hook struct {
	fake
	*depot
}

func (h hook) Prepare(n export.Notice, dest export.Destination) (export.Delivery, error) {
	h.notices = append(h.notices, n)
	d, err := h.fake.Prepare(n, dest)
	d.Body = bytes.ReplaceAll(d.Body, []byte("?key=hunter2"), nil)
	if text := dest.Text("token"); text != "" {
		d.Headers = map[string]string{"X-Token": text}
	}
	return d, err
}

// van is a carrier.
type van struct {
	*depot
	name string
}

func (v van) Plan(s export.Settings) (export.Plan, error) {
	if s.Text("host") == "never" {
		return export.Plan{}, export.Refusal("The host can never work")
	}
	if _, err := s.Place("x"); err != nil {
		return export.Plan{}, err
	}
	at := v.name + "://" + s.Text("host")
	return export.Plan{Target: at + "/" + s.Text("file"), Group: stdcmp.Or(s.Text("group"), at)}, nil
}

func (v van) Carry(ctx context.Context, p export.Parcel) (r export.Receipt, err error) {
	v.parcels = append(v.parcels, p)
	if v.carry != nil {
		r, err = v.carry(ctx, p)
	}
	end := "arrived"
	if err != nil {
		end = err.Error()
	}
	v.note("%s %s: %s", v.name, p.Text("host"), end)
	return r, err
}

func (v van) Probe(ctx context.Context, s export.Settings, note func(string)) error {
	note(export.StepConnect)
	note(export.StepWrite)
	if v.carry == nil {
		return nil
	}
	_, err := v.carry(ctx, export.Parcel{Settings: s})
	return err
}

// fault is one that may be over the next time.
func fault(message string) *export.Fault {
	return &export.Fault{Step: export.StepConnect, Class: "refused", Message: message}
}

// files holds what is uploaded, by key.
type files map[string]string

func (f files) Open(_ context.Context, key string) (blob.File, error) {
	text, ok := f[key]
	if !ok {
		return nil, blob.ErrNotFound
	}
	return file{strings.NewReader(text)}, nil
}

type file struct{ *strings.Reader }

func (file) Close() error       { return nil }
func (file) ModTime() time.Time { return time.Time{} }

// content reads a parcel.
func content(t *testing.T, p export.Parcel) string {
	t.Helper()
	f, err := p.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	all, err := io.ReadAll(f)
	if err != nil || int64(len(all)) != p.Size {
		t.Errorf("%d bytes of %d: %v", len(all), p.Size, err)
	}
	return string(all)
}

// stopping is the context of a job while the server stops.
func stopping(t *testing.T) (context.Context, func()) {
	ctx, stop := context.WithCancelCause(t.Context())
	return ctx, func() { stop(queue.ErrStopping) }
}
