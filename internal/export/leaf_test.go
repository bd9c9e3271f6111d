package export_test

import (
	"context"
	"fmt"
	"time"

	"github.com/reelhook/reelhook/internal/export"
)

// fake is a leaf whose attempts are a function.
type fake func(d export.Delivery, a export.Attempt) export.Attempt

// schedule is what every test's deliveries have unless a destination says
// "retries".
var schedule = export.DefaultSchedule()

func (fake) Prepare(n export.Notice, dest export.Destination) (export.Delivery, error) {
	to := dest.Text("endpoint")
	if to == "never" {
		return export.Delivery{}, export.Refusal("The endpoint can never work")
	}
	d := export.Delivery{Target: "https://x.test/s3cret/" + to, Group: "https://x.test:443", Schedule: schedule, Timeout: time.Second}
	d.Endpoint = export.EndpointID(d.Target)
	d.Body = fmt.Appendf(nil, "%s %s %s %s", n.Project.ID, n.Outcome.Status, to, n.FileURL)
	switch n.Event {
	case export.MovieProgress:
		d.Body = fmt.Appendf(nil, "%d %%", n.Percent)
	case export.ExportCompleted:
		d.Body = fmt.Appendf(nil, "%q", lines(n.Destinations))
	}
	if dest.Text("retries") == "0" {
		d.Schedule = nil
	}
	return d, nil
}

func (fake) Sample(event string, dest export.Destination, failed bool) (export.Delivery, error) {
	target := dest.Text("endpoint")
	if target == "never" {
		return export.Delivery{}, export.Refusal("The endpoint can never work")
	}
	return export.Delivery{Target: target, Group: "https://x.test:443", Endpoint: export.EndpointID(target), Timeout: time.Second,
		Schedule: schedule, Body: fmt.Appendf(nil, "%s %v", event, failed)}, nil
}

func (fake) Readdress(d export.Delivery, target string) (export.Delivery, error) {
	if target == "never" {
		return d, export.Refusal("The endpoint can never work")
	}
	d.Target, d.Group, d.Endpoint = target, "https://y.test:443", export.EndpointID(target)
	return d, nil
}

func (fake) DryRun(_ context.Context, _ export.Delivery, a export.Attempt) export.Attempt {
	a.Result, a.Peer.Address = export.Succeeded, "192.0.2.1:443"
	return a
}

func (f fake) Attempt(_ context.Context, d export.Delivery, a export.Attempt) export.Attempt {
	return f(d, a)
}

// answers makes a leaf that closes attempts with these statuses, then 200.
func answers(statuses ...int) fake {
	return func(_ export.Delivery, a export.Attempt) export.Attempt {
		status := 200
		if a.Number <= len(statuses) {
			status = statuses[a.Number-1]
		}
		return closed(a, status)
	}
}

// closed is an attempt with an answer.
func closed(a export.Attempt, status int) export.Attempt {
	a.Status, a.Result = status, export.Succeeded
	if status > 299 {
		a.Result, a.Class, a.Error = export.Refused, "http", fmt.Sprintf("answered %d", status)
	}
	return a
}
