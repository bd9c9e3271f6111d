package api

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/reelhook/reelhook/internal/account"
	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/safehttp"
)

// Delivery is one thing to be brought to one place, as the log lists it.
type Delivery struct {
	ID string `json:"id"`
	// MessageID is what the receiver sees as webhook-id on every attempt.
	MessageID string `json:"message_id"`
	// Project is the movie's id, "" for what belongs to no movie; Export and
	// Position name its destination, from 0.
	Project  string `json:"project"`
	Export   int    `json:"export"`
	Position int    `json:"position"`
	Type     string `json:"type"`
	Event    string `json:"event"`
	// Status is pending, running, retrying, unknown, held, delivered, failed or
	// cancelled.
	Status string `json:"status"`
	// Target is the address without what may be secret in it; Endpoint is the id of
	// its endpoint, "" when it counts for none.
	Target   string `json:"target"`
	Endpoint string `json:"endpoint"`
	// Attempts counts attempts made, Failures those that walked the schedule.
	Attempts int `json:"attempts"`
	Failures int `json:"failures"`
	// LastStatus is the last HTTP status, 0 for none.
	LastStatus int     `json:"last_status"`
	Message    string  `json:"message"`
	CreatedAt  string  `json:"created_at"`
	NextAt     *string `json:"next_at"`
	// Schedule holds the delays after failed attempts, Timeout what one attempt may
	// take; all in seconds.
	Schedule []float64 `json:"schedule"`
	Timeout  float64   `json:"timeout"`
	// Account is whose it is. Ordered tells that the destinations behind it wait
	// until it has ended; at Deadline, null for never, it is given up.
	Account  string  `json:"account"`
	Ordered  bool    `json:"ordered"`
	Deadline *string `json:"deadline"`
	// Connection is the id of the one it uses, "" for none.
	Connection string `json:"connection"`
	// ExportStatus is how the destinations before it fared, complete or partial, ""
	// where that is not told.
	ExportStatus string `json:"export_status"`
	// Receipt is what is known of what arrived, null before it has.
	Receipt *Receipt `json:"receipt"`
}

// DeliveryDetail is a delivery with what is sent and what came of it.
type DeliveryDetail struct {
	Delivery
	ContentType string `json:"content_type"`
	// Headers are the client's own, their values left out.
	Headers map[string]string `json:"headers"`
	// Body is what is sent when it is a text, else null; BodyBase64 its exact
	// bytes, BodySHA256 their hash in hex.
	Body       *string   `json:"body"`
	BodyBase64 string    `json:"body_base64"`
	BodySHA256 string    `json:"body_sha256"`
	Log        []Attempt `json:"log"`
}

// Attempt is one try of a delivery.
type Attempt struct {
	// Number counts from 1.
	Number    int     `json:"number"`
	StartedAt string  `json:"started_at"`
	EndedAt   *string `json:"ended_at"`
	// Result is open, succeeded, failed or, when it may have arrived, unknown.
	Result string `json:"result"`
	// Status is the HTTP status, null when no answer came. Class is the kind of
	// error, "" for none.
	Status *int   `json:"status"`
	Class  string `json:"class"`
	Error  string `json:"error"`
	// Address is the ip:port that was dialled; TLS the version and Fingerprint the
	// SHA-256 of the certificate, "" without TLS.
	Address     string `json:"address"`
	TLS         string `json:"tls"`
	Fingerprint string `json:"fingerprint"`
	// Reused tells that the connection was an open one.
	Reused         bool        `json:"reused"`
	Latency        Latency     `json:"latency_ms"`
	RequestHeaders http.Header `json:"request_headers"`
	AnswerHeaders  http.Header `json:"answer_headers"`
	// Answer is the start of the answer's body when it is a text; other bytes are
	// in AnswerBase64. AnswerCut tells that there was more.
	Answer       string `json:"answer"`
	AnswerBase64 string `json:"answer_base64"`
	AnswerCut    bool   `json:"answer_cut"`
	// RetryAfter is the wait the receiver asked for in seconds, null for none.
	RetryAfter *float64 `json:"retry_after"`
}

// Latency is where the time of an attempt went, in milliseconds to the
// microsecond; 0 for what was not done.
type Latency struct {
	DNS       float64 `json:"dns"`
	Connect   float64 `json:"connect"`
	TLS       float64 `json:"tls"`
	FirstByte float64 `json:"first_byte"`
	Total     float64 `json:"total"`
}

// DeliveryList is the reply to GET /v2/deliveries, newest first.
type DeliveryList struct {
	Success    bool       `json:"success"`
	Deliveries []Delivery `json:"deliveries"`
	// NextCursor asks for the next page, null at the end.
	NextCursor *string `json:"next_cursor"`
}

