package webhook

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/project"
)

// Sample makes the delivery of a made-up event to a destination. failed has the
// rendering end badly, where the event is of its end. An event that is not one of
// export.Events is a Refusal.
func (l *Leaf) Sample(event string, dest export.Destination, failed bool) (export.Delivery, error) {
	if !slices.Contains(export.Events(), event) {
		return export.Delivery{}, export.Refusal(fmt.Sprintf("There is no event '%s'; there are %s", cut(event), strings.Join(export.Events(), ", ")))
	}
	return l.Prepare(sample(event, failed, time.Now()), dest)
}

// sample is what might have happened.
func sample(event string, failed bool, now time.Time) export.Notice {
	n := export.Notice{Event: event, At: now, Project: project.Project{
		ID: "sample0000000000", MovieID: "sample-movie", ClientData: json.RawMessage(`{"order_id":"ord_42"}`),
	}}
	switch event {
	case export.MovieStarted:
		return n
	case export.MovieProgress:
		n.Percent = 40
		return n
	}
	hook := project.Destination{Type: export.Webhook, Status: string(export.Delivered), Attempts: 1, LastStatus: 200, Delivery: "dlv_00000000000000000000000000"}
	n.Destinations = []project.Destination{hook}
	n.Outcome = project.Outcome{ID: n.Project.ID, Status: project.Done, EndedAt: now,
		Result: project.Result{File: "sample/movie.mp4", Duration: 12.48, Size: 3456789, Width: 1920, Height: 1080}}
	n.FileURL = "https://example.com/files/sample/movie.mp4"
	if failed || event == export.MovieFailed {
		n.FileURL = ""
		n.Outcome = project.Outcome{ID: n.Project.ID, Status: project.Failed, EndedAt: now,
			Message: "Scene #1, element #2: the source https://example.com/missing.jpg was not found"}
	}
	return n
}

// Readdress is a delivery to another address. The client's own headers stay
// behind: they were meant for the old one, and are most likely its password.
func (l *Leaf) Readdress(d export.Delivery, target string) (export.Delivery, error) {
	d.Headers = nil
	return l.address(d, target)
}
