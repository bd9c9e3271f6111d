package ftp

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/textproto"
	"slices"
	"strings"

	"github.com/jlaffaye/ftp"

	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/safehttp"
)

// reply is the server's answer that is behind an error, nil for none.
func reply(err error) *textproto.Error {
	var r *textproto.Error
	if errors.As(err, &r) {
		return r
	}
	return nil
}

// fault puts an error into words for the client.
func (t *try) fault(err error) *export.Fault {
	var known *export.Fault
	if errors.As(err, &known) {
		return known
	}
	f := &export.Fault{Step: t.Step}
	cause := context.Cause(t.ctx)
	r := t.answer(err)
	switch {
	case errors.Is(cause, errStalled):
		f.Class, f.Message = "timeout", fmt.Sprintf("The server has done nothing for %v", t.patience())
	case cause != nil:
		f.Class, f.Message = safehttp.Classify(cause), "The upload was given up before it was complete"
	case errors.Is(err, errLocal):
		f.Class, f.Message = "error", "The movie's file cannot be read on this side, or is shorter than it was"
	case r != nil:
		t.refused(f, r)
	default:
		t.lost(f, err)
	}
	f.Unknown = f.Step == export.StepRename && (f.Class == "reset" || f.Class == "timeout")
	return f
}

// answer is the reply behind an error. Of one to a user name the library keeps
// only the text.
func (t *try) answer(err error) *textproto.Error {
	var garbled textproto.ProtocolError
	r := reply(err)
	if r == nil && t.Step == export.StepLogin && t.replied >= 300 && safehttp.Classify(err) == "error" && !errors.As(err, &garbled) {
		return &textproto.Error{Code: t.replied, Msg: err.Error()}
	}
	return r
}

// refused is what the server's own words are about.
func (t *try) refused(f *export.Fault, r *textproto.Error) {
	f.Status, f.Permanent = r.Code, r.Code >= 500
	said := fmt.Sprintf("%d %s", r.Code, t.tidy(r.Msg))
	switch {
	case t.Step == export.StepTLS:
		f.Class = "tls"
		f.Message = fmt.Sprintf(`The server offers no TLS (%s), and without it nothing is sent; "secure" can be set to none if everybody on the way may read the password`, said)
	case full(r):
		f.Class, f.Permanent = "space", false
		f.Message = "The server has no room for the file: " + said
	case t.Step == export.StepLogin && t.secure == noTLS && says(r, "tls", "ssl", "encrypt", "cleartext"):
		f.Class, f.Permanent = "login", true
		f.Message = fmt.Sprintf(`The server wants TLS (%s); set "secure" to true`, said)
	case slices.Contains([]int{ftp.StatusNotLoggedIn, ftp.StatusInvalidCredentials, ftp.StatusLoginNeedAccount, ftp.StatusStorNeedAccount}, r.Code):
		f.Class, f.Permanent = "login", !says(r, "too many", "maximum", "limit", "later")
		f.Message = fmt.Sprintf("The server refused the login (%s): check user name and password", said)
	case r.Code == ftp.StatusFileUnavailable || r.Code == ftp.StatusBadFileName:
		f.Class, f.Message = "denied", fmt.Sprintf("The server does not let this user %s: %s", doing[t.Step], said)
	case r.Code == ftp.StatusTransfertAborted:
		f.Class, f.Message = "reset", "The server broke the upload off: "+said
	default:
		f.Class, f.Message = "protocol", "The server refused: "+said
	}
}

// doing is what a step does, after "let this user".
var doing = map[string]string{
	export.StepConnect: "connect",
	export.StepLogin:   "log in",
	export.StepFolder:  "enter the folder or make it",
	export.StepWrite:   "write here",
	export.StepSize:    "see the file's size",
	export.StepRename:  "rename the file, which must have another name until it is complete",
	export.StepRemove:  "remove the file again",
}

// insufficientStorage is the code for it that passes (RFC 959, section 4.2.2).
const insufficientStorage = 452

// full tells whether a server has no room for a file. Many say so in words only;
// "writing to local file" is vsftpd's for any fault of its disk.
func full(r *textproto.Error) bool {
	return r.Code == ftp.StatusExceededStorage || r.Code == insufficientStorage ||
		r.Code >= 400 && says(r, "no space", "not enough space", "quota", "disk full", "disk is full", "storage", "writing to local file")
}

func says(r *textproto.Error, words ...string) bool {
	said := strings.ToLower(r.Msg)
	return slices.ContainsFunc(words, func(word string) bool { return strings.Contains(said, word) })
}

// lost is a fault without an answer of the server.
func (t *try) lost(f *export.Fault, err error) {
	var untrusted *tls.CertificateVerificationError
	var unknown x509.UnknownAuthorityError
	var blocked *safehttp.BlockedError
	f.Class = safehttp.Classify(err)
	said := t.tidy(err.Error())
	switch {
	case errors.As(err, &untrusted):
		f.Class, f.Permanent = "tls", true
		f.Message = "The server's certificate is not trusted: " + t.tidy(untrusted.Err.Error())
		if errors.As(err, &unknown) {
			f.Message += `; the authority's own certificate can be set as "ca"`
		}
	case f.Class == "tls":
		f.Message = "TLS cannot be agreed on with the server: " + said
	case errors.Is(err, errData) && f.Class != "error":
		f.Message = "The server lets nobody connect to the port that it names for data; its passive ports must be open: " + said
	case f.Class == "dns":
		f.Message = fmt.Sprintf("The host %s was not found", t.host)
	case f.Class == "refused":
		f.Message = fmt.Sprintf("%s refused the connection", t.address())
	case f.Class == "reset":
		f.Message = "The server closed the connection"
	case errors.As(err, &blocked):
		f.Permanent, f.Message = true, "The FTP server cannot be used: "+blocked.Reason
	case f.Class == "error":
		f.Class, f.Message = "protocol", "The server's answer makes no sense: "+said
	default:
		f.Message = said
	}
}

// tidy makes what a server said fit to be shown: without user name, password and
// control characters, and short.
func (t *try) tidy(said string) string { return export.Tidy(said, t.password, t.user) }
