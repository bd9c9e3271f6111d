package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/reelhook/reelhook/internal/api"
)

type deliveriesCmd struct {
	List      deliveriesListCmd      `cmd:"" help:"List the delivery log, newest first."`
	Show      deliveriesShowCmd      `cmd:"" help:"Show what a delivery sends and every attempt of it."`
	Proof     deliveriesProofCmd     `cmd:"" help:"Write the document that proves a delivery to whoever doubts it."`
	Redeliver deliveriesRedeliverCmd `cmd:"" help:"Send a delivery again, there or to another address."`
	Recover   deliveriesRecoverCmd   `cmd:"" help:"Send again what failed or was held in a span of time."`
	Cancel    deliveriesCancelCmd    `cmd:"" help:"Give a delivery up."`
}

// chosen are the flags that choose deliveries.
type chosen struct {
	Status   []string `help:"States: pending, running, retrying, unknown, held, delivered, failed, cancelled." placeholder:"failed,held"`
	Project  string   `help:"ID of a movie." placeholder:"ID"`
	Endpoint string   `help:"ID or URL of an endpoint." placeholder:"ID"`
	Event    string   `help:"An event, such as movie.completed." placeholder:"EVENT"`
}

// maxList is the most that the API lists at once.
const maxList = 200

type deliveriesListCmd struct {
	remote
	chosen
	From   moment `help:"Only what was made since: a time, a date (UTC) or how long ago, such as 2h." placeholder:"2h"`
	To     moment `help:"Only what was made before, in the same forms; a date counts whole." placeholder:"1h"`
	Limit  int    `help:"How many to list at most, 1 to 200." default:"50"`
	Cursor string `help:"Go on where the list before ended." placeholder:"CURSOR"`
	All    bool   `help:"List all of them; --limit does not count."`
}

// Help is shown below the flags.
func (deliveriesListCmd) Help() string {
	return `TRY counts the attempts, HTTP is the last status, AGE the time since the delivery was made.

Examples:

  reelhook deliveries list --status failed,held --from 24h
  reelhook deliveries list --endpoint https://example.org/hook --all --json`
}

// Validate refuses what the API would.
func (c deliveriesListCmd) Validate() error {
	if c.Limit < 1 || c.Limit > maxList {
		return fmt.Errorf("--limit must be from 1 to %d, not %d; --all lists more", maxList, c.Limit)
	}
	return c.remote.Validate()
}

// Run lists.
func (c deliveriesListCmd) Run(ctx context.Context, s *screen) error {
	rows := table{screen: s, columns: []column{{"ID", false}, {"STATUS", false}, {"TRY", false}, {"HTTP", false}, {"AGE", false}, {"EVENT", true}, {"TARGET", true}}}
	all := api.DeliveryList{Success: true, Deliveries: []api.Delivery{}}
	for page, err := range c.pages(ctx, s.now()) {
		if err != nil {
			return c.explain(err)
		}
		all.NextCursor = page.NextCursor
		if c.JSON {
			all.Deliveries = append(all.Deliveries, page.Deliveries...)
		} else if len(page.Deliveries) > 0 {
			rows.print(s.deliveries(page.Deliveries))
		}
	}
	switch {
	case c.JSON:
		return s.json(all)
	case rows.widths == nil:
		fmt.Fprintln(s.errs, "There are no such deliveries.")
	case all.NextCursor != nil:
		fmt.Fprintf(s.errs, "There are more: --all, or --cursor %s\n", printable(*all.NextCursor))
	}
	return nil
}

// pages are those that were asked for; an error is the last.
func (c deliveriesListCmd) pages(ctx context.Context, now time.Time) iter.Seq2[api.DeliveryList, error] {
	q := api.Query{Status: c.Status, Project: c.Project, Endpoint: c.Endpoint, Event: c.Event,
		From: c.From.at(now), To: c.To.at(now), Cursor: c.Cursor, Limit: c.Limit}
	if c.All {
		q.Limit = maxList
	}
	return func(yield func(api.DeliveryList, error) bool) {
		for {
			page, err := c.client().Deliveries(ctx, q)
			if !yield(page, err) || err != nil || !c.All || page.NextCursor == nil {
				return
			}
			q.Cursor = *page.NextCursor
		}
	}
}

func (s *screen) deliveries(all []api.Delivery) (rows [][]cell) {
	for _, d := range all {
		rows = append(rows, []cell{plain(d.ID), {s.progress(d), colourOf(d.Status)}, plain(strconv.Itoa(d.Attempts)),
			plain(statusCode(d.LastStatus)), plain(s.age(d.CreatedAt)), plain(d.Event), plain(strings.TrimPrefix(d.Target, "https://"))})
	}
	return rows
}

// progress is the state, and when the next attempt is due.
func (s *screen) progress(d api.Delivery) string {
	if d.NextAt == nil || d.Status == "running" {
		return d.Status
	}
	if at, err := time.Parse(time.RFC3339, *d.NextAt); err != nil || !at.After(s.now()) {
		return d.Status
	}
	return d.Status + " in " + s.age(*d.NextAt)
}

