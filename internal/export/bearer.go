package export

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path"
	"runtime/debug"
	"strings"

	"github.com/reelhook/reelhook/internal/blob"
	"github.com/reelhook/reelhook/internal/project"
	"github.com/reelhook/reelhook/internal/safehttp"
)

// emailType is the one type besides webhooks that brings words and not a file.
const emailType = "email"

// What a destination may ask for in "source".
const (
	sourceMovie     = "movie"
	sourceThumbnail = "thumbnail"
	sourceSubtitles = "subtitles"
	sourceJSON      = "json"
)

// Files holds what is uploaded.
type Files interface {
	// Open returns a file by its blob key or blob.ErrNotFound.
	Open(ctx context.Context, key string) (blob.File, error)
}

// bearer is the leaf of a carrier. What it stores of a delivery is only where it
// goes: the settings are read again for every try, with the connection as it is
// then, so that a corrected password helps at once and none is stored twice.
type bearer struct {
	*Pipeline
	Carrier
}

// Prepare checks that something can be brought to a destination, and where.
func (b bearer) Prepare(n Notice, dest Destination) (Delivery, error) {
	if _, err := pick(n.Project, n.Outcome, dest); err != nil {
		return Delivery{}, err
	}
	plan, err := b.Plan(dest.Settings)
	if err != nil {
		return Delivery{}, err
	}
	return Delivery{Ordered: true, Target: plan.Target, Group: plan.Group, Timeout: b.grace(),
		Schedule: transferSchedule(), Deadline: b.deadline(n.Outcome.EndedAt, n.At)}, nil
}

// Attempt brings the file, or the message, once.
func (b bearer) Attempt(ctx context.Context, d Delivery, a Attempt) Attempt {
	ctx, cancel := context.WithTimeout(ctx, max(d.Timeout, d.Deadline.Sub(b.Now())))
	defer cancel()
	parcel, err := b.parcel(ctx, d)
	if err != nil {
		return a.failed(b.ours(ctx, d, err))
	}
	defer b.sending.end(d.ID)
	parcel.Sent = b.sending.begin(d.ID, parcel.Size)
	ctx, trace := safehttp.WithTrace(ctx)
	receipt, err := b.carry(ctx, parcel)
	a.Peer = peerOf(trace.Record())
	if err != nil {
		return a.failed(b.ours(ctx, d, err))
	}
	a.Result = Succeeded
	a.Receipt = project.Receipt{Path: receipt.Path, URL: receipt.URL, ID: receipt.ID, Seconds: b.Now().Sub(a.StartedAt).Seconds()}
	if d.Type != emailType {
		a.Receipt.Bytes, a.Receipt.SHA256 = parcel.Size, parcel.SHA256
	}
	return a
}

// carry has the carrier make a try. One that a server's answer has made panic is a
// fault like any other: as a job's it would be made again for ever, and those behind
// it would wait.
func (b bearer) carry(ctx context.Context, p Parcel) (r Receipt, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("the carrier panicked: %v\n%s", v, debug.Stack())
		}
	}()
	return b.Carry(ctx, p)
}

// errOurs is what a client is told of an error of the server's own.
var errOurs = errors.New("this server could not export it by a fault of its own; its log says more")

// ours keeps errors that are not meant for the client, such as a disk's, in the
// log.
func (b bearer) ours(ctx context.Context, d Delivery, err error) error {
	_, fault := errors.AsType[*Fault](err)
	_, refusal := errors.AsType[Refusal](err)
	if fault || refusal {
		return err
	}
	b.Log.ErrorContext(ctx, "an export cannot be made", "delivery", d.ID, "project", d.Project, "error", err)
	return errOurs
}

// failed closes an attempt by what a carrier, or the way to it, reported.
func (a Attempt) failed(err error) Attempt {
	a.Result, a.Class, a.Error = Refused, "error", err.Error()
	if refusal, ok := errors.AsType[Refusal](err); ok {
		a.Error, a.Gone = string(refusal), true
	}
	if f, ok := errors.AsType[*Fault](err); ok {
		a.Class, a.Status, a.Gone, a.RetryAfter = f.Class, f.Status, f.Permanent, f.RetryAfter
		if f.Unknown {
			a.Result = Unknown
		}
	}
	return a
}

// peerOf is what a trace saw of the other side.
func peerOf(r safehttp.Record) Peer {
	p := Peer{TLS: r.TLSVersion, Fingerprint: r.Fingerprint, Reused: r.Reused,
		DNS: r.DNS, Connect: r.Connect, Handshake: r.TLS, FirstByte: r.FirstByte}
	if r.Addr.IsValid() {
		p.Address = r.Addr.String()
	}
	return p
}

