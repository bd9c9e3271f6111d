package api

import (
	"encoding/json"
	"strconv"
	"time"

	"github.com/reelhook/reelhook/internal/movie"
)

// Accepted is the reply to POST /v2/movies: exactly these fields in this order
// (section 3 of the contract).
type Accepted struct {
	Success bool `json:"success"`
	// Project is the id to ask for, 16 characters [A-Za-z0-9].
	Project string `json:"project"`
	// Timestamp is when it was accepted, as all times: UTC with milliseconds and Z.
	Timestamp string `json:"timestamp"`
}

// Failure is the body of every reply that is not 200 (section 3 of the
// contract). It is also the error a Client returns.
type Failure struct {
	Success   bool   `json:"success"`
	Message   string `json:"message"`
	Timestamp string `json:"timestamp"`
	// Details says more where the API's own message is too short to help.
	Details string `json:"details,omitempty"`
	// Status is the HTTP status.
	Status int `json:"-"`
}

func (f *Failure) Error() string {
	text := f.Message
	if f.Details != "" {
		text += " (" + f.Details + ")"
	}
	if text == "" {
		text = "HTTP status " + strconv.Itoa(f.Status)
	}
	return text
}

// MovieReply is the reply to GET /v2/movies with a project (section 4.1 of the
// contract).
type MovieReply struct {
	// Success says that the request worked, whatever became of the rendering.
	Success        bool  `json:"success"`
	Movie          Movie `json:"movie"`
	RemainingQuota Quota `json:"remaining_quota"`
}

// Movie is a project as clients see it (section 4.1 of the contract), first the
// contract's fields in its order, then those it allows or we add.
type Movie struct {
	// Success is false only when the rendering failed.
	Success bool `json:"success"`
	// Status is pending, running, done or error.
	Status string `json:"status"`
	// Message is why it failed, or a word on how far it is; "" when done.
	Message string `json:"message"`
	Project string `json:"project"`
	// URL is the finished file's, null until done and after deletion.
	URL *string `json:"url"`
	// ASS would be the transcript's address. It is null, and false when the
	// rendering failed.
	ASS       any     `json:"ass"`
	CreatedAt string  `json:"created_at"`
	EndedAt   *string `json:"ended_at"`
	// Duration in seconds, Size in bytes, Width and Height in pixels are the
	// file's, null until done.
	Duration *float64 `json:"duration"`
	Size     *int64   `json:"size"`
	Width    *int     `json:"width"`
	Height   *int     `json:"height"`
	// RenderingTime is in whole seconds, null until done.
	RenderingTime *int `json:"rendering_time"`
	// ClientData is the submitted client-data, {} when there was none.
	ClientData json.RawMessage `json:"client-data"`
	// ConsumedCredits is empty: nothing is counted here.
	ConsumedCredits []any `json:"consumed_credits"`

	// Progress is how much is rendered in percent; 100 means done.
	Progress int `json:"progress"`
	// Thumbnail is a picture's address, null when there is none.
	Thumbnail *string `json:"thumbnail"`
	// Warnings are things in the document that were ignored or adjusted.
	Warnings []movie.Fault `json:"warnings"`
	// Exports tells how the movie's exports stand, in the document's order.
	Exports []Export `json:"exports"`
	// DeletedAt is there only after DELETE.
	DeletedAt string `json:"deleted_at,omitempty"`
	// JSON is the document as submitted. It is left out with format=simple, and
	// from long replies unless format=full (section 27, item 34).
	JSON string `json:"json,omitempty"`
}

// MovieProgress is what an event of progress tells of a movie that is rendered.
type MovieProgress struct {
	Project string `json:"project"`
	// Status is running. Progress in percent is that of Movie.
	Status   string `json:"status"`
	Progress int    `json:"progress"`
	// Stage is fetching, waiting (for other movies), rendering, joining or storing.
	Stage string `json:"stage"`
	// Frames of TotalFrames are rendered; both are 0 until the movie's length is
	// known, and Scenes empty.
	Frames      int             `json:"frames"`
	TotalFrames int             `json:"total_frames"`
	Scenes      []SceneProgress `json:"scenes"`
}