// DeliveryReply is the reply to GET /v2/deliveries/<id>.
type DeliveryReply struct {
	Success  bool           `json:"success"`
	Delivery DeliveryDetail `json:"delivery"`
}

// DeliveryChange is the reply to a call that changed a delivery or made one.
type DeliveryChange struct {
	Success  bool     `json:"success"`
	Delivery Delivery `json:"delivery"`
}

// Tested is the reply to POST /v2/webhooks/test. Success says that the call
// worked; the attempt's result says the rest.
type Tested struct {
	Success  bool     `json:"success"`
	Delivery Delivery `json:"delivery"`
	Attempt  Attempt  `json:"attempt"`
}

func showDelivery(d export.Delivery) Delivery {
	shown := Delivery{
		ID: d.ID, MessageID: d.MessageID, Project: d.Project, Export: d.Export, Position: d.Position,
		Type: d.Type, Event: d.Event, Status: string(d.State), Target: safehttp.Redact(d.Target), Endpoint: d.Endpoint,
		Attempts: d.Attempts, Failures: d.Failures, LastStatus: d.LastStatus, Message: d.Message,
		CreatedAt: stamp(d.CreatedAt), NextAt: stampOrNull(d.NextAt),
		Schedule: make([]float64, len(d.Schedule)), Timeout: d.Timeout.Seconds(),
		Account: account.ShowName(d.Account), Ordered: d.Ordered, Deadline: stampOrNull(d.Deadline),
		Connection: d.Connection, ExportStatus: d.Exported, Receipt: orNull(showReceipt(d.Receipt)),
	}
	for i, delay := range d.Schedule {
		shown.Schedule[i] = delay.Seconds()
	}
	return shown
}

func showDetail(d export.Delivery, attempts []export.Attempt) DeliveryDetail {
	shown := DeliveryDetail{
		Delivery: showDelivery(d), ContentType: d.ContentType, Headers: map[string]string{},
		BodyBase64: base64.StdEncoding.EncodeToString(d.Body), BodySHA256: hash(d.Body), Log: make([]Attempt, len(attempts)),
	}
	for name := range d.Headers {
		shown.Headers[name] = "(redacted)"
	}
	if utf8.Valid(d.Body) {
		text := string(d.Body)
		shown.Body = &text
	}
	for i, a := range attempts {
		shown.Log[i] = showAttempt(a)
	}
	return shown
}

// NewTested is the reply to a test of a delivery that took one attempt.
func NewTested(d export.Delivery, a export.Attempt) Tested {
	return Tested{Success: true, Delivery: showDelivery(d), Attempt: showAttempt(a)}
}

func showAttempt(a export.Attempt) Attempt {
	shown := Attempt{
		Number: a.Number, StartedAt: stamp(a.StartedAt), EndedAt: stampOrNull(a.EndedAt), Result: string(a.Result),
		Status: orNull(a.Status), Class: a.Class, Error: a.Error,
		Address: a.Peer.Address, TLS: a.Peer.TLS, Fingerprint: a.Peer.Fingerprint, Reused: a.Peer.Reused,
		Latency: Latency{DNS: milliseconds(a.Peer.DNS), Connect: milliseconds(a.Peer.Connect),
			TLS: milliseconds(a.Peer.Handshake), FirstByte: milliseconds(a.Peer.FirstByte)},
		RequestHeaders: headers(a.Request), AnswerHeaders: headers(a.Headers),
		AnswerCut: a.Cut, RetryAfter: orNull(a.RetryAfter.Seconds()),
	}
	shown.Answer, shown.AnswerBase64 = showAnswer(a)
	if !a.EndedAt.IsZero() {
		shown.Latency.Total = milliseconds(a.EndedAt.Sub(a.StartedAt))
	}
	return shown
}

// showAnswer is the kept part of an answer as a text, or in base64 when it is
// none. A text that was cut within a character lacks the piece of it.
func showAnswer(a export.Attempt) (text, coded string) {
	kept := a.Answer
	if a.Cut {
		kept = wholeCharacters(kept)
	}
	if utf8.Valid(kept) {
		return string(kept), ""
	}
	return "", base64.StdEncoding.EncodeToString(a.Answer)
}

func wholeCharacters(text []byte) []byte {
	last := len(text) - 1
	for last > 0 && len(text)-last < utf8.UTFMax && !utf8.RuneStart(text[last]) {
		last--
	}
	if last >= 0 && !utf8.FullRune(text[last:]) {
		return text[:last]
	}
	return text
}

// headers are never null, and valid UTF-8, which a receiver's need not be.
func headers(h http.Header) http.Header {
	shown := http.Header{}
	for name, values := range h {
		for _, value := range values {
			shown[name] = append(shown[name], strings.ToValidUTF8(value, "\uFFFD"))
		}
	}
	return shown
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func hash(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// orNull is a pointer to a value, nil for zero.
func orNull[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}
