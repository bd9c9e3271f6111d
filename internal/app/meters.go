package app

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/queue"
)

// meters are what /metrics shows. No label names an endpoint or a movie: there is
// no end of those.
type meters struct {
	registry *prometheus.Registry
	attempts *prometheus.CounterVec
	latency  prometheus.Histogram
	lag      prometheus.Histogram
	events   *prometheus.CounterVec
}

func newMeters() *meters {
	m := &meters{
		registry: prometheus.NewRegistry(),
		attempts: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "reelhook_attempts_total",
			Help: "Attempts by result (succeeded, failed, unknown) and class of error."}, []string{"result", "class"}),
		latency: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "reelhook_attempt_seconds",
			Help: "How long attempts took, from their row to the answer's end.", Buckets: prometheus.ExponentialBuckets(0.001, 2, 16)}),
		lag: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "reelhook_first_attempt_lag_seconds",
			Help: "How long deliveries waited for their first attempt.", Buckets: prometheus.ExponentialBuckets(0.0005, 4, 12)}),
		events: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "reelhook_operator_events_total",
			Help: "What the operator was told, by type."}, []string{"type"}),
	}
	m.registry.MustRegister(m.attempts, m.latency, m.lag, m.events, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func (m *meters) observe(d export.Delivery, a export.Attempt) {
	m.attempts.WithLabelValues(string(a.Result), a.Class).Inc()
	m.latency.Observe(a.EndedAt.Sub(a.StartedAt).Seconds())
	if a.Number == 1 {
		m.lag.Observe(a.StartedAt.Sub(d.CreatedAt).Seconds())
	}
}

func (m *meters) count(event string) { m.events.WithLabelValues(event).Inc() }

// watch shows how much work there is.
func (m *meters) watch(jobs *queue.Dispatcher) {
	for _, kind := range []queue.Kind{"render", export.Deliver} {
		labels := prometheus.Labels{"kind": string(kind)}
		gauge := func(name, help string, value func(queue.Depth) float64) {
			m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help, ConstLabels: labels},
				func() float64 { return value(jobs.Depth(kind)) }))
		}
		gauge("reelhook_jobs", "Unfinished jobs.", func(d queue.Depth) float64 { return float64(d.Held) })
		gauge("reelhook_jobs_due", "Jobs that wait for a worker.", func(d queue.Depth) float64 { return float64(d.Due) })
		gauge("reelhook_jobs_gated", "Due retries that their host's breaker holds back.", func(d queue.Depth) float64 { return float64(d.Gated) })
		gauge("reelhook_jobs_running", "Jobs that are being done.", func(d queue.Depth) float64 { return float64(d.Running) })
		gauge("reelhook_jobs_oldest_seconds", "How long the oldest due job has waited.",
			func(d queue.Depth) float64 { return d.Oldest.Round(time.Millisecond).Seconds() })
	}
}

func (m *meters) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}
