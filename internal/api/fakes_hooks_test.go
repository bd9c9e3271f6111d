package api_test

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/signing"
)

// deliveryLog is an export.Log in memory that keeps the contract of its methods,
// as far as the API can see it.
type deliveryLog struct {
	mu         sync.Mutex
	deliveries []export.Delivery // in the order they were made
	attempts   map[string][]export.Attempt
	known      []export.Endpoint // in the order of their ids
	recoveries map[string]export.Recovery
	// asked is the last page that was asked for, since the start of the last window.
	asked export.Page
	since time.Time
	// err is returned by every method when set.
	err error
}

func (l *deliveryLog) Deliveries(_ context.Context, page export.Page) (found []export.Delivery, next string, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked = page
	at := len(l.deliveries)
	if page.After != "" {
		if at = slices.IndexFunc(l.deliveries, func(d export.Delivery) bool { return d.ID == page.After }); at < 0 {
			return nil, "", export.ErrNoDelivery
		}
	}
	for at--; at >= 0; at-- {
		d := l.shown(l.deliveries[at])
		if !chosen(page.Filter, d) {
			continue
		}
		if len(found) == page.Limit {
			return found, found[len(found)-1].ID, l.err
		}
		d.Body = nil
		found = append(found, d)
	}
	return found, "", l.err
}

func chosen(f export.Filter, d export.Delivery) bool {
	return (len(f.States) == 0 || slices.Contains(f.States, d.State)) &&
		(f.Project == "" || f.Project == d.Project) && (f.Endpoint == "" || f.Endpoint == d.Endpoint) &&
		(f.Event == "" || f.Event == d.Event) && f.Account == d.Account &&
		!d.CreatedAt.Before(f.From) && (f.To.IsZero() || d.CreatedAt.Before(f.To))
}

// shown is a delivery as the log shows it.
func (l *deliveryLog) shown(d export.Delivery) export.Delivery {
	if !d.State.Final() && l.busy(d.ID) {
		d.State = export.Running
	}
	return d
}

func (l *deliveryLog) busy(id string) bool {
	return slices.ContainsFunc(l.attempts[id], func(a export.Attempt) bool { return a.Result == export.Open })
}

// change applies f to one delivery and returns it.
func (l *deliveryLog) change(id string, f func(d *export.Delivery) error) (export.Delivery, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return export.Delivery{}, l.err
	}
	for i := range l.deliveries {
		if d := &l.deliveries[i]; d.ID == id {
			err := f(d)
			return l.shown(*d), err
		}
	}
	return export.Delivery{}, export.ErrNoDelivery
}

func (l *deliveryLog) Delivery(_ context.Context, id string) (export.Delivery, error) {
	return l.change(id, func(*export.Delivery) error { return nil })
}

func (l *deliveryLog) Attempts(_ context.Context, id string) ([]export.Attempt, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.attempts[id], l.err
}

func (l *deliveryLog) Redeliver(_ context.Context, id string, at time.Time) (export.Delivery, error) {
	return l.change(id, func(d *export.Delivery) error {
		i := slices.IndexFunc(l.known, func(e export.Endpoint) bool { return e.ID == d.Endpoint })
		switch {
		case l.busy(id):
			return export.ErrBusy
		case i >= 0 && l.known[i].State != export.Enabled:
			return export.ErrNotEnabled
		}
		d.State, d.NextAt, d.Failures = export.Retrying, at, 0
		return nil
	})
}

func (l *deliveryLog) Cancel(_ context.Context, id string, _ time.Time) (export.Delivery, error) {
	return l.change(id, func(d *export.Delivery) error {
		if d.State.Final() {
			return export.ErrFinal
		}
		d.State, d.NextAt = export.Cancelled, time.Time{}
		return nil
	})
}

func (l *deliveryLog) Endpoints(_ context.Context, owner string, since time.Time, after string, limit int) (found []export.Endpoint, next string, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.since = since
	for _, e := range l.known {
		if len(found) == limit {
			return found, found[limit-1].ID, l.err
		}
		if e.ID > after && e.Account == owner {
			found = append(found, e)
		}
	}
	return found, "", l.err
}

func (l *deliveryLog) Endpoint(_ context.Context, id string, since time.Time) (export.Endpoint, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.since = since
	for _, e := range l.known {
		if e.ID == id {
			return e, l.err
		}
	}
	return export.Endpoint{}, export.ErrNoEndpoint
}

func (l *deliveryLog) SetEndpoint(_ context.Context, c export.EndpointChange, _ ...export.Delivery) (bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range l.known {
		if e := &l.known[i]; e.ID == c.ID && l.err == nil {
			changed := e.State != c.State
			e.State, e.Reason, e.ChangedAt = c.State, c.Reason, c.At
			return changed, nil
		}
	}
	if l.err != nil {
		return false, l.err
	}
	return false, export.ErrNoEndpoint
}

