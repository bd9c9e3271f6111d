package export

import (
	"context"
	"encoding/json"
	"io"
	"strconv"
	"strings"
	"time"
)

// Carrier brings a movie's file, or a message about it, to one kind of
// destination: FTP, SFTP, S3, a presigned URL, email. It makes one try and says
// how that went; when there is to be another is not its business. It may be used
// by many goroutines, and is held to internal/export/exporttest.
type Carrier interface {
	// Plan reads settings before anything is reached. The error, best a Refusal, is
	// for the client and must hold no secret. It is called again before every try.
	Plan(s Settings) (Plan, error)
	// Carry makes one try. It ends soon after ctx does, and by itself when the other
	// side makes no progress for Stall. The error is a *Fault. What it had begun and
	// can go on with may stay on the other side under a name of its own (see
	// Parcel.Part); nothing half done ever stands under the final name where the
	// protocol can help it.
	Carry(ctx context.Context, p Parcel) (Receipt, error)
	// Probe tries settings out as Carry would use them: it connects, logs in, writes
	// a small file and removes it again, or sends a test mail. note is called before
	// each step with its name, one of the Step constants. The error is a *Fault.
	Probe(ctx context.Context, s Settings, note func(step string)) error
}

// Plan is where a carrier would bring something.
type Plan struct {
	// Target is the address as it may be shown: no user name, password or query,
	// such as sftp://files.example.org:22/in/movie.mp4. Group is what shares a
	// concurrency limit: scheme, host and port.
	Target, Group string
}

// Parcel is what is to be brought, and how.
type Parcel struct {
	Settings
	// Open reads the file from its start; nil when there is none, as with an email
	// of a rendering that failed. It may be called more than once.
	Open func() (io.ReadSeekCloser, error)
	// Size in bytes. Name is the file's own, such as 2026-01-02-36066.mp4, Type its
	// media type. SHA256 is in hex, "" when not known.
	Size               int64
	Name, Type, SHA256 string
	// Part is a short word of [a-z0-9] that stays the same over all tries of this
	// parcel and belongs to no other: it marks what is not complete yet.
	Part string
	// Sent is told how many bytes the other side has, from time to time, never less
	// than before within one try but for a restart from 0. It must be fast.
	Sent func(bytes int64)
}

// Receipt is what a carrier says of a parcel that arrived.
type Receipt struct {
	// Path is where it is on the other side, "" for none. URL leads there, if
	// anything does: without user name and password. ID is the other side's own
	// name for it, such as a message id or an ETag.
	Path, URL, ID string
}

// Stall is how long the other side may make no progress before a try is given
// up. ConnectTimeout bounds connecting, TLS included.
const (
	Stall          = 30 * time.Second
	ConnectTimeout = 10 * time.Second
)

// The steps of a try, in the order they come in.
const (
	StepSettings = "settings" // reading what is asked for
	StepConnect  = "connect"  // looking the host up and connecting
	StepTLS      = "tls"      // the handshake and the certificate
	StepHostKey  = "host-key" // whether an SSH server is who it should be
	StepLogin    = "login"    // user name, password, keys
	StepFolder   = "folder"   // finding or making the folder, or the bucket
	StepWrite    = "write"    // sending the file
	StepSize     = "size"     // whether all of it is there
	StepRename   = "rename"   // giving it its name
	StepRemove   = "remove"   // removing what a probe wrote
	StepSend     = "send"     // handing a mail or a webhook over
)

// Fault is why a try did not succeed, in words for the client.
type Fault struct {
	// Step is where it happened.
	Step string
	// Class is the kind of fault: dns, refused, tls, timeout, reset, blocked, proxy
	// as safehttp.Classify names them; login, host-key, denied (no right to it),
	// space (no room), exists (the file is there and policy is fail), size (what
	// arrived is not what was sent), protocol for other answers; error for the rest.
	Class string
	// Message says what happened and, where it is known, what to do. It holds no
	// secret.
	Message string
	// Status is the protocol's code, such as FTP's 550, 0 for none.
	Status int
	// Permanent tells that another try cannot do better without a change of the
	// settings or of the other side: a wrong password, another host key.
	Permanent bool
	// Unknown tells that it may have arrived all the same.
	Unknown bool
	// RetryAfter is the wait the other side asked for, 0 for none.
	RetryAfter time.Duration
}

func (f *Fault) Error() string { return f.Message }

// Settings are a destination's members as its carrier is given them: those of
// its connection, if it names one, with its own over them, and macros filled in.
type Settings map[string]json.RawMessage

// Text is a member that is a string or a number, without white space around it;
// anything else is "".
func (s Settings) Text(name string) string { return Text(s[name]) }

// Secret is a member that is a string, as it is: a password may begin with a
// space.
func (s Settings) Secret(name string) string {
	var text string
	if json.Unmarshal(s[name], &text) != nil {
		return s.Text(name)
	}
	return text
}

// Has tells whether a member is there and says something.
func (s Settings) Has(name string) bool {
	raw := strings.TrimSpace(string(s[name]))
	return raw != "" && raw != "null" && raw != `""`
}

// Bool is a member that is true or false, also written as a string or 1 and 0;
// unless it is one of these it is otherwise.
func (s Settings) Bool(name string, otherwise bool) bool {
	var b bool
	if json.Unmarshal(s[name], &b) == nil && s.Has(name) {
		return b
	}
	switch strings.ToLower(s.Text(name)) {
	case "true", "yes", "on", "1":
		return true
	case "false", "no", "off", "0":
		return false
	}
	return otherwise
}

// Port is the member "port", or otherwise when there is none; a Refusal when it
// is no port.
func (s Settings) Port(otherwise int) (int, error) {
	if !s.Has("port") {
		return otherwise, nil
	}
	n, err := strconv.Atoi(s.Text("port"))
	if err != nil || n < 1 || n > 65535 {
		return 0, Refusal(`"port" must be a number from 1 to 65535`)
	}
	return n, nil
}

// List is a member that is a list of texts, or one text with commas between.
func (s Settings) List(name string) []string {
	var items []json.RawMessage
	var texts []string
	if json.Unmarshal(s[name], &items) == nil {
		for _, item := range items {
			texts = append(texts, Text(item))
		}
	} else {
		texts = strings.Split(s.Text(name), ",")
	}
	var all []string
	for _, text := range texts {
		if text = strings.TrimSpace(text); text != "" {
			all = append(all, text)
		}
	}
	return all
}
