package httpput

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/reelhook/reelhook/internal/export"
)

// maxAnswer bounds what is read of an answer's body, in bytes.
const maxAnswer = 16 << 10

// answered is the fault that an answer tells of, nil when the file was taken.
func (t *try) answered(resp *http.Response) *export.Fault {
	status := resp.StatusCode
	said := t.said(resp)
	f := &export.Fault{Step: export.StepWrite, Class: "protocol", Status: status}
	f.Message = t.url.Host + " answered " + strings.TrimSpace(strconv.Itoa(status)+" "+http.StatusText(status))
	switch {
	case status >= 200 && status < 300 && t.sentAll():
		return nil
	case status >= 200 && status < 300:
		f.Message += " before it had the whole file"
		return f
	case said.text != "":
		f.Message += " (" + said.text + ")"
	}
	switch {
	case status == http.StatusUnauthorized:
		f.Step, f.Class, f.Permanent = export.StepLogin, "login", true
		f.Message += `; check what "headers" log in with`
	case status == http.StatusForbidden:
		f.Class, f.Permanent = "denied", true
		f.Message += "; a signed URL may have expired, or have been signed for another method, content type or header"
	case status == http.StatusNotFound, status == http.StatusGone:
		f.Permanent = true
		f.Message += `; check the path of "url"`
	case status == http.StatusRequestEntityTooLarge:
		f.Class, f.Permanent = "space", true
		f.Message += "; the file is larger than it takes"
	case status == http.StatusInsufficientStorage:
		f.Class = "space"
		f.Message += "; there is no room for the file"
	case status >= 300 && status < 400:
		f.Permanent = true
		f.Message += t.redirect(resp)
	default:
		f.Permanent = !passing(status, said.code)
	}
	if !f.Permanent {
		f.RetryAfter = export.RetryAfter(resp.Header.Get("Retry-After"), time.Now())
	}
	return f
}

// passing tells that another try may be answered otherwise.
func passing(status int, code string) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests, http.StatusLocked:
		return true
	case http.StatusBadRequest:
		return code == "RequestTimeout" // what S3 says of a connection that was slow
	}
	return status >= 500 || status < 200
}

// said is what an answer's body says: a code, and that with words.
type said struct{ code, text string }

// said reads an answer in the form that S3, Google Cloud Storage and Azure share.
// All else is a stranger's page.
func (t *try) said(resp *http.Response) said {
	if resp.StatusCode < 300 {
		return said{}
	}
	page, _ := io.ReadAll(io.LimitReader(resp.Body, maxAnswer)) // what came is enough
	var a struct {
		XMLName       xml.Name `xml:"Error"`
		Code, Message string
	}
	_ = xml.Unmarshal(bytes.TrimPrefix(page, []byte("\ufeff")), &a) // that of a page which is cut off has its beginning
	text := strings.TrimSpace(a.Code)
	if message := strings.TrimSpace(a.Message); message != "" {
		text = strings.TrimPrefix(text+": "+message, ": ")
	}
	text = t.shown(text)
	if text == "" {
		text = t.shown(strings.TrimSpace(a.Code))
	}
	return said{a.Code, strings.TrimRight(text, ".")}
}

// redirect tells where one leads. A file that is sent on might reach whom its owner
// did not mean.
func (t *try) redirect(resp *http.Response) string {
	const advice = `are not followed: set "url" to the address that takes the file`
	to, err := resp.Location()
	if err != nil || to.Scheme != "https" && to.Scheme != "http" || to.Host == "" {
		return "; redirects " + advice
	}
	host := to.Host
	if host != t.url.Host {
		host = t.shown(host)
	}
	if host == "" {
		return "; redirects " + advice
	}
	return fmt.Sprintf("; redirects, here to %s://%s, %s", to.Scheme, host, advice)
}

// etag is what the server calls the file's content (RFC 9110, section 8.8.3).
func (t *try) etag(resp *http.Response) string {
	return t.shown(strings.Trim(strings.TrimPrefix(resp.Header.Get("ETag"), "W/"), `"`))
}
