package s3

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"

	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/safehttp"
)

// fault puts an error into words for the client.
func (t *try) fault(err error) *export.Fault {
	var known *export.Fault
	if errors.As(err, &known) {
		return known
	}
	f := &export.Fault{Step: t.Step, RetryAfter: time.Duration(t.wait.Load())}
	cause := context.Cause(t.ctx)
	said := answer(err)
	switch {
	case errors.Is(err, errLocal):
		f.Class, f.Message = "error", "The movie's file cannot be read on this side"
	case said.Code != "":
		t.refused(f, said)
	case errors.Is(cause, errStalled):
		f.Class, f.Message = "timeout", fmt.Sprintf("%s has taken or answered nothing for %v", t.endpoint.Host, t.carrier.stall)
	case cause != nil:
		f.Class, f.Message = safehttp.Classify(cause), "The upload was given up before it was complete"
	default:
		t.unanswered(f, err)
	}
	f.Unknown = said.Code == "" && t.whole.Load()
	return f
}

// answer is what a store said to a request, nothing if it is another error.
func answer(err error) minio.ErrorResponse {
	var said minio.ErrorResponse
	errors.As(err, &said)
	return said
}

// refused is a fault that the store speaks of.
func (t *try) refused(f *export.Fault, said minio.ErrorResponse) {
	v := explain(said)
	f.Class, f.Permanent, f.Status = v.class, v.permanent, said.StatusCode
	f.Message = v.message
	if v.code == "" {
		f.Message += ": " + t.tidy(said.Code+", "+said.Message)
	}
	if v.region && said.Region != "" {
		f.Message += `; the store names "` + t.tidy(said.Region) + `"`
	}
}

// verdict is what an answer means. Its message is ours: a store's may repeat what
// it was sent.
type verdict struct {
	code, class, message string
	permanent, region    bool
}

const otherRegion = `The bucket is in another region: set "region", or "endpoint" to the one of that region`

// verdicts are the answers that a client can do something about, or that mean
// something else than their status does (Amazon S3, "Error responses"; the last of
// each class are those of other stores).
var verdicts = []verdict{
	{code: "InvalidAccessKeyId", class: "login", permanent: true, message: `The store does not know the access key: check "access-key"`},
	{code: "SignatureDoesNotMatch", class: "login", permanent: true, message: `The store did not accept the signature: check "secret-key"`},
	{code: "InvalidToken", class: "login", permanent: true, message: `The store did not accept "session-token"`},
	{code: "ExpiredToken", class: "login", permanent: true, message: `The store says that "session-token" has expired`},
	{code: "TokenRefreshRequired", class: "login", permanent: true, message: `The store says that "session-token" has expired`},
	{code: "RequestTimeTooSkewed", class: "login", message: "The store's clock and this server's differ too much: set this server's clock"},
	{code: "Unauthorized", class: "login", permanent: true, message: `The store did not accept the login: check "access-key" and "secret-key"`},

	{code: "AccessDenied", class: "denied", permanent: true, message: "The store does not permit this to the access key: check its rights on the bucket"},
	{code: "NoSuchBucket", class: "denied", permanent: true, message: `The bucket does not exist: check "bucket", or set "create-bucket" to true to have it made`},
	{code: "BucketAlreadyExists", class: "denied", permanent: true, message: "The bucket's name is taken by somebody else: choose another"},
	{code: "AllAccessDisabled", class: "denied", permanent: true, message: "The store has switched the bucket off"},
	{code: "AccountProblem", class: "denied", permanent: true, message: "The store says that there is a problem with the account"},

	{code: "PermanentRedirect", class: "protocol", permanent: true, region: true, message: otherRegion},
	{code: "TemporaryRedirect", class: "protocol", region: true, message: otherRegion},
	{code: "AuthorizationHeaderMalformed", class: "protocol", permanent: true, region: true, message: otherRegion},
	{code: "IllegalLocationConstraintException", class: "protocol", permanent: true, region: true, message: otherRegion},
	{code: "InvalidRegion", class: "protocol", permanent: true, region: true, message: otherRegion},

	{code: "EntityTooLarge", class: "space", permanent: true, message: "The file is larger than the store takes"},
	{code: "QuotaExceeded", class: "space", message: "The store's quota is used up"},
	{code: "XMinioAdminBucketQuotaExceeded", class: "space", message: "The bucket's quota is used up"},
	{code: "XMinioStorageFull", class: "space", message: "The store has no room for the file"},
	{code: "InsufficientCapacity", class: "space", message: "The store has no room for the file"},

	{code: "BadDigest", class: "size", message: "The store received another file than was sent"},
	{code: "XAmzContentSHA256Mismatch", class: "size", message: "The store received another file than was sent"},
	{code: "IncompleteBody", class: "size", message: "The store did not receive all of the file"},

	{code: "SlowDown", class: "protocol", message: "The store asks for fewer requests"},
	{code: "RequestTimeout", class: "timeout", message: "The store waited too long for the file"},
}

