package export_test

import (
	"math"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/reelhook/reelhook/internal/export"
)

// TestQuantile holds that a quantile is right within five percent.
func TestQuantile(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		latencies := rapid.SliceOfN(rapid.Int64Range(int64(100*time.Microsecond), int64(2*time.Minute)), 1, 200).Draw(r, "latencies")
		var whole, a, b export.Histogram
		for i, l := range latencies {
			whole.Observe(time.Duration(l))
			[]*export.Histogram{&a, &b}[i%2].Observe(time.Duration(l))
		}
		if a.Add(b); !slices.Equal(a, whole) {
			r.Errorf("two halves make %v, not %v", a, whole)
		}
		slices.Sort(latencies)
		q := rapid.Float64Range(0, 1).Draw(r, "q")
		rank := max(1, int(math.Ceil(q*float64(len(latencies)))))
		want := float64(latencies[rank-1])
		if got := float64(whole.Quantile(q)); math.Abs(got-want) > want*0.05 {
			r.Errorf("the %v quantile is %v, not %v", q, time.Duration(got), time.Duration(want))
		}
		binary, err := whole.MarshalBinary()
		var again export.Histogram
		if err != nil || again.UnmarshalBinary(binary) != nil || !slices.Equal(again, whole) {
			r.Errorf("%v: %v came back as %v", err, whole, again)
		}
	})
}

func TestQuantileBounds(t *testing.T) {
	var h export.Histogram
	if h.Quantile(0.5) != 0 || export.Histogram(make([]uint32, 9)).Quantile(0.5) != 0 {
		t.Error("nothing has a quantile")
	}
	for _, d := range []time.Duration{-time.Hour, 0, 1, math.MaxInt64} {
		h.Observe(d)
	}
	if low, high := h.Quantile(0), h.Quantile(1); low > 100*time.Microsecond || high < time.Minute || len(h) > 160 {
		t.Errorf("from %v to %v in %d buckets", low, high, len(h))
	}
	// A timeout of a minute must not land in the last bucket, which has no end.
	h = nil
	if h.Observe(time.Minute); h.Quantile(1) < 57*time.Second || h.Quantile(1) > 63*time.Second {
		t.Errorf("a minute is %v", h.Quantile(1))
	}
}

func TestAddTraffic(t *testing.T) {
	var sum export.Traffic
	for range 2 {
		sum.Add(export.Traffic{Succeeded: 1, Refused: 2, Unknown: 3, Latency: export.Histogram{1, 2}})
	}
	if diff := cmp.Diff(export.Traffic{Succeeded: 2, Refused: 4, Unknown: 6, Latency: export.Histogram{2, 4}}, sum); diff != "" {
		t.Error(diff)
	}
}

// FuzzHistogram reads what a database may hold: never more than a histogram has,
// and what was read is read again.
func FuzzHistogram(f *testing.F) {
	f.Add([]byte{0, 1, 3, 2})
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 1})
	f.Add([]byte{100, 1, 100, 1})
	f.Add([]byte{0x9f, 1, 1, 0, 1})
	f.Add([]byte{0, 0xff, 0xff, 0xff, 0xff, 0x7f})
	f.Fuzz(func(t *testing.T, b []byte) {
		var h, again export.Histogram
		if err := h.UnmarshalBinary(b); err != nil || len(h) > 160 {
			t.Errorf("%v, %d buckets", err, len(h))
		}
		if q := h.Quantile(1); q < 0 || q > time.Hour {
			t.Errorf("a quantile is %v", q)
		}
		out, _ := h.MarshalBinary()
		if _ = again.UnmarshalBinary(out); !sameCounts(h, again) {
			t.Errorf("%v came back as %v", h, again)
		}
	})
}

// sameCounts compares but for empty buckets at the end.
func sameCounts(a, b export.Histogram) bool {
	a.Add(make(export.Histogram, len(b)))
	b.Add(make(export.Histogram, len(a)))
	return slices.Equal(a, b)
}

func TestOrigin(t *testing.T) {
	for target, want := range map[string]string{
		"https://X.test/hook?a=b": "https://x.test:443", "http://x.test": "http://x.test:80", "http://x.test:443/": "http://x.test:443",
		"https://u:p@[2001:DB8::1]/": "https://[2001:db8::1]:443", "x.test/hook": "", "": "", "https://": "", "https://a b": "",
	} {
		if got := export.Origin(target); got != want {
			t.Errorf("the origin of %s is %s", target, got)
		}
	}
}

func TestEndpointID(t *testing.T) {
	same := export.EndpointID("https://x.test/hook")
	if !regexp.MustCompile(`^ep_[a-z2-7]{16}$`).MatchString(same) {
		t.Errorf("is %s", same)
	}
	for target, want := range map[string]bool{
		"https://x.test/hook?movie=1": true, "https://x.test/hook#top": true, "https://x.test/hook?": true, "https://x.test/hook#a?b": true,
		"https://x.test/hook/": false, "http://x.test/hook": false, "https://x.test/Hook": false, "https://y.test/hook": false, "": false,
	} {
		if got := export.EndpointID(target); (got == same) != want {
			t.Errorf("%s is %s", target, got)
		}
	}
}
