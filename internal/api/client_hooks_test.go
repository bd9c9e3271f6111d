package api_test

import (
	"encoding/json"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/reelhook/reelhook/internal/api"
	"github.com/reelhook/reelhook/internal/export"
)

func TestClientOfTheLog(t *testing.T) {
	w := newWorld(t)
	w.plant()
	srv := httptest.NewServer(w)
	defer srv.Close()
	c, ctx := api.Client{BaseURL: srv.URL, Key: key}, t.Context()

	var ids []string
	q := api.Query{Status: []string{"failed", "held", "delivered"}, From: "2026-01-01", Limit: 2}
	for more := true; more; {
		page, err := c.Deliveries(ctx, q)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range page.Deliveries {
			ids = append(ids, d.ID)
		}
		if more = page.NextCursor != nil; more {
			q.Cursor = *page.NextCursor
		}
	}
	if diff := cmp.Diff([]string{heldID, failedID, deliveredID}, ids); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	d, err := c.Delivery(ctx, deliveredID)
	if err != nil || *d.Body != plantedBody || len(d.Log) != 2 || *d.Log[0].RetryAfter != 90 || d.Log[0].Latency.FirstByte != 4.567 {
		t.Errorf("%+v, %v", d, err)
	}
	raw, err := c.Proof(ctx, deliveredID)
	var p api.Proof
	if err != nil || json.Unmarshal(raw, &p) != nil || p.Delivery.ID != deliveredID || p.Digest == "" {
		t.Errorf("%s, %v", raw, err)
	}
	again, err := c.Redeliver(ctx, deliveredID, "")
	if err != nil || again.ID != deliveredID || again.Status != "retrying" {
		t.Errorf("%+v, %v", again, err)
	}
	other, err := c.Redeliver(ctx, deliveredID, "https://other.example.org/x?y")
	if err != nil || other.ID == deliveredID || other.Target != "https://other.example.org/x?…" {
		t.Errorf("%+v, %v", other, err)
	}
	gone, err := c.Cancel(ctx, retryingID)
	if err != nil || gone.Status != "cancelled" {
		t.Errorf("%+v, %v", gone, err)
	}
	begun, err := c.Recover(ctx, api.RecoverOrder{Since: "2026-01-01", Status: []string{"failed"}})
	if err != nil || begun.Count != 1 {
		t.Errorf("%+v, %v", begun, err)
	}
	r, err := c.Recovery(ctx, begun.Recovery)
	if err != nil || r.Total != 1 || r.Status != "running" {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestClientOfEndpointsAndSecrets(t *testing.T) {
	w := newWorld(t)
	w.plant()
	srv := httptest.NewServer(w)
	defer srv.Close()
	c, ctx := api.Client{BaseURL: srv.URL, Key: key}, t.Context()

	all, err := c.Endpoints(ctx, api.Query{Window: "1h", Limit: 1})
	if err != nil || len(all.Endpoints) != 1 || all.NextCursor == nil || all.Endpoints[0].Window != 3600 {
		t.Errorf("%+v, %v", all, err)
	}
	one, err := c.Endpoint(ctx, goodEndpoint, "")
	if err != nil || one.Attempts != 4 || *one.SuccessRate != 0.75 || one.Window != 86400 {
		t.Errorf("%+v, %v", one, err)
	}
	for state, order := range map[export.EndpointState]api.EnableOrder{export.Paused: {Reason: "It moves"}, export.Disabled: {}, export.Enabled: {Send: true}} {
		changed, err := c.SetEndpoint(ctx, badEndpoint, state, order)
		if err != nil || changed.Endpoint.State != string(state) || changed.Held != 1 || (changed.Recovery != nil) != order.Send {
			t.Errorf("%s: %+v, %v", state, changed, err)
		}
	}
	tested, err := c.TestWebhook(ctx, api.TestOrder{Endpoint: "https://h.example.org", DryRun: true})
	if err != nil || tested.Attempt.Result != "succeeded" || !strings.HasSuffix(w.hooks.tested, " false true") {
		t.Errorf("%+v, %v", tested, err)
	}
	rotated, err := c.RotateSecret(ctx, api.RotateOrder{Overlap: "2h"})
	if err != nil || len(rotated.Secrets) != 2 || *rotated.Secrets[1].ExpiresAt != "2026-01-02T05:04:05.678Z" {
		t.Errorf("%+v, %v", rotated, err)
	}
	ended, err := c.EndOverlap(ctx)
	if err != nil || *ended.Ended != 1 || len(ended.Secrets) != 1 {
		t.Errorf("%+v, %v", ended, err)
	}
	now, err := c.Secret(ctx)
	if diff := cmp.Diff(ended.Secrets, now.Secrets); err != nil || diff != "" {
		t.Errorf("%v, -want +got\n%s", err, diff)
	}
}

func TestClientSaysWhatWasRefused(t *testing.T) {
	w := newWorld(t)
	w.plant()
	srv := httptest.NewServer(w)
	defer srv.Close()
	c, ctx := api.Client{BaseURL: srv.URL, Key: key}, t.Context()
	failure := func(_ any, err error) error { return err }
	for name, got := range map[string]struct {
		err    error
		status int
		text   string
	}{
		"a list":         {failure(c.Deliveries(ctx, api.Query{From: "x"})), 400, "list deliveries: 'from' must be"},
		"an id":          {failure(c.Delivery(ctx, "a/b?c")), 404, "ask for delivery a/b?c: "},
		"a proof":        {failure(c.Proof(ctx, "dlv_X")), 404, "prove delivery dlv_X: Delivery dlv_X not found"},
		"busy":           {failure(c.Redeliver(ctx, runningID, "")), 409, "redeliver " + runningID + ": An attempt"},
		"ended":          {failure(c.Cancel(ctx, deliveredID)), 409, "has ended already"},
		"a recovery":     {failure(c.Recover(ctx, api.RecoverOrder{})), 400, "recover deliveries: 'since' is needed"},
		"endpoints":      {failure(c.Endpoints(ctx, api.Query{Window: "x"})), 400, "list endpoints: 'window' must be"},
		"an endpoint":    {failure(c.SetEndpoint(ctx, "ep_X", export.Paused, api.EnableOrder{})), 404, "pause endpoint ep_X: Endpoint ep_X not found"},
		"no such state":  {failure(c.SetEndpoint(ctx, "ep_X", "gone", api.EnableOrder{})), 0, `cannot be set to "gone"`},
		"send and pause": {failure(c.SetEndpoint(ctx, badEndpoint, export.Paused, api.EnableOrder{Send: true})), 400, "Unknown field 'send'"},
		"a test":         {failure(c.TestWebhook(ctx, api.TestOrder{Endpoint: "https://inside.example.org"})), 400, "test a webhook: The webhook's endpoint cannot be used"},
		"an overlap":     {failure(c.RotateSecret(ctx, api.RotateOrder{Overlap: "x"})), 400, "rotate the secret: 'overlap' must be"},
	} {
		var f *api.Failure
		if got.err == nil || !strings.Contains(got.err.Error(), got.text) || errors.As(got.err, &f) != (got.status != 0) || f != nil && f.Status != got.status {
			t.Errorf("%s: %v", name, got.err)
		}
	}
}
