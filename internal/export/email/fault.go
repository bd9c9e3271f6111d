package email

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/textproto"
	"strings"
	"unicode"

	"github.com/wneessen/go-mail"

	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/safehttp"
)

// fault puts an error into words for the client.
func (t *try) fault(err error) *export.Fault {
	f := &export.Fault{Step: t.step, Class: safehttp.Classify(err)}
	var answer *textproto.Error
	var send *mail.SendError
	switch {
	case errors.Is(err, errLocal):
		f.Class, f.Message = "error", "The movie's file cannot be read here"
		return f
	case errors.As(err, &send):
		return t.refused(f, send, err)
	case errors.As(err, &answer):
		return t.answered(f, answer.Code, answer.Msg)
	case safehttp.IsBlocked(err):
		f.Message, f.Permanent = "The mail server cannot be used: "+err.Error(), true
		return f
	}
	return t.unreached(f, err)
}

// refused is a mail that was not taken.
func (t *try) refused(f *export.Fault, send *mail.SendError, err error) *export.Fault {
	var answer *textproto.Error
	if send.ErrorCode() != 0 || errors.As(err, &answer) {
		code := send.ErrorCode()
		text := t.clean(err.Error())
		if answer != nil {
			code, text = answer.Code, t.clean(answer.Msg)
		}
		f = t.answered(f, code, text)
		if send.Reason == mail.ErrSMTPRcptTo {
			f.Message = "A recipient was refused, so nothing was sent: " + f.Message
		}
		return f
	}
	f = t.unreached(f, err)
	if send.Reason == mail.ErrSMTPDataClose { // all of it was sent
		f.Unknown = true
		f.Message += "; the mail may have been taken"
	}
	return f
}

// answered is by the server's code (RFC 5321, section 4.2; RFC 4954, section 6).
func (t *try) answered(f *export.Fault, code int, text string) *export.Fault {
	f.Status, f.Class, f.Permanent = code, "protocol", code >= 500
	if t.step == export.StepTLS && t.secured.Load() {
		f.Step = export.StepLogin // the library shakes hands and logs in at one stroke
	}
	said := strings.TrimSpace(fmt.Sprintf("%d %s", code, t.clean(text)))
	switch {
	case code == 530 || code == 534 || code == 535 || code == 538 || f.Step == export.StepLogin && code >= 500:
		f.Step, f.Class = export.StepLogin, "login"
		f.Message = fmt.Sprintf("The mail server %s refused the login: %s. Correct \"username\" and \"password\"", t.host, said)
	case code == 452 || code == 552:
		f.Class, f.Permanent = "space", false
		f.Message = fmt.Sprintf("The mail server %s has no room: %s", t.host, said)
	case code == 550 || code == 551 || code == 553 || code == 554:
		f.Class = "denied"
		f.Message = fmt.Sprintf("The mail server %s refused it: %s", t.host, said)
	default:
		f.Message = fmt.Sprintf("The mail server %s answered %s", t.host, said)
	}
	return f
}

// unreached is what kept the server from answering.
func (t *try) unreached(f *export.Fault, err error) *export.Fault {
	where := t.address()
	var certificate x509.CertificateInvalidError
	var name x509.HostnameError
	var authority x509.UnknownAuthorityError
	text := err.Error()
	switch {
	case t.ctx.Err() != nil && !errors.Is(t.ctx.Err(), context.Canceled), errors.Is(err, context.DeadlineExceeded):
		f.Class = "timeout"
	case t.ctx.Err() != nil:
		f.Class = "reset"
	case strings.Contains(text, "does not support STARTTLS"):
		f.Step, f.Class, f.Permanent = export.StepTLS, "tls", true
		f.Message = fmt.Sprintf("%s offers no TLS, and nothing is sent without; if it has a port of its own for TLS, set \"port\" and \"secure\": \"implicit\"", where)
		return f
	case strings.Contains(text, "SMTP AUTH") || strings.Contains(text, "auth"):
		f.Step, f.Class, f.Permanent = export.StepLogin, "login", true
		f.Message = fmt.Sprintf("%s takes no login with a password that is known here", where)
		return f
	case errors.As(err, &certificate), errors.As(err, &name), errors.As(err, &authority):
		f.Step, f.Class, f.Permanent = export.StepTLS, "tls", true
		f.Message = fmt.Sprintf("The certificate of %s is not right: %s", where, t.clean(text))
		return f
	}
	if !t.secured.Load() && t.step == export.StepTLS && f.Class != "tls" && t.secure == startTLS {
		f.Step = export.StepConnect // it never came so far
	}
	words := map[string]string{
		"dns": "The host " + t.host + " was not found", "refused": where + " refused the connection",
		"timeout": where + " did not answer in time", "reset": where + " closed the connection", "tls": "No safe connection to " + where,
	}
	if f.Message = words[f.Class]; f.Message == "" {
		f.Class, f.Message = "error", where+" did not answer as a mail server does"
	}
	return f
}

// clean is a server's text as it may be shown.
func (t *try) clean(text string) string {
	for _, secret := range []string{t.password, t.user} {
		if len(secret) >= 4 {
			text = strings.ReplaceAll(text, secret, "…")
		}
	}
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, text)
	if r := []rune(text); len(r) > 200 {
		text = string(r[:200]) + "…"
	}
	return strings.TrimSpace(text)
}
