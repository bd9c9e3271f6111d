package listen

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"time"
)

// visit is one request under way.
type visit struct {
	h  *Handler
	w  http.ResponseWriter
	r  *http.Request
	at time.Time // when it came

	body    []byte
	verdict verdict
	reason  error // why it is forged
	double  bool
}

// read takes the body off the wire and leaves a copy for the application.
func (v *visit) read() (err error) {
	if v.body, err = io.ReadAll(http.MaxBytesReader(v.w, v.r.Body, maxBody)); err != nil {
		v.verdict = unread
		return err
	}
	v.r.Body, v.r.ContentLength, v.r.TransferEncoding = io.NopCloser(bytes.NewReader(v.body)), int64(len(v.body)), nil
	return nil
}

// unread answers a request whose body could not be read to its end.
func (v *visit) unread(err error) {
	if large := new(http.MaxBytesError); errors.As(err, &large) {
		v.answer(http.StatusRequestEntityTooLarge, ": a body may have 1 MiB", "")
		return
	}
	v.show("none: the request broke off")
	panic(http.ErrAbortHandler)
}

// wait keeps the answer back for the delay. It ends the visit when the sender
// does not wait that long, or the receiver is stopped.
func (v *visit) wait() {
	if v.h.Delay == 0 {
		return
	}
	timer := time.NewTimer(v.h.Delay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-v.r.Context().Done():
		v.giveUp()
	}
}

// giveUp ends a visit without an answer: just to return would be a 200.
func (v *visit) giveUp() {
	v.show("none: given up after " + took(v.at))
	panic(http.ErrAbortHandler)
}

// answer gives an answer of our own. The reason is told to the sender too, the
// detail is only shown.
func (v *visit) answer(status int, reason, detail string) {
	v.wait()
	text := describe(status) + reason
	v.show(text + detail)
	v.w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	v.w.WriteHeader(status)
	if status != http.StatusNoContent && status != http.StatusNotModified {
		fmt.Fprintln(v.w, text)
	}
}

// forward hands the request to the application, whatever path it came to, and
// the answer back. A redirect is an answer like any other. The delay is after
// the application: it has done its work when a sender gives up, as it has with
// a slow application, and the next attempt is a double.
func (v *visit) forward() {
	proxy := httputil.ReverseProxy{
		Transport: v.h.transport,
		ErrorLog:  quiet,
		Rewrite:   v.rewrite,
		ModifyResponse: func(resp *http.Response) error {
			spent := took(v.at)
			v.wait()
			v.show(describe(resp.StatusCode) + ", from the app in " + spent)
			return nil
		},
		ErrorHandler: func(_ http.ResponseWriter, _ *http.Request, err error) {
			if v.r.Context().Err() != nil {
				v.giveUp()
			}
			v.answer(http.StatusBadGateway, ": the app gave no answer", fmt.Sprintf(" at %s: %v", v.h.Forward.Redacted(), err))
		},
	}
	proxy.ServeHTTP(v.w, v.r)
}

// rewrite addresses a request to the application.
func (v *visit) rewrite(p *httputil.ProxyRequest) {
	to := *v.h.Forward
	p.Out.URL, p.Out.Host = &to, ""
	for _, name := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"} {
		if values, ok := p.In.Header[name]; ok { // the proxy took them away
			p.Out.Header[name] = values
		}
	}
	// The 100 was given, and no other protocol is spoken.
	for _, name := range []string{"Expect", "Connection", "Upgrade", "Te"} {
		p.Out.Header.Del(name)
	}
}
