package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/safehttp"
	"github.com/reelhook/reelhook/webhook"
)

// proofRecipe makes the digest again from a copy of the document in proof.json.
const proofRecipe = `digest is the SHA-256, in hex, of this document without its field digest, as canonical JSON (RFC 8785): ` +
	`python3 -c 'import hashlib,json; d=json.load(open("proof.json",encoding="utf-8")); d.pop("digest"); ` +
	`print(hashlib.sha256(json.dumps(d,sort_keys=True,separators=(",",":"),ensure_ascii=False).encode()).hexdigest())'`

// Proof is a document to hand to whoever doubts a delivery: what was sent, when,
// to which machine, and what that answered. The body itself is not in it, for it
// is not everyone's. Its numbers are whole, so that every language writes them
// the same way.
type Proof struct {
	Kind        string `json:"kind"`
	Version     int    `json:"version"`
	GeneratedAt string `json:"generated_at"`
	// Server is the address of the server that vouches for it.
	Server   string         `json:"server"`
	Delivery ProofDelivery  `json:"delivery"`
	Body     ProofBody      `json:"body"`
	Attempts []ProofAttempt `json:"attempts"`
	// Verify says how Digest is made, so that an altered copy shows.
	Verify string `json:"verify"`
	Digest string `json:"digest,omitempty"`
}

// ProofDelivery is what is told of the delivery; the fields are Delivery's.
type ProofDelivery struct {
	ID        string `json:"id"`
	MessageID string `json:"message_id"`
	Project   string `json:"project"`
	Type      string `json:"type"`
	Event     string `json:"event"`
	Status    string `json:"status"`
	Target    string `json:"target"`
	Endpoint  string `json:"endpoint"`
	CreatedAt string `json:"created_at"`
}

// ProofBody tells which bytes were sent, on every attempt the same.
type ProofBody struct {
	ContentType string `json:"content_type"`
	// Size is in bytes, SHA256 in hex.
	Size   int    `json:"size"`
	SHA256 string `json:"sha256"`
}

// ProofAttempt is what is told of an attempt; the fields are Attempt's.
type ProofAttempt struct {
	Number      int     `json:"number"`
	StartedAt   string  `json:"started_at"`
	EndedAt     *string `json:"ended_at"`
	Result      string  `json:"result"`
	Class       string  `json:"class"`
	Error       string  `json:"error"`
	Address     string  `json:"address"`
	TLS         string  `json:"tls"`
	Fingerprint string  `json:"fingerprint"`
	// Timestamp and Signature are the headers that were sent.
	Timestamp string `json:"webhook_timestamp"`
	Signature string `json:"webhook_signature"`
	Status    *int   `json:"status"`
	// AnswerSHA256 is of the first 16 KiB of the answer's body, which are in Answer
	// or AnswerBase64.
	AnswerSHA256 string `json:"answer_sha256"`
	Answer       string `json:"answer"`
	AnswerBase64 string `json:"answer_base64"`
	AnswerCut    bool   `json:"answer_cut"`
}

// proof is GET /v2/deliveries/<id>/proof.
func (s *server) proof(c *call) (any, error) {
	q, err := c.parameters("download")
	if err != nil {
		return nil, err
	}
	download, err := strconv.ParseBool(q["download"])
	if err != nil && q["download"] != "" {
		return nil, refuse(http.StatusBadRequest, "'download' must be 1 or 0, not '%s'", shorten(q["download"]))
	}
	d, attempts, err := s.logged(c)
	if err != nil {
		return nil, err
	}
	if download {
		c.out.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": d.ID + "-proof.json"}))
	}
	p := s.prove(d, attempts)
	if p.Digest, err = digest(p); err != nil {
		return nil, fmt.Errorf("digest of a proof: %w", err)
	}
	return p, nil
}

func (s *server) prove(d export.Delivery, attempts []export.Attempt) Proof {
	p := Proof{
		Kind: "reelhook.delivery-proof", Version: 1, GeneratedAt: stamp(s.Now()), Server: s.PublicURL, Verify: proofRecipe,
		Delivery: ProofDelivery{
			ID: d.ID, MessageID: d.MessageID, Project: d.Project, Type: d.Type, Event: d.Event, Status: string(d.State),
			Target: safehttp.Redact(d.Target), Endpoint: d.Endpoint, CreatedAt: stamp(d.CreatedAt),
		},
		Body:     ProofBody{ContentType: d.ContentType, Size: len(d.Body), SHA256: hash(d.Body)},
		Attempts: make([]ProofAttempt, len(attempts)),
	}
	for i, a := range attempts {
		shown := showAttempt(a)
		p.Attempts[i] = ProofAttempt{
			Number: a.Number, StartedAt: shown.StartedAt, EndedAt: shown.EndedAt, Result: shown.Result,
			Class: a.Class, Error: a.Error, Address: shown.Address, TLS: shown.TLS, Fingerprint: shown.Fingerprint,
			Timestamp: a.Request.Get(webhook.HeaderTimestamp), Signature: a.Request.Get(webhook.HeaderSignature),
			Status: shown.Status, AnswerSHA256: hash(a.Answer), Answer: shown.Answer, AnswerBase64: shown.AnswerBase64, AnswerCut: a.Cut,
		}
	}
	return p
}

// digest is that of a proof that has none yet.
func digest(p Proof) (string, error) {
	canonical, err := canonicalJSON(p)
	return hash(canonical), err
}

// unescape undoes what encoding/json escapes beyond RFC 8785, and leaves alone
// what only looks like it behind an escaped backslash.
var unescape = strings.NewReplacer(`\\`, `\\`, `\u2028`, "\u2028", `\u2029`, "\u2029")

// canonicalJSON writes a value by RFC 8785, as far as names are ASCII and numbers
// whole and below 2^53.
func canonicalJSON(v any) ([]byte, error) {
	plain, err := encode(v)
	if err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(plain))
	d.UseNumber()
	var sorted any // maps are written in the order of their names
	if err := d.Decode(&sorted); err != nil {
		return nil, err
	}
	canonical, err := encode(sorted)
	return []byte(unescape.Replace(string(canonical))), err
}