// explain finds what an answer means, by its code, else by its status.
func explain(said minio.ErrorResponse) verdict {
	for _, v := range verdicts {
		if v.code == said.Code {
			return v
		}
	}
	v := verdict{class: "protocol", message: "The store answered " + strconv.Itoa(said.StatusCode)}
	switch status := said.StatusCode; {
	case strings.Contains(strings.ToLower(said.Message), "no space left"): // what a gateway says of its disk
		v.class = "space"
	case status == http.StatusUnauthorized:
		v.class, v.permanent = "login", true
	case status == http.StatusForbidden:
		v.class, v.permanent = "denied", true
	case status == http.StatusInsufficientStorage, status == http.StatusRequestEntityTooLarge:
		v.class = "space"
	case status >= 300 && status < 400:
		v.permanent, v.message = true, v.message+`, a redirect, which is not followed: set "endpoint" to the address that answers`
	case status == http.StatusBadRequest, status == http.StatusMethodNotAllowed, status == http.StatusNotImplemented:
		v.permanent = true // it does not take these settings
	}
	return v
}

// unanswered is a fault of the way to the store, or of an answer that makes no
// sense.
func (t *try) unanswered(f *export.Fault, err error) {
	host := t.endpoint.Host
	f.Class = classify(err)
	var lost *lostError
	if errors.As(err, &lost) {
		err = lost.error
	}
	var blocked *safehttp.BlockedError
	var proxy *safehttp.ProxyError
	switch {
	case errors.As(err, &blocked):
		f.Permanent = true
		f.Message = "The store cannot be used: " + blocked.Reason
	case errors.As(err, &proxy):
		f.Message = "The store was not reached: " + t.tidy(proxy.Error())
	case f.Class == "dns":
		f.Message = fmt.Sprintf("The host of %s was not found", host)
	case f.Class == "refused":
		f.Message = fmt.Sprintf("%s refused the connection", host)
	case f.Class == "tls":
		f.Message = fmt.Sprintf("No safe connection to %s: %s", host, t.tidy(err.Error()))
	case f.Class == "timeout":
		f.Message = fmt.Sprintf("Connecting to %s took longer than %v", host, export.ConnectTimeout)
	case f.Class == "reset":
		f.Message = fmt.Sprintf("%s closed the connection before it answered", host)
	case lost != nil:
		f.Message = fmt.Sprintf("No connection to %s: %s", host, t.tidy(err.Error()))
	default:
		f.Class, f.Message = "protocol", fmt.Sprintf(`%s did not answer as an S3 store does: check "endpoint"`, host)
	}
}

// classify knows one more: the transport closes a connection that ends while it
// still writes to it, and may say of that only.
func classify(err error) string {
	if errors.Is(err, net.ErrClosed) {
		return "reset"
	}
	return safehttp.Classify(err)
}

// signature is one of SigV4, or a checksum.
var signature = regexp.MustCompile(`[0-9A-Fa-f]{64}`)

// tidy makes what a store said fit to be shown: without the client's secrets,
// signatures and control characters, and short.
func (t *try) tidy(said string) string {
	return export.Tidy(signature.ReplaceAllString(said, "…"), t.secret, t.token)
}
