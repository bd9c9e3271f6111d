package webhook

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/reelhook/reelhook/internal/export"
)

func TestRetriesAndTimeout(t *testing.T) {
	s, m, h := time.Second, time.Minute, time.Hour
	schedule := export.DefaultSchedule()
	list := func(delays ...time.Duration) []time.Duration { return append([]time.Duration{}, delays...) }
	for fields, want := range map[string]export.Delivery{
		``:                                 {Schedule: schedule, Timeout: 15 * s},
		`,"retries":0,"timeout":30`:        {Schedule: list(), Timeout: 30 * s},
		`,"retries":"2","timeout":"2.5"`:   {Schedule: list(5*s, 5*m), Timeout: 2500 * time.Millisecond},
		`,"retries":11,"timeout":0.1`:      {Schedule: append(schedule, 24*h, 24*h), Timeout: s},
		`,"retries":-1,"timeout":-1`:       {Schedule: schedule, Timeout: 15 * s},
		`,"retries":"x","timeout":"NaN"`:   {Schedule: schedule, Timeout: 15 * s},
		`,"retries":"NaN","timeout":1e300`: {Schedule: schedule, Timeout: 60 * s},
		`,"retries":null,"timeout":null`:   {Schedule: schedule, Timeout: 15 * s},
		`,"retries":{},"timeout":[]`:       {Schedule: schedule, Timeout: 15 * s},

		`,"retries":[]`: {Schedule: list(), Timeout: 15 * s},
		`,"retries":[0,1.5,"2","3s","2h"," 1m30s "]`:     {Schedule: list(0, 1500*time.Millisecond, 2*s, 3*s, 2*h, 90*s), Timeout: 15 * s},
		`,"retries":[5,-1,"-1s","soon",null,[1],{},"6"]`: {Schedule: list(5*s, 6*s), Timeout: 15 * s},
		`,"retries":["soon",-1,"NaN"]`:                   {Schedule: schedule, Timeout: 15 * s},
		`,"retries":[1e300,"100000h"]`:                   {Schedule: list(720*h, 720*h), Timeout: 15 * s},
	} {
		got, err := New(Options{}).Prepare(export.Notice{}, destination(t, fields))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, export.Delivery{Schedule: got.Schedule, Timeout: got.Timeout}); diff != "" {
			t.Errorf("%s: -want +got\n%s", fields, diff)
		}
	}
	l := New(Options{Schedule: []time.Duration{}, Timeout: s})
	for _, retries := range []string{`1e300`, `[` + strings.Repeat("1,", 500) + `1]`} {
		got, err := l.Prepare(export.Notice{}, destination(t, `,"retries":`+retries))
		if err != nil || len(got.Schedule) != maxRetries || got.Timeout != s {
			t.Errorf("got %d retries, timeout %v, %v", len(got.Schedule), got.Timeout, err)
		}
	}
}

// TestAddress holds what a delivery is grouped and counted by.
func TestAddress(t *testing.T) {
	dest := destination(t, "")
	dest.Settings["headers"] = []byte(`{"x-KEY":"v","N":7}`) // a movie's own are all small letters
	d, err := New(Options{}).Prepare(export.Notice{Event: export.MovieStarted}, dest)
	if err != nil {
		t.Fatal(err)
	}
	d.Body, d.Schedule = nil, nil
	want := export.Delivery{
		Type: "webhook", Event: export.MovieStarted, Target: "https://Example.org/hook", Group: "https://example.org:443",
		Endpoint: export.EndpointID("https://Example.org/hook"), ContentType: "application/json", Timeout: DefaultTimeout,
		Headers: map[string]string{"x-KEY": "v", "N": "7"},
	}
	if diff := cmp.Diff(want, d); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestOwnHeaders(t *testing.T) {
	many, most := `{"te":"x"`, map[string]string{}
	for i := range maxHeaders {
		many += fmt.Sprintf(`,"h%d":"v"`, i)
		most[fmt.Sprintf("h%d", i)] = "v"
	}
	for _, tc := range []struct {
		given string
		want  map[string]string // nil is a Refusal
	}{
		{`{}`, map[string]string{}},
		{`{"Authorization":"Bearer x","x-lower":1.50,"X_Odd!":" v ","Empty":"","None":null,"Umlaut":"Grüße"}`,
			map[string]string{"Authorization": "Bearer x", "x-lower": "1.50", "X_Odd!": "v", "Empty": "", "Umlaut": "Grüße"}},
		{`{"Webhook-Id":"1","WEBHOOK-X":"1","Content-Type":"a","content-LENGTH":0,"Content-Encoding":"gzip","Host":"h","User-Agent":"u",
		  "Traceparent":"t","Connection":"close","Keep-Alive":"1","Transfer-Encoding":"chunked","TE":"x","Trailer":"x","Upgrade":"h2c",
		  "Expect":"100-continue","Proxy-Authorization":"x","proxy-":"","Accept-Encoding":"gzip","Host":true,"Tracestate":"a=b"}`,
			map[string]string{"Tracestate": "a=b"}},
		{many + `}`, most},
		{many + `,"one-more":"v"}`, nil},
		{`{"a":"` + strings.Repeat("x", maxHeaderBytes-1) + `"}`, map[string]string{"a": strings.Repeat("x", maxHeaderBytes-1)}},
		{`{"a":"` + strings.Repeat("x", maxHeaderBytes) + `"}`, nil},
		{`{"a b":"x"}`, nil}, {`{"":"x"}`, nil}, {`{"a:":"x"}`, nil}, {`{"ä":"x"}`, nil}, {`{"a":"x\ny"}`, nil}, {`{"a":"x\u0000"}`, nil},
		{`{"a":"x\u007fy"}`, nil}, {`{"a":true}`, nil}, {`{"a":["x"]}`, nil}, {`{"a":{}}`, nil}, {`"a: b"`, nil}, {`[]`, nil}, {`7`, nil},
	} {
		got, err := ownHeaders([]byte(tc.given))
		if diff := cmp.Diff(tc.want, got); diff != "" || (err == nil) != (tc.want != nil) {
			t.Errorf("%.80s: %v, -want +got\n%s", tc.given, err, diff)
		}
	}
	for _, none := range []string{``, `null`} {
		if got, err := ownHeaders([]byte(none)); len(got) > 0 || err != nil {
			t.Errorf("%q: got %v, %v", none, got, err)
		}
	}
}