// SceneProgress is how far one scene is. A transition counts to the scene that it
// brings in.
type SceneProgress struct {
	// Scene counts from 1, Progress is in percent.
	Scene    int `json:"scene"`
	Progress int `json:"progress"`
}

// Export is one export pipeline of a movie (section 23 of the contract).
type Export struct {
	// Status is taken from the destinations: pending while none was begun,
	// running until all are settled, then failed when one of them failed, else done.
	Status       string        `json:"status"`
	Destinations []Destination `json:"destinations"`
}

// Destination is how one destination of an export stands.
type Destination struct {
	Type string `json:"type"`
	// Status is pending, running, retrying, unknown (an attempt may have arrived),
	// held (its endpoint is paused or disabled), delivered (a webhook), uploaded (a
	// file), sent (a mail), failed, cancelled or skipped.
	Status string `json:"status"`
	// Attempts made so far; LastStatus is the last HTTP status, 0 for none.
	Attempts   int    `json:"attempts"`
	LastStatus int    `json:"last_status"`
	Message    string `json:"message"`
	// Delivery is the id to look the attempts up by, "" before there is one.
	Delivery string `json:"delivery"`
	// Receipt is what is known of what arrived.
	Receipt
	// Progress is how much of an upload was sent in percent, nil while none is under
	// way.
	Progress *int `json:"progress,omitempty"`
}

// Receipt is what is known of what arrived; what is not known is left out.
type Receipt struct {
	// RemotePath is where it is on the other side, URL leads there, RemoteID is the
	// other side's own name for it.
	RemotePath string `json:"remote_path,omitempty"`
	URL        string `json:"url,omitempty"`
	RemoteID   string `json:"remote_id,omitempty"`
	// Bytes were sent, SHA256 (in hex) is theirs, Seconds is how long it took.
	Bytes   int64   `json:"bytes,omitempty"`
	SHA256  string  `json:"sha256,omitempty"`
	Seconds float64 `json:"seconds,omitempty"`
}

// Quota is what is left of an allowance (section 10 of the contract). Nothing
// is counted here, but clients read these numbers, so they are large constants.
type Quota struct {
	Time   int `json:"time"`
	Movies int `json:"movies"`
	Drafts int `json:"drafts"`
}

var unlimited = Quota{Time: 1_000_000, Movies: 1_000_000, Drafts: 1_000_000}

// MovieList is the reply to GET /v2/movies without a project (section 4.2 of
// the contract), newest first.
type MovieList struct {
	Success bool `json:"success"`
	// From and To are the first and the last day of the window.
	From    string `json:"from"`
	To      string `json:"to"`
	Count   int    `json:"count"`
	Limit   int    `json:"limit"`
	HasNext bool   `json:"has_next"`
	HasPrev bool   `json:"has_prev"`
	// NextToken asks for the next page, null at the end.
	NextToken      *string `json:"next_token"`
	Movies         []Movie `json:"movies"`
	RemainingQuota Quota   `json:"remaining_quota"`
}

// Deleted is the reply to DELETE /v2/movies (section 5 of the contract).
type Deleted struct {
	Success bool   `json:"success"`
	Project string `json:"project"`
	// DeletedAt is when it was deleted first; Timestamp is now.
	DeletedAt string `json:"deleted_at"`
	Timestamp string `json:"timestamp"`
}

// Account is the reply to GET /v2/account (section 8 of the contract).
type Account struct {
	Success        bool  `json:"success"`
	RemainingQuota Quota `json:"remaining_quota"`
}

// Health is the reply to GET /healthz and, without a version, /readyz.
type Health struct {
	Status  string `json:"status"`
	Version string `json:"version,omitempty"`
}

// stamp writes a time as the API does.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
