package email

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"net/textproto"
	"strings"

	"github.com/wneessen/go-mail/smtp"

	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/safehttp"
)

// unreadable is the fault of settings that were refused.
func unreadable(err error) *export.Fault {
	return &export.Fault{Step: export.StepSettings, Class: "error", Message: err.Error(), Permanent: true}
}

// fault puts an error into words for the client.
func (t *try) fault(err error) *export.Fault {
	f := &export.Fault{Step: t.Step}
	var answer *textproto.Error
	switch {
	case errors.Is(err, errLocal):
		f.Class, f.Message = "error", "The movie's file cannot be read here"
	case errors.As(err, &answer):
		t.answered(f, answer.Code, answer.Msg)
	case safehttp.IsBlocked(err):
		f.Class, f.Message, f.Permanent = "blocked", "The mail server cannot be used: "+err.Error(), true
	default:
		t.unreached(f, err)
	}
	return f
}

// answered is by the server's code (RFC 5321, section 4.2; RFC 4954, section 6).
func (t *try) answered(f *export.Fault, code int, text string) {
	f.Status, f.Class, f.Permanent = code, "protocol", code >= 500
	said := strings.TrimSpace(fmt.Sprintf("%d %s", code, t.clean(text)))
	switch {
	case f.Step == export.StepLogin && code >= 500, code == 530 || code == 535:
		f.Step, f.Class = export.StepLogin, "login"
		f.Message = fmt.Sprintf(`The mail server %s refused the login: %s. Correct "username" and "password"`, t.host, said)
		switch {
		case t.operators:
			f.Message = fmt.Sprintf("The mail server %s refused this server's login: %s. Its operator has to correct --smtp", t.host, said)
		case t.password == "":
			f.Message = fmt.Sprintf(`The mail server %s wants a login: %s. Set "username" and "password"`, t.host, said)
		}
	case f.Step == export.StepTLS && code >= 500:
		f.Class, f.Message = "tls", fmt.Sprintf("The mail server %s refused TLS: %s", t.host, said)
	case code == 452 || code == 552:
		f.Class, f.Permanent = "space", false
		f.Message = fmt.Sprintf("The mail server %s has no room: %s", t.host, said)
	case code == 550 || code == 551 || code == 553 || code == 554:
		f.Class, f.Message = "denied", fmt.Sprintf("The mail server %s refused it: %s", t.host, said)
	default:
		f.Message = fmt.Sprintf("The mail server %s answered %s", t.host, said)
	}
	if t.refused != "" {
		f.Message = fmt.Sprintf("The recipient %s was not taken, so nothing was sent. %s", t.clean(t.refused), f.Message)
	}
}

// unreached is what kept the server from answering.
func (t *try) unreached(f *export.Fault, err error) {
	where := t.address()
	var certificate *tls.CertificateVerificationError
	switch {
	case errors.Is(err, errNoTLS):
		f.Class, f.Permanent = "tls", true
		f.Message = where + ` offers no TLS, and nothing is sent without; if it has a port of its own for TLS, set "port", and "secure" to implicit`
		return
	case errors.Is(err, errInternational):
		f.Class, f.Permanent = "protocol", true
		f.Message = fmt.Sprintf("%s cannot take the address %s, which is not ASCII, so nothing was sent; use another address", where, t.clean(t.refused))
		return
	case errors.Is(err, errNoLogin), errors.Is(err, smtp.ErrUnencrypted):
		f.Class, f.Permanent = "login", true
		f.Message = where + " takes no login with a password that is known here"
		return
	case errors.As(err, &certificate):
		f.Class, f.Permanent = "tls", true
		f.Message = fmt.Sprintf("The certificate of %s is not right: %s", where, t.clean(certificate.Err.Error()))
		return
	}
	if f.Class = t.class(err); f.Class == "error" && f.Step == export.StepLogin {
		f.Class = "protocol" // connected it is; a challenge made no sense
	}
	f.Message = map[string]string{
		"dns": "The host " + t.host + " was not found", "refused": where + " refused the connection",
		"timeout": where + " did not answer in time", "reset": where + " closed the connection",
		"tls": "No safe connection to " + where, "protocol": where + " did not answer as a mail server does",
	}[f.Class]
	if f.Message == "" {
		f.Message = where + " cannot be reached"
	}
	if t.finished { // and may have been taken, whatever was heard of it
		f.Unknown = true
		f.Message += "; the mail may have been taken"
	}
}

// class is the kind of a fault that is no answer. Of a context that ended, the
// error tells no more than that the connection was closed.
func (t *try) class(err error) string {
	var broken textproto.ProtocolError
	switch {
	case errors.Is(t.ctx.Err(), context.DeadlineExceeded):
		return "timeout"
	case t.ctx.Err() != nil:
		return "reset"
	case errors.Is(err, errTalkative), errors.As(err, &broken):
		return "protocol"
	}
	return safehttp.Classify(err)
}

// clean is a server's text as it may be shown.
func (t *try) clean(text string) string { return export.Tidy(text, t.secrets()...) }

// secrets are what a server that repeats what it heard could say: the password,
// and what of the login travels. A user name of a few letters is found in any word.
func (t *try) secrets() (all []string) {
	encode := base64.RawStdEncoding.EncodeToString // without "=", which may be there or not
	if t.password != "" {
		all = append(all, encode([]byte("\x00"+t.user+"\x00"+t.password)), t.password, encode([]byte(t.password)))
	}
	if len(t.user) >= 4 {
		all = append(all, t.user, encode([]byte(t.user)))
	}
	return all
}
