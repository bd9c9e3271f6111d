package webhook

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/reelhook/reelhook/internal/export"
)

// The bounds of what a destination may ask for.
const (
	maxRetries = 100
	maxDelay   = 30 * 24 * time.Hour
	minTimeout = time.Second
	maxTimeout = time.Minute
)

// is tells whether a field is one of some words, in any case.
func is(dest export.Destination, key string, words ...string) bool {
	value := export.Text(dest.Settings[key])
	for _, w := range words {
		if strings.EqualFold(value, w) {
			return true
		}
	}
	return false
}

// schedule is the default one unless a destination asks for retries of its own:
// a list of delays, or a number, for which the first delays of the default are
// taken with the last repeated.
func (l *Leaf) schedule(dest export.Destination) []time.Duration {
	if schedule, ok := delays(dest.Settings["retries"]); ok {
		return schedule
	}
	n, err := strconv.ParseFloat(export.Text(dest.Settings["retries"]), 64)
	if err != nil || !(n >= 0) {
		return l.Schedule
	}
	usual := l.Schedule
	if len(usual) == 0 {
		usual = export.DefaultSchedule()
	}
	schedule := make([]time.Duration, int(min(n, maxRetries)))
	for i := range schedule {
		schedule[i] = usual[min(i, len(usual)-1)]
	}
	return schedule
}

// delays reads a list of delays, each in seconds or as "5m". Those that cannot be
// read are passed over, and a list with nothing else is none. An empty list asks
// for one attempt only.
func delays(raw json.RawMessage) (schedule []time.Duration, ok bool) {
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) != nil || list == nil {
		return nil, false
	}
	schedule = []time.Duration{}
	for _, item := range list[:min(len(list), maxRetries)] {
		if d, readable := delay(export.Text(item)); readable {
			schedule = append(schedule, d)
		}
	}
	return schedule, len(schedule) > 0 || len(list) == 0
}

func delay(text string) (time.Duration, bool) {
	if n, err := strconv.ParseFloat(text, 64); err == nil {
		return seconds(min(n, maxDelay.Seconds())), n >= 0
	}
	d, err := time.ParseDuration(text)
	return min(d, maxDelay), err == nil && d >= 0
}

// timeout is 1 to 60 seconds when a destination asks for one.
func (l *Leaf) timeout(dest export.Destination) time.Duration {
	n, err := strconv.ParseFloat(export.Text(dest.Settings["timeout"]), 64)
	if err != nil || !(n > 0) {
		return l.Timeout
	}
	return max(minTimeout, seconds(min(n, maxTimeout.Seconds())))
}

func seconds(n float64) time.Duration { return time.Duration(n * float64(time.Second)) }

// Settings are the names of those that are read of a webhook, beside export.Shared.
func Settings() []string {
	return []string{"endpoint", "content-type", "payload", "headers", "retries", "timeout", "events"}
}
