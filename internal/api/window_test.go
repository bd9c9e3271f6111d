package api

import (
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/reelhook/reelhook/internal/project"
)

var now = time.Date(2026, 3, 15, 23, 59, 59, 0, time.FixedZone("", -3600)) // the 16th in UTC

func utc(text string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		panic(err)
	}
	return t
}

func TestReadWindow(t *testing.T) {
	for query, want := range map[string]project.Page{
		"":                               {From: utc("2026-03-01T00:00:00Z"), To: utc("2026-03-17T00:00:00Z"), Limit: 100},
		"date_start=2026-03-10":          {From: utc("2026-03-10T00:00:00Z"), To: utc("2026-03-17T00:00:00Z"), Limit: 100},
		"from=+2026-03-10+&to=&limit=+7": {From: utc("2026-03-10T00:00:00Z"), To: utc("2026-03-17T00:00:00Z"), Limit: 7},
		// The documented name beats its alias.
		"from=2026-01-01&date_start=2026-03-10":                   {From: utc("2026-03-10T00:00:00Z"), To: utc("2026-03-17T00:00:00Z"), Limit: 100},
		"date_end=2024-02-29":                                     {From: utc("2024-02-01T00:00:00Z"), To: utc("2024-03-01T00:00:00Z"), Limit: 100},
		"from=2026-03-10T10:00:00%2B02:00&to=2026-03-10T10:00Z":   {From: utc("2026-03-10T08:00:00Z"), To: utc("2026-03-10T10:00:00.001Z"), Limit: 100},
		"from=2026-03-10T10:00:00+02:00&to=2026-03-10+10:00:00.5": {From: utc("2026-03-10T08:00:00Z"), To: utc("2026-03-10T10:00:00.501Z"), Limit: 100},
		"from=2026-03-10t10:00:00z&limit=99.9":                    {From: utc("2026-03-10T10:00:00Z"), To: utc("2026-03-17T00:00:00Z"), Limit: 99},
		"limit=-5&next_token=abc":                                 {From: utc("2026-03-01T00:00:00Z"), To: utc("2026-03-17T00:00:00Z"), Limit: 1, After: "abc"},
		"limit=1e99":                                              {From: utc("2026-03-01T00:00:00Z"), To: utc("2026-03-17T00:00:00Z"), Limit: 100},
		"from=2026-03-17T01:00:00Z":                               {From: utc("2026-03-17T01:00:00Z"), To: utc("2026-03-18T00:00:00Z"), Limit: 100},
		"from=2025-12-13":                                         {From: utc("2025-12-13T00:00:00Z"), To: utc("2026-03-17T00:00:00Z"), Limit: 100},
	} {
		values, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		got, err := readWindow(values, now)
		if diff := cmp.Diff(want, got.Page); diff != "" || err != nil {
			t.Errorf("%q: %v, -want +got\n%s", query, err, diff)
		}
	}
}

func TestRefusedWindows(t *testing.T) {
	for query, want := range map[string]string{
		"from=2025-12-12":                        "longer than 93 days",
		"from=2026-03-17&to=2026-03-16":          "'date_start' (2026-03-17) must not be after 'date_end' (2026-03-16)",
		"from=2026-03-02&to=2026-03-01":          "must not be after",
		"to=10000-01-01":                         "'date_end' must be",
		"from=1900-01-01&to=1900-01-02":          "'date_start' must be",
		"from=1700000000":                        "'date_start' must be",
		"from=" + strings.Repeat("9", 99):        "9…'",
		"limit=NaN":                              "'limit' must be",
		"limit=ten":                              "'limit' must be",
		"next_token=" + strings.Repeat("x", 600): "Unknown next_token",
	} {
		values, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		_, err = readWindow(values, now)
		f, ok := errors.AsType[*Failure](err)
		if !ok || f.Status != 400 || !strings.Contains(f.Message, want) {
			t.Errorf("%q: %v", query, err)
		}
	}
}

// FuzzReadWindow: whatever a query says, it is refused with 400 or becomes a
// page that a store can answer.
func FuzzReadWindow(f *testing.F) {
	for _, query := range []string{
		"", "from=2026-01-01&to=2026-01-31&limit=10&next_token=x", "date_start=2026-03-10T10:00:00+02:00",
		"limit=-Inf", "limit=0x10", "from=2200-12-31&to=2200-12-31", "to=1970-01-01", "from=2026-01-01T24:00:00Z", "project=&id=%20",
	} {
		f.Add(query)
	}
	f.Fuzz(func(t *testing.T, query string) {
		values, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		w, err := readWindow(values, now)
		if err != nil {
			if f, ok := errors.AsType[*Failure](err); !ok || f.Status != 400 || f.Message == "" {
				t.Fatalf("%q: %v", query, err)
			}
			return
		}
		if w.Limit < 1 || w.Limit > 100 || w.To.Before(w.From) || w.To.Sub(w.From) > 94*day || len(w.After) > maxPageToken {
			t.Fatalf("%q: %+v", query, w)
		}
		if w.From.Year() < 1970 || w.To.Year() > 2201 {
			t.Fatalf("%q: %+v is out of a store's reach", query, w)
		}
	})
}
