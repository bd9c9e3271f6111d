package webhook

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/golden"
)

// moment is when everything happens here.
var moment = time.Date(2026, 1, 2, 3, 4, 5, 6789e3, time.UTC)

// TestSamples reads testdata/samples.txt: an event, "failed" or nothing, and the
// body.
func TestSamples(t *testing.T) {
	golden.Run(t, "testdata/samples.txt", func(t *testing.T, input string) string {
		event, how, _ := strings.Cut(input, " ")
		body, err := payload(sample(event, how == "failed", moment), export.Destination{}).MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		return string(body)
	})
}

func TestSample(t *testing.T) {
	l := New(Options{})
	const target = `https://example.org/"hook"?a=b`
	for _, event := range export.Events() {
		d, err := l.Sample(event, export.WebhookTo(target), false)
		if err != nil || d.Event != event || d.Type != "webhook" || d.Target != `https://example.org/%22hook%22?a=b` || d.Timeout != DefaultTimeout || len(d.Body) == 0 || d.Endpoint == "" {
			t.Errorf("%s: %+v, %v", event, d, err)
		}
	}
	for _, tc := range []struct{ event, target, want string }{
		{"movie.exploded", target, "There is no event 'movie.exploded'; there are movie.started, movie.progress, movie.completed, movie.failed, export.completed"},
		{export.MovieStarted, "https://10.0.0.1/s3cret", "The webhook's endpoint cannot be used: the address 10.0.0.1 is not public"},
		{export.MovieStarted, "", "The webhook has no endpoint"},
	} {
		_, err := l.Sample(tc.event, export.WebhookTo(tc.target), false)
		refused(t, err, tc.want)
	}
}

// refused holds that an error is for the client, and gives nothing away.
func refused(t *testing.T, err error, says string) {
	t.Helper()
	var refusal export.Refusal
	if !errors.As(err, &refusal) || !strings.HasPrefix(err.Error(), says) || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("got %v, want %s", err, says)
	}
}

func TestReaddress(t *testing.T) {
	l := New(Options{})
	d := delivery("https://example.org", late)
	d.Group, d.Endpoint, d.Type = "https://example.org:443", export.EndpointID(d.Target), "webhook"
	got, err := l.Readdress(d, "https://Other.test:8443/hook?a=b")
	if err != nil {
		t.Fatal(err)
	}
	want := d
	want.Target, want.Group, want.Endpoint, want.Headers = "https://Other.test:8443/hook?a=b", "https://other.test:8443", export.EndpointID("https://Other.test:8443/hook"), nil
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if d.Headers == nil {
		t.Error("the old delivery lost its headers")
	}
	_, err = l.Readdress(d, "http://other.test/s3cret")
	refused(t, err, "The webhook's endpoint cannot be used: the URL must begin with https://")
	_, err = l.Readdress(d, "https://other.test/"+strings.Repeat("x", maxURL))
	refused(t, err, "The webhook's endpoint is longer than")
}

func TestOperator(t *testing.T) {
	l := New(Options{Schedule: []time.Duration{time.Minute}, Timeout: time.Second})
	for _, tc := range []struct {
		event export.OperatorEvent
		want  string
	}{
		{export.OperatorEvent{Type: export.SecretRotated, At: moment, Reason: "The old keys sign along for 24h"},
			`{"type":"secret.rotated","timestamp":"2026-01-02T03:04:05.006Z","data":{"reason":"The old keys sign along for 24h"}}`},
		{export.OperatorEvent{Type: export.DeliveryExhausted, At: moment.In(time.FixedZone("", -3600)), Endpoint: "ep_1", Address: "https://a.test/<hook>",
			Delivery: "dlv_1", Project: "p", Attempts: 10, Reason: "Gave up"},
			`{"type":"delivery.exhausted","timestamp":"2026-01-02T03:04:05.006Z","data":{"endpoint":"ep_1","address":"https://a.test/<hook>","delivery":"dlv_1","project":"p","attempts":10,"reason":"Gave up"}}`},
		{export.OperatorEvent{}, `{"type":"","timestamp":"0001-01-01T00:00:00.000Z","data":{}}`},
	} {
		d, err := l.Operator("https://ops.test/hook", tc.event)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tc.want, string(d.Body)); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
		want := export.Delivery{Type: "webhook", Event: tc.event.Type, Target: "https://ops.test/hook", Group: "https://ops.test:443",
			Endpoint: export.EndpointID("https://ops.test/hook"), ContentType: jsonType, Schedule: l.Schedule, Timeout: l.Timeout, Body: d.Body}
		if diff := cmp.Diff(want, d); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
	}
	_, err := l.Operator("ftp://ops.test/s3cret", export.OperatorEvent{})
	refused(t, err, "The webhook's endpoint cannot be used")
}
