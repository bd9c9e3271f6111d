package main

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/reelhook/reelhook/internal/api"
	"github.com/reelhook/reelhook/internal/export"
)

type endpointsCmd struct {
	List    endpointsListCmd    `cmd:"" help:"List the endpoints and how they have been doing."`
	Enable  endpointsEnableCmd  `cmd:"" help:"Have deliveries sent to an endpoint again."`
	Disable endpointsDisableCmd `cmd:"" help:"Hold deliveries to an endpoint that is broken."`
	Pause   endpointsPauseCmd   `cmd:"" help:"Hold deliveries to an endpoint for a while, such as during its maintenance."`
}

type endpointsListCmd struct {
	remote
	Window span `help:"How far back to count attempts, 1h to 30d." default:"24h"`
}

// Help is shown below the flags.
func (endpointsListCmd) Help() string {
	return `OK is the share of attempts that succeeded, P50 and P99 are how long half of them and 99 of 100 took at most, FAILING is how long no attempt has succeeded, HELD counts the deliveries that wait for it to be enabled.

Example:

  reelhook endpoints list --window 7d`
}

// Run lists.
func (c endpointsListCmd) Run(ctx context.Context, s *screen) error {
	q := api.Query{Window: c.Window.String(), Limit: maxList}
	all, err := c.client().Endpoints(ctx, q)
	for err == nil && all.NextCursor != nil {
		var next api.EndpointList
		q.Cursor = *all.NextCursor
		next, err = c.client().Endpoints(ctx, q)
		all.Endpoints, all.NextCursor = append(all.Endpoints, next.Endpoints...), next.NextCursor
	}
	switch {
	case err != nil:
		return c.explain(err)
	case c.JSON:
		return s.json(all)
	case len(all.Endpoints) == 0:
		fmt.Fprintln(s.errs, "There are no endpoints yet; one is known from its first attempt on.")
		return nil
	}
	rows := table{screen: s, columns: []column{{"ID", false}, {"STATE", false}, {"HELD", false}, {"TRIES", false}, {"OK", false},
		{"P50", false}, {"P99", false}, {"LAST", false}, {"FAILING", false}, {"URL", true}}}
	rows.print(s.endpoints(all.Endpoints))
	return nil
}

func (s *screen) endpoints(all []api.Endpoint) (rows [][]cell) {
	for _, e := range all {
		failing := "-"
		if e.FailingSince != nil {
			failing = s.age(*e.FailingSince)
		}
		rows = append(rows, []cell{plain(e.ID), {e.State, colourOf(e.State)}, plain(strconv.Itoa(e.Held)), plain(strconv.Itoa(e.Attempts)),
			plain(percent(e.SuccessRate)), plain(latency(e.P50)), plain(latency(e.P99)), plain(statusCode(e.LastStatus)), plain(failing), plain(strings.TrimPrefix(e.URL, "https://"))})
	}
	return rows
}

// percent is a share to a tenth, rounded down: only all is 100 %.
func percent(share *float64) string {
	if share == nil {
		return "-"
	}
	return strconv.FormatFloat(math.Floor(*share*1000)/10, 'f', -1, 64) + "%"
}

// latency is a number of milliseconds with two or three digits that count.
func latency(ms *float64) string {
	if ms == nil {
		return "-"
	}
	d := time.Duration(*ms * float64(time.Millisecond))
	switch {
	case d < 10*time.Millisecond:
		return d.Round(100 * time.Microsecond).String()
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	}
	return d.Round(100 * time.Millisecond).String()
}

// oneEndpoint is the argument of the commands that change one.
type oneEndpoint struct {
	remote
	ID id `arg:"" help:"ID of the endpoint, as reelhook endpoints list has it."`
}

// set changes it and shows what became of it.
func (c oneEndpoint) set(ctx context.Context, s *screen, state export.EndpointState, order api.EnableOrder) error {
	changed, err := c.client().SetEndpoint(ctx, string(c.ID), state, order)
	switch {
	case err != nil:
		return c.explain(err)
	case c.JSON:
		return s.json(changed)
	}
	e := changed.Endpoint
	s.whole("Endpoint", e.ID)
	s.whole("URL", e.URL)
	s.state("State", e.State, "")
	if state != export.Enabled {
		s.fact("Reason", e.Reason)
	}
	s.fact("Held", strconv.Itoa(changed.Held))
	switch {
	case changed.Recovery != nil:
		s.fact("Sending", "all that were held, as recovery "+*changed.Recovery)
	case state != export.Enabled:
		s.whole("To resume", "reelhook endpoints enable "+e.ID+" --send")
	case changed.Held > 0:
		s.whole("To send them", "reelhook endpoints enable "+e.ID+" --send")
	}
	return nil
}

type endpointsEnableCmd struct {
	oneEndpoint
	Send bool `help:"Send the deliveries that were held, in the order they were made."`
}

// Help is shown below the flags.
func (endpointsEnableCmd) Help() string {
	return `New deliveries are sent from now on. Those that were held stay so until --send, or until reelhook deliveries recover takes them.

Example:

  reelhook endpoints enable ep_abcdefghij234567 --send`
}

// Run enables.
func (c endpointsEnableCmd) Run(ctx context.Context, s *screen) error {
	return c.set(ctx, s, export.Enabled, api.EnableOrder{Send: c.Send})
}

// stopReason is the flag of the commands that stop an endpoint.
type stopReason struct {
	Reason string `help:"Why, for whoever looks at it later." placeholder:"TEXT"`
}

func (r stopReason) order() api.EnableOrder {
	return api.EnableOrder{Reason: strings.TrimSpace(r.Reason)}
}

type endpointsDisableCmd struct {
	oneEndpoint
	stopReason
}

// Help is shown below the flags.
func (endpointsDisableCmd) Help() string {
	return `Deliveries to it are held, none is lost. The server does the same by itself with what has been failing for --disable-after.

Example:

  reelhook endpoints disable ep_abcdefghij234567 --reason "gone for good, see ticket 42"`
}

// Run disables.
func (c endpointsDisableCmd) Run(ctx context.Context, s *screen) error {
	return c.set(ctx, s, export.Disabled, c.order())
}

type endpointsPauseCmd struct {
	oneEndpoint
	stopReason
}

// Help is shown below the flags.
func (endpointsPauseCmd) Help() string {
	return `Deliveries to it are held until it is enabled, none is lost.

Example:

  reelhook endpoints pause ep_abcdefghij234567 --reason maintenance`
}

// Run pauses.
func (c endpointsPauseCmd) Run(ctx context.Context, s *screen) error {
	return c.set(ctx, s, export.Paused, c.order())
}