// statusCode is an HTTP status, "-" for none.
func statusCode(code int) string {
	if code == 0 {
		return "-"
	}
	return strconv.Itoa(code)
}

type deliveriesShowCmd struct {
	remote
	ID id `arg:"" help:"ID of the delivery, as reelhook deliveries list has it."`
}

// Help is shown below the flags.
func (deliveriesShowCmd) Help() string {
	return `Shows the body as it is sent and, of every attempt, which machine was reached, its TLS and certificate, where the time went, the headers of both sides and the start of the answer.

Example:

  reelhook deliveries show dlv_01KDJ3N6Z6Y3X8W7V5T4S2R1Q0`
}

// Run shows it.
func (c deliveriesShowCmd) Run(ctx context.Context, s *screen) error {
	d, err := c.client().Delivery(ctx, string(c.ID))
	switch {
	case err != nil:
		return c.explain(err)
	case c.JSON:
		return s.json(api.DeliveryReply{Success: true, Delivery: d})
	}
	s.facts(d)
	s.body(d)
	for _, a := range d.Log {
		fmt.Fprintln(s.out)
		s.attempt(a)
	}
	return nil
}

// facts are what is known of a delivery apart from its attempts.
func (s *screen) facts(d api.DeliveryDetail) {
	s.whole("Delivery", d.ID)
	s.fact("Message id", d.MessageID)
	s.state("Status", d.Status, strings.TrimPrefix(s.progress(d.Delivery), d.Status))
	s.fact("Reason", d.Message)
	s.fact("Event", d.Event)
	if d.Project != "" {
		s.fact("Movie", fmt.Sprintf("%s, destination %d of export %d", d.Project, d.Position+1, d.Export+1))
	}
	s.whole("Target", d.Target)
	s.fact("Endpoint", d.Endpoint)
	s.fact("Made", s.when(d.CreatedAt))
	if d.NextAt != nil {
		s.fact("Next", s.when(*d.NextAt))
	}
	var waits []string
	for _, delay := range d.Schedule {
		waits = append(waits, seconds(delay))
	}
	s.fact("Attempts", fmt.Sprintf("%d made, each within %s", d.Attempts, seconds(d.Timeout)))
	s.fact("Waits", strings.Join(waits, ", "))
}

// seconds is a number of them as Go writes a time, without the zeros at its end.
func seconds(n float64) string {
	text := time.Duration(n * float64(time.Second)).String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

func (s *screen) body(d api.DeliveryDetail) {
	fmt.Fprintln(s.out)
	s.fact("Body", d.ContentType)
	s.fact("SHA-256", d.BodySHA256)
	if d.Body == nil {
		s.fact("", noText(d.BodyBase64)+"body_base64")
		return
	}
	s.text(*d.Body, 0)
}

type deliveriesProofCmd struct {
	remote
	ID   id     `arg:"" help:"ID of the delivery."`
	File string `short:"o" help:"File to write it to, in place of standard output." placeholder:"FILE" type:"path"`
}

// Help is shown below the flags.
func (deliveriesProofCmd) Help() string {
	return `The proof is JSON: what was sent and when, to which machine with which certificate, what was signed and what it answered. It ends with a digest and how to check that.

Example:

  reelhook deliveries proof dlv_01KDJ3N6Z6Y3X8W7V5T4S2R1Q0 -o proof.json`
}

// Run writes it.
func (c deliveriesProofCmd) Run(ctx context.Context, s *screen) error {
	proof, err := c.client().Proof(ctx, string(c.ID))
	switch {
	case err != nil:
		return c.explain(err)
	case c.File == "":
		return s.json(proof)
	}
	f, err := os.Create(c.File)
	if err != nil {
		return err
	}
	if err := errors.Join((&screen{out: f}).json(proof), f.Close()); err != nil {
		return err
	}
	fmt.Fprintf(s.errs, "Written to %s\n", c.File)
	return nil
}

type deliveriesCancelCmd struct {
	remote
	ID id `arg:"" help:"ID of the delivery."`
}

// Help is shown below the flags.
func (deliveriesCancelCmd) Help() string {
	return `An attempt that is under way goes on; there will be no other. What comes behind it in the movie's exports is not held up.

Example:

  reelhook deliveries cancel dlv_01KDJ3N6Z6Y3X8W7V5T4S2R1Q0`
}

// Run cancels.
func (c deliveriesCancelCmd) Run(ctx context.Context, s *screen) error {
	d, err := c.client().Cancel(ctx, string(c.ID))
	switch {
	case err != nil:
		return c.explain(err)
	case c.JSON:
		return s.json(api.DeliveryChange{Success: true, Delivery: d})
	}
	s.outcome(d)
	return nil
}

// outcome is what became of a delivery.
func (s *screen) outcome(d api.Delivery) {
	s.whole("Delivery", d.ID)
	s.state("Status", d.Status, "")
	s.fact("Reason", d.Message)
}
