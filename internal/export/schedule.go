package export

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// DefaultSchedule holds the delays after each failed attempt when nobody asked
// for others: about 75 hours in all, as the Standard Webhooks specification
// recommends ("Deliverability and reliability").
func DefaultSchedule() []time.Duration {
	return []time.Duration{
		5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour,
		10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour,
	}
}

// LongestWait bounds what a receiver may ask for by Retry-After.
const LongestWait = 24 * time.Hour

// RetryAfter reads a Retry-After header, seconds or a date (RFC 9110, section
// 10.2.3), as a wait from now; what cannot be read or is over is 0. It is never more
// than LongestWait.
func RetryAfter(value string, now time.Time) time.Duration {
	if value != "" && strings.Trim(value, "0123456789") == "" {
		seconds, err := strconv.Atoi(value)
		if longest := int(LongestWait / time.Second); err != nil || seconds > longest {
			return LongestWait
		}
		return time.Duration(seconds) * time.Second
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	return min(max(0, at.Sub(now)), LongestWait)
}

// spread is how far a delay is moved at random, to either side, so that
// deliveries that failed together do not come back together.
const spread = 0.2

const (
	// proxyPause is the wait after a fault of the egress proxy, which does not walk
	// the schedule; proxyPatience is how old a delivery may become that way.
	proxyPause    = 30 * time.Second
	proxyPatience = 7 * 24 * time.Hour
)

// after moves a delivery on by a closed attempt. jitter is in [0, 1).
func (d Delivery) after(a Attempt, jitter float64) Delivery {
	behind := d.Remaining
	d.LastStatus, d.Message, d.NextAt, d.Remaining = a.Status, a.Error, time.Time{}, 0
	d.State = Retrying
	switch {
	case a.Result == Succeeded:
		d.State, d.Message, d.Receipt = Delivered, "", a.Receipt
		return d
	case a.Class == "proxy" && a.EndedAt.Sub(d.CreatedAt) < proxyPatience && !d.Droppable && !d.Ordered:
		d.NextAt = a.EndedAt.Add(wait(proxyPause, 0, jitter))
		return d
	case a.Result == Unknown:
		d.State = InDoubt
	}
	d.Failures++
	switch {
	case a.Gone:
		d.State = Failed
	case d.Ordered:
		return d.again(a, behind, jitter)
	case d.Failures > len(d.Schedule):
		d.State = Failed
		d.Message = fmt.Sprintf("Gave up after %s: %s", count(a.Number), a.Error)
	default:
		d.NextAt = a.EndedAt.Add(wait(d.Schedule[d.Failures-1], a.RetryAfter, jitter))
	}
	return d
}

// again has an upload or email tried once more while there is time, and those
// behind it wait for that.
func (d Delivery) again(a Attempt, behind int, jitter float64) Delivery {
	var next time.Time
	if len(d.Schedule) > 0 {
		next = a.EndedAt.Add(wait(d.Schedule[min(d.Failures, len(d.Schedule))-1], a.RetryAfter, jitter))
	}
	if next.IsZero() || next.After(d.Deadline) {
		d.State = Failed
		d.Message = fmt.Sprintf("Gave up after %s, the time for exports was up: %s", count(a.Number), a.Error)
		return d
	}
	d.NextAt, d.Remaining = next, behind
	return d
}

// wait is the pause before the next attempt: the schedule's, spread, but never
// shorter than the receiver asked for.
func wait(delay, retryAfter time.Duration, jitter float64) time.Duration {
	ours := time.Duration(float64(delay) * (1 - spread + 2*spread*jitter))
	return max(ours, min(retryAfter, LongestWait))
}

func count(attempts int) string {
	if attempts == 1 {
		return "1 attempt"
	}
	return fmt.Sprintf("%d attempts", attempts)
}
