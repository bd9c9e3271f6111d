// Package project is the render record: one accepted movie from POST to its
// end, with its id, its status and the legal moves between them, and its
// result. It must not know HTTP, SQL, FFmpeg or what an export does.
package project

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/reelhook/reelhook/internal/movie"
)

// Status is where a project stands, in the words of the API (section 4 of the
// contract). Pending becomes Running becomes Done or Failed; Running goes back
// to Pending when the server stops or its disk is full.
type Status string

// The statuses.
const (
	Pending Status = "pending"
	Running Status = "running"
	Done    Status = "done"
	Failed  Status = "error"
)

// Ended tells whether nothing more will happen to the rendering.
func (s Status) Ended() bool { return s == Done || s == Failed }

// Project is one accepted movie.
type Project struct {
	// ID is 16 characters [A-Za-z0-9]. Account is whose it is, "" the default one's.
	ID, Account string
	Status      Status
	// Message is the error's text when Failed, else "".
	Message string
	// MovieID is the client's own id for the movie.
	MovieID string
	// Source is the Movie JSON as it was submitted, but for the secrets in it,
	// which are in Sealed (see movie.Hide); that is empty when there are none.
	Source, Sealed []byte
	ClientData     json.RawMessage
	Warnings       []movie.Fault
	// FileKey is the blob key its file will have: unguessable, and made when the
	// project is, so that rendering again after a crash replaces what the first
	// try left.
	FileKey string
	// Starts counts how often a worker began to render it and was not put back.
	Starts int
	// Result is set when Done.
	Result Result

	CreatedAt time.Time
	// StartedAt, EndedAt and DeletedAt are zero until then.
	StartedAt, EndedAt, DeletedAt time.Time
}

// ThumbnailKey is the blob key its thumbnail will have.
func (p Project) ThumbnailKey() string { return strings.TrimSuffix(p.FileKey, ".mp4") + ".jpg" }

// Result is the finished file.
type Result struct {
	// File is the blob key, "" when there is none (not yet, failed, deleted); SHA256
	// is the file's, in hex, "" when it was not taken. Thumbnail is the blob key of
	// a JPEG, "" for none.
	File, SHA256, Thumbnail string
	// Duration in seconds, Size in bytes, Width and Height in pixels, as probed.
	Duration      float64
	Size          int64
	Width, Height int
}

// Outcome is how a rendering ended.
type Outcome struct {
	ID string
	// Status is Done or Failed.
	Status   Status
	Message  string
	Result   Result
	Warnings []movie.Fault
	EndedAt  time.Time
}

// Render is the kind of job that renders a project; its key is the project id.
const Render = "render"

// MaxStarts is how often a rendering may take the process down with it before
// it is given up.
const MaxStarts = 3

// ErrNotFound is returned for a project that does not exist.
var ErrNotFound = errors.New("project not found")

// ErrConflict is returned when an idempotency key comes again with another body.
var ErrConflict = errors.New("idempotency key used with another body")

// Page asks for part of the list, newest first.
type Page struct {
	// Account is whose projects are listed.
	Account  string
	From, To time.Time
	Limit    int
	// After continues behind the page that gave this token; "" starts.
	After string
	// Sources is how many bytes the documents of a page may have together. With
	// more, no Source of the page is read, and all of them are empty.
	Sources int
}

// MaxPage is how many bytes the texts of a page may have, the documents aside,
// so that a list of large movies fills no memory.
const MaxPage = 4 << 20

// Idempotency is an optional key that makes a submission repeatable. It is the
// account's: those of two accounts are two.
type Idempotency struct {
	Key string
	// BodyHash is SHA-256 of the request's body.
	BodyHash [32]byte
}

// Store keeps projects. Every method that changes something is one transaction,
// durable when it returns.
type Store interface {
	// Create writes a pending project, its destinations as pending, and its
	// render job. With a known idempotency key it returns the project of the
	// first call and created=false, or ErrConflict.
	Create(ctx context.Context, p Project, destinations []Destination, idem *Idempotency) (stored Project, created bool, err error)
	// Get returns one project or ErrNotFound.
	Get(ctx context.Context, id string) (Project, error)
	// List returns a page and the token of the next, "" at the end. A token that
	// no page gave is ErrNotFound. A page that would pass MaxPage ends before it,
	// though never empty.
	List(ctx context.Context, page Page) (projects []Project, next string, err error)
	// Start moves a project to Running and returns it with Starts counted up.
	// A project that has ended is returned unchanged.
	Start(ctx context.Context, id string, at time.Time) (Project, error)
	// PutBack undoes a Start: the rendering was interrupted by no fault of the
	// movie's.
	PutBack(ctx context.Context, id string) error
	// Delete marks the project deleted and returns it; again is no error. The
	// file is the caller's to remove; a project not yet ended is left to its
	// worker to end.
	Delete(ctx context.Context, id string, at time.Time) (Project, error)
	// Destinations returns the destinations of projects, in pipeline order.
	Destinations(ctx context.Context, ids ...string) (map[string][]Destination, error)
}

// Destination is the state of one step of an export pipeline, as shown in
// movie.exports.
type Destination struct {
	// Export and Position say where it stands: exports[Export].destinations[Position].
	Export, Position int
	Type             string
	// Status is pending, running, retrying, unknown, held, delivered (webhooks),
	// uploaded, sent (emails), failed, cancelled or skipped.
	Status string
	// Attempts made so far; LastStatus is the last HTTP status, 0 for none.
	Attempts   int
	LastStatus int
	Message    string
	// Delivery is the id of its delivery, "" before it has one.
	Delivery string
	// Receipt tells where it is once it has arrived.
	Receipt Receipt
}

// Receipt is what is known of what arrived at a destination: zero for nothing.
type Receipt struct {
	// Path is where it is on the other side, URL leads there, ID is the other side's
	// own name for it; each may be "".
	Path string `json:"path,omitempty"`
	URL  string `json:"url,omitempty"`
	ID   string `json:"id,omitempty"`
	// Bytes were sent, SHA256 (in hex) is theirs, Seconds is how long it took.
	Bytes   int64   `json:"bytes,omitempty"`
	SHA256  string  `json:"sha256,omitempty"`
	Seconds float64 `json:"seconds,omitempty"`
}