func (l *deliveryLog) BeginRecovery(_ context.Context, r export.Recovery) (export.Recovery, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r.ID = "rec_" + strconv.Itoa(len(l.recoveries)+1)
	f := r.Filter
	if len(f.States) == 0 {
		f.States = []export.State{export.Failed, export.Held}
	}
	for _, d := range l.deliveries {
		if chosen(f, d) {
			r.Total++
		}
	}
	if l.err == nil {
		l.recoveries[r.ID] = r
	}
	return r, l.err
}

func (l *deliveryLog) Recovery(_ context.Context, id string) (export.Recovery, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r, ok := l.recoveries[id]
	if !ok {
		return r, export.ErrNoRecovery
	}
	return r, l.err
}

func (l *deliveryLog) GoOn(_ context.Context, id string, _ int, at time.Time) (export.Recovery, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.recoveries[id]
	r.Done, r.EndedAt = r.Total, at
	l.recoveries[id] = r
	return r, nil
}

// hooks send nothing. Addresses with "inside" in them are refused.
type hooks struct {
	log *deliveryLog
	now func() time.Time
	// tested is what the last test was asked for, attempt how those of a connection
	// go; nil is well.
	tested  string
	attempt *export.Attempt
}

const inside = export.Refusal("The webhook's endpoint cannot be used: the address is not public")

func (h *hooks) RedeliverTo(ctx context.Context, id, target string) (export.Delivery, error) {
	d, err := h.log.Delivery(ctx, id)
	if err == nil && strings.Contains(target, "inside") {
		err = inside
	}
	d.ID, d.Target, d.Endpoint, d.State, d.Attempts = id+"X", target, export.EndpointOf(d.Account, target), export.Pending, 0
	return d, err
}

func (h *hooks) Test(_ context.Context, t export.Trial) (export.Delivery, export.Attempt, error) {
	h.tested = strings.Join(strings.Fields(strings.Join([]string{t.Account, t.Event, t.Endpoint, t.Connection, strconv.FormatBool(t.Failed), strconv.FormatBool(t.Dry)}, " ")), " ")
	if strings.Contains(t.Endpoint, "inside") {
		return export.Delivery{}, export.Attempt{}, inside
	}
	d := export.Delivery{ID: "dlv_TEST", MessageID: "msg_TEST", Account: t.Account, Type: "webhook", Event: t.Event, Target: t.Endpoint,
		Connection: t.Connection, State: export.Delivered, Attempts: 1, LastStatus: 204, CreatedAt: h.now(), Timeout: 15 * time.Second}
	a := export.Attempt{Delivery: d.ID, Number: 1, StartedAt: h.now(), EndedAt: h.now().Add(12345 * time.Microsecond),
		Result: export.Succeeded, Status: 204, Request: http.Header{"Webhook-Id": {"msg_TEST"}}}
	if h.attempt != nil {
		d.Target, a = "https://example.org/in", *h.attempt
	}
	return d, a, h.log.err
}

func (h *hooks) SetEndpoint(ctx context.Context, id string, state export.EndpointState, reason string) (export.Endpoint, error) {
	if _, err := h.log.SetEndpoint(ctx, export.EndpointChange{ID: id, State: state, Reason: reason, At: h.now()}); err != nil {
		return export.Endpoint{}, err
	}
	return h.log.Endpoint(ctx, id, h.now())
}

// ring holds keys that are no keys, of the default account. What others ask for
// is noted, and they have none.
type ring struct {
	keys   []signing.Key
	public []signing.PublicKey
	now    func() time.Time
	err    error
	// asked is what the last rotation was asked for, by whom.
	asked string
}

func (r *ring) Secrets(_ context.Context, owner string) ([]signing.Key, error) {
	if owner != "" {
		return nil, r.err
	}
	return r.keys, r.err
}

func (r *ring) Public() []signing.PublicKey { return r.public }

func (r *ring) Rotate(_ context.Context, owner string, kinds []signing.Kind, overlap time.Duration) ([]signing.Key, error) {
	if r.err != nil {
		return nil, r.err
	}
	names := []string{owner}
	for _, kind := range kinds {
		names = append(names, string(kind))
	}
	r.asked = strings.TrimSpace(strings.Join(names, " ") + " " + overlap.String())
	if owner != "" {
		return nil, nil
	}
	r.keys[0].ExpiresAt = r.now().Add(overlap)
	next := signing.Key{ID: "key_" + strconv.Itoa(len(r.keys)+1), Kind: signing.V1, Text: "whsec_cGxhbnRlZC1zZWNvbmQ=", CreatedAt: r.now()}
	r.keys = append([]signing.Key{next}, r.keys...)
	return r.keys[:1], nil
}

func (r *ring) EndOverlap(_ context.Context, owner string) (int, error) {
	ended := len(r.keys) - 1
	if r.err == nil && owner == "" {
		r.keys = r.keys[:1]
	}
	return ended, r.err
}

var _ export.Log = (*deliveryLog)(nil)
