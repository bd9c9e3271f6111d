package httpput

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/safehttp"
)

// maxText bounds what of a stranger's text goes into a message.
const maxText = 200

// failed is the fault of a try that got no answer. Errors of net/http may quote
// the URL, so only texts that are known to be free of it are shown.
func (t *try) failed(err error) *export.Fault {
	if cause := context.Cause(t.ctx); cause != nil {
		err = cause
	}
	f := &export.Fault{Step: t.reached(), Class: safehttp.Classify(err)}
	if errors.Is(err, net.ErrClosed) { // by the transport, when the server hung up
		f.Class = "reset"
	}
	var blocked *safehttp.BlockedError
	var proxy *safehttp.ProxyError
	var cert *tls.CertificateVerificationError
	switch {
	case errors.Is(err, errLocal):
		f.Step, f.Class, f.Message = export.StepWrite, "error", "The movie's file cannot be read on this side"
		return f
	case errors.Is(err, errShort):
		f.Class, f.Message = "size", "The movie's file ended before it was sent whole"
		return f
	case errors.As(err, &blocked):
		f.Step, f.Permanent = export.StepConnect, true
		f.Message = "The upload's URL cannot be used: " + blocked.Reason
	case errors.As(err, &proxy):
		f.Step, f.Message = export.StepConnect, "The file was not sent: "+cut(proxy.Error())
	case errors.As(err, &cert):
		f.Permanent = true
	}
	f.Unknown = t.sentAll()
	if f.Message == "" {
		t.explain(f, err)
	}
	if f.Unknown {
		f.Message += "; the file may have arrived all the same"
	}
	return f
}

// reached is the step that was reached.
func (t *try) reached() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.step == export.StepLogin { // no answer is no word about that
		return export.StepWrite
	}
	return t.step
}

func (t *try) explain(f *export.Fault, err error) {
	host := t.url.Host
	switch f.Class {
	case "dns":
		f.Step, f.Message = export.StepConnect, fmt.Sprintf("The host %s was not found", t.url.Hostname())
	case "refused":
		f.Step, f.Message = export.StepConnect, host+" refused the connection"
	case "tls":
		f.Step, f.Message = export.StepTLS, fmt.Sprintf("No safe connection to %s: %s", host, cut(err.Error()))
	case "reset":
		f.Message = host + " closed the connection before the upload was complete"
		if f.Unknown {
			f.Message = host + " closed the connection before it answered"
		}
	case "timeout":
		f.Message = fmt.Sprintf("The time for the upload to %s was over before it was complete", host)
	default:
		f.Message = fmt.Sprintf("%s did not answer in HTTP that can be read", host)
	}
	switch {
	case errors.Is(err, errStalled) && f.Unknown:
		f.Class, f.Message = "timeout", fmt.Sprintf("%s did not answer within %v of the file's last byte", host, t.carrier.stall)
	case errors.Is(err, errStalled):
		f.Class, f.Message = "timeout", fmt.Sprintf("%s took nothing for %v", host, t.carrier.stall)
	case errors.Is(err, context.Canceled):
		f.Message = "The upload was given up before it was complete"
	case f.Step == export.StepConnect && f.Class == "timeout":
		f.Message = fmt.Sprintf("No connection to %s in time", host)
	case f.Step == export.StepTLS && f.Class == "timeout":
		f.Message = fmt.Sprintf("No safe connection to %s in time", host)
	}
}

// shown is a stranger's text, or "" when it gives something of a secret away.
func (t *try) shown(text string) string {
	const telling = 10 // bytes of a secret
	lower := strings.ToLower(text)
	for _, s := range t.secrets {
		if strings.Contains(lower, s) {
			return ""
		}
		for _, word := range strings.FieldsFunc(lower, func(r rune) bool { return strings.ContainsRune(" :/?&=#,;<>\"'()", r) }) {
			if len(word) >= telling && strings.Contains(s, word) {
				return ""
			}
		}
	}
	return cut(text)
}

// cut shortens a stranger's text and takes control characters out of it.
func cut(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "�"))
	if r := []rune(s); len(r) > maxText {
		return string(r[:maxText]) + "…"
	}
	return s
}