// parcel makes what a delivery is to bring, from its movie as it stands now.
func (b bearer) parcel(ctx context.Context, d Delivery) (Parcel, error) {
	pr, err := b.Projects.Get(ctx, d.Project)
	if errors.Is(err, project.ErrNotFound) {
		return Parcel{}, Refusal("The movie is no longer kept here")
	}
	if err != nil {
		return Parcel{}, err
	}
	w, err := b.wayOf(ctx, pr)
	if err != nil {
		return Parcel{}, err
	}
	for _, s := range w.stops {
		if s.export != d.Export || s.position != d.Position {
			continue
		}
		if s.refused != nil {
			return Parcel{}, s.refused
		}
		if s.Type != d.Type {
			return Parcel{}, Refusal(fmt.Sprintf("The connection is of another type now: %s, not %s", s.Type, d.Type))
		}
		if _, err := b.Plan(s.Settings); err != nil {
			return Parcel{}, Refusal(err.Error())
		}
		return b.pack(ctx, pr, s.Destination, d.ID)
	}
	return Parcel{}, Refusal("The movie has no such destination")
}

// pack finds the file that a destination asks for.
func (b bearer) pack(ctx context.Context, pr project.Project, dest Destination, id string) (Parcel, error) {
	sum := sha256.Sum256([]byte(id))
	p := Parcel{Settings: dest.Settings, Part: hex.EncodeToString(sum[:6])}
	s, err := pick(pr, ended(pr), dest)
	if err != nil || s == (source{}) {
		return p, err
	}
	p.Name, p.Type, p.SHA256 = s.name, s.mediaType, s.sha256
	p.Open = func() (io.ReadSeekCloser, error) { return b.Files.Open(context.WithoutCancel(ctx), s.key) }
	if s.key == "" {
		p.Open = func() (io.ReadSeekCloser, error) { return document{bytes.NewReader(pr.Source)}, nil }
	}
	p.Size, err = measure(p.Open)
	if errors.Is(err, blob.ErrNotFound) {
		return p, Refusal("The movie's file is no longer kept here")
	}
	if err == nil && p.SHA256 == "" {
		p.SHA256, err = digest(p.Open)
	}
	return p, err
}

// source is a file that can be exported.
type source struct{ key, name, mediaType, sha256 string }

// pick chooses the file that a destination asks for; none is for an email of a
// movie that was not rendered.
func pick(pr project.Project, o project.Outcome, dest Destination) (source, error) {
	if o.Status == project.Failed {
		return source{}, nil
	}
	if !o.EndedAt.IsZero() && o.Result.File == "" {
		return source{}, Refusal("The movie's file is no longer kept here")
	}
	s := source{name: nameOf(pr, dest)}
	switch which := sourceOf(dest); which {
	case sourceMovie:
		s.key, s.mediaType, s.sha256 = o.Result.File, "video/mp4", o.Result.SHA256
	case sourceThumbnail:
		if s.key, s.mediaType = o.Result.Thumbnail, "image/jpeg"; s.key == "" {
			return source{}, Refusal(`The movie has no thumbnail; leave "source" out to export the movie`)
		}
	case sourceJSON:
		s.mediaType = "application/json"
	case sourceSubtitles:
		return source{}, Refusal(`The movie has no subtitles; leave "source" out to export the movie`)
	default:
		return source{}, Refusal(fmt.Sprintf(`"source" must be movie, thumbnail, subtitles or json, not "%s"`, cut(which)))
	}
	return s, nil
}

func sourceOf(dest Destination) string {
	if which := strings.ToLower(dest.Text("source")); which != "" {
		return which
	}
	return sourceMovie
}

// extension is that of what a destination exports.
func extension(dest Destination) string {
	switch sourceOf(dest) {
	case sourceThumbnail:
		return ".jpg"
	case sourceSubtitles:
		return ".srt"
	case sourceJSON:
		return ".json"
	}
	return ".mp4"
}

// nameOf is the name of a movie's file as a destination gets it.
func nameOf(pr project.Project, dest Destination) string {
	base := path.Base(pr.FileKey)
	return strings.TrimSuffix(base, path.Ext(base)) + extension(dest)
}

// document is a file in memory.
type document struct{ *bytes.Reader }

func (document) Close() error { return nil }

func measure(open func() (io.ReadSeekCloser, error)) (int64, error) {
	f, err := open()
	if err != nil {
		return 0, err
	}
	defer f.Close()
	return f.Seek(0, io.SeekEnd)
}

func digest(open func() (io.ReadSeekCloser, error)) (string, error) {
	f, err := open()
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// ended is how a project ended.
func ended(pr project.Project) project.Outcome {
	return project.Outcome{ID: pr.ID, Status: pr.Status, Message: pr.Message, Result: pr.Result, Warnings: pr.Warnings, EndedAt: pr.EndedAt}
}
