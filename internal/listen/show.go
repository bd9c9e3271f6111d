package listen

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/reelhook/reelhook/webhook"
)

// verdict is what is known of a signature.
type verdict int

const (
	unverified verdict = iota
	verified
	forged
	unread // the body did not come to its end
)

// The colours of a terminal (ECMA-48, SGR).
const (
	bold   = "1"
	red    = "31"
	green  = "32"
	yellow = "33"
)

func (h *Handler) paint(colour, text string) string {
	if !h.Colour {
		return text
	}
	return "\x1b[" + colour + "m" + text + "\x1b[0m"
}

// show prints the visit and its answer as one block, before the answer is sent:
// what hangs is seen at once.
func (v *visit) show(answer string) {
	head := v.at.Local().Format(time.TimeOnly) + "  " + clean(v.r.Method+" "+v.r.RequestURI)
	if event := v.r.Header.Get(webhook.HeaderEvent); event != "" {
		head += "  " + clean(event)
	}
	var b strings.Builder
	fmt.Fprintln(&b, v.h.paint(bold, head))
	line := func(name, text string) { fmt.Fprintf(&b, "  %-10s %s\n", name, text) }
	if id := v.message(); id != "" {
		line("message", id)
	}
	line("signature", v.signature())
	if v.verdict != unread {
		what, body := showBody(v.r.Header.Get("Content-Type"), v.body)
		line("body", what)
		for text := range strings.Lines(body) {
			fmt.Fprintln(&b, strings.TrimRight("    "+text, " \n"))
		}
	}
	line("answer", v.h.paint(colourOf(answer), clean(answer)))
	v.h.mu.Lock()
	defer v.h.mu.Unlock()
	fmt.Fprintln(v.h.Out, b.String())
}

// message is the id, the attempt and whether it came before.
func (v *visit) message() string {
	var parts []string
	if id := v.r.Header.Get(webhook.HeaderID); id != "" {
		parts = append(parts, clean(id))
	}
	if attempt := v.r.Header.Get(webhook.HeaderAttempt); attempt != "" {
		parts = append(parts, "attempt "+clean(attempt))
	}
	if v.double {
		parts = append(parts, v.h.paint(yellow, "seen before"))
	}
	return strings.Join(parts, ", ")
}

func (v *visit) signature() string {
	switch v.verdict {
	case verified:
		return v.h.paint(green, "verified")
	case forged:
		return v.h.paint(red, "FORGED: "+clean(strings.TrimPrefix(v.reason.Error(), "webhook: ")))
	case unread:
		return "not verified: the body was not read to its end"
	default:
		return "not verified: no --secret"
	}
}

// describe is a status in words.
func describe(status int) string {
	return strings.TrimSpace(fmt.Sprintf("%d %s", status, http.StatusText(status)))
}

func colourOf(answer string) string {
	if strings.HasPrefix(answer, "2") {
		return green
	}
	return red
}

// took is how long it is since a time.
func took(since time.Time) string { return time.Since(since).Round(time.Millisecond).String() }
