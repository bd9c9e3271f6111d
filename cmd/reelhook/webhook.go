package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/reelhook/reelhook/internal/api"
)

type webhookCmd struct {
	Test webhookTestCmd `cmd:"" help:"Have the server send a made-up event to an address, and show how it went."`
}

type webhookTestCmd struct {
	remote
	URL    string `arg:"" help:"The address, under the server's rules for endpoints."`
	Status string `help:"How the made-up movie ended: done or error." enum:"done,error" default:"done"`
	Event  string `help:"The event, movie.completed when not given." placeholder:"EVENT"`
	DryRun bool   `help:"Resolve, connect and shake hands, but send nothing."`
}

// Help is shown below the flags.
func (webhookTestCmd) Help() string {
	return `One attempt, signed like any other, with the address that was reached, TLS and certificate, timings, the headers that were sent and the answer. The exit status is 1 when it did not succeed. Without a server: reelhook trigger.

Examples:

  reelhook webhook test https://example.org/hook
  reelhook webhook test https://example.org/hook --event movie.failed --dry-run`
}

// Run tests.
func (c webhookTestCmd) Run(ctx context.Context, s *screen) error {
	tested, err := c.client().TestWebhook(ctx, api.TestOrder{Endpoint: c.URL, Status: c.Status, Event: c.Event, DryRun: c.DryRun})
	if err != nil {
		return c.explain(err)
	}
	return s.tested(tested, c.DryRun, c.JSON)
}

// tested shows an attempt of a made-up event. Its error is the exit status.
func (s *screen) tested(t api.Tested, dry, asJSON bool) error {
	good := t.Attempt.Result == "succeeded" || dry && t.Attempt.Class == ""
	if asJSON {
		if err := s.json(t); err != nil {
			return err
		}
	} else {
		s.fact("Event", t.Delivery.Event)
		s.whole("Target", t.Delivery.Target)
		shown := t.Attempt
		switch {
		case dry && good: // whatever its result is, it is none of the endpoint's
			shown.Result = "reached, nothing was sent"
		case dry:
			s.fact("Dry run", "nothing was sent")
		default:
			s.fact("Delivery", t.Delivery.ID)
		}
		s.attempt(shown)
	}
	if good {
		return nil
	}
	return exitCode(1)
}

// attempt shows all that is known of one.
func (s *screen) attempt(a api.Attempt) {
	answer := ""
	if a.Status != nil {
		answer = strings.TrimRight(fmt.Sprintf(", %d %s", *a.Status, http.StatusText(*a.Status)), " ")
	}
	s.state(fmt.Sprintf("Attempt %d", a.Number), a.Result, answer)
	s.fact("Made", s.local(a.StartedAt))
	if a.Error != "" {
		s.whole("Error", strings.TrimPrefix(a.Class+": "+a.Error, ": "))
	}
	if a.RetryAfter != nil {
		s.fact("Retry after", seconds(*a.RetryAfter))
	}
	address := a.Address
	if a.Reused {
		address += ", a connection that was open"
	}
	s.fact("Address", address)
	s.fact("TLS", a.TLS)
	s.fact("Certificate", a.Fingerprint)
	s.fact("Time", latencyParts(a.Latency))
	s.headers("Sent", a.RequestHeaders, s.whole)
	s.headers("Answered", a.AnswerHeaders, s.fact)
	s.answer(a)
}

// latencyParts are where the time of an attempt went; what was not done is left out.
func latencyParts(l api.Latency) string {
	parts := []string{millis(l.Total)}
	for _, step := range []struct {
		name string
		took float64
	}{{"DNS", l.DNS}, {"connect", l.Connect}, {"TLS", l.TLS}, {"first byte", l.FirstByte}} {
		if step.took > 0 {
			parts = append(parts, step.name+" "+millis(step.took))
		}
	}
	if len(parts) > 1 {
		parts[0] += " in all"
	}
	return strings.Join(parts, ", ")
}

func millis(ms float64) string {
	return time.Duration(ms * float64(time.Millisecond)).Round(time.Microsecond).String()
}

// answerLines is how much of an answer is shown; all that is kept is in the JSON.
const answerLines = 8

// noText says how long bytes are, and where they are.
func noText(coded string) string {
	n := len(coded)/4*3 - strings.Count(coded, "=")
	return fmt.Sprintf("%d bytes that are no text; --json has them as ", n)
}

func (s *screen) answer(a api.Attempt) {
	switch {
	case a.AnswerBase64 != "":
		s.fact("Answer", noText(a.AnswerBase64)+"answer_base64")
	case strings.TrimSpace(a.Answer) != "":
		name := "its body"
		if a.AnswerCut {
			name = "the start of its body"
		}
		s.fact("Answer", name)
		s.text(a.Answer, answerLines)
	}
}
