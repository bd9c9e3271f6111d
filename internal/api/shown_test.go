package api_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/reelhook/reelhook/internal/api"
	"github.com/reelhook/reelhook/internal/project"
)

// TestDestinationsAreShown: where an upload is, or how far, and nothing of either
// with a webhook.
func TestDestinationsAreShown(t *testing.T) {
	w := newWorld(t)
	id := w.submit(t, `{"scenes":[{}]}`)
	sum := strings.Repeat("ab", 32)
	w.store.dests[id] = []project.Destination{
		{Type: "sftp", Status: "uploaded", Attempts: 1, Delivery: "dlv_1", Receipt: project.Receipt{
			Path: "/in/a.mp4", URL: "sftp://files.example.org/in/a.mp4", ID: "etag-1", Bytes: 1000, SHA256: sum, Seconds: 1.5}},
		{Position: 1, Type: "ftp", Status: "running", Attempts: 1, Delivery: "dlv_2"},
		{Position: 2, Type: "webhook", Status: "pending"},
	}
	w.sending = "dlv_2"
	if _, err := w.store.change(id, func(p *project.Project) {
		p.Status, p.Result = project.Done, project.Result{File: p.FileKey, Thumbnail: p.ThumbnailKey()}
	}); err != nil {
		t.Fatal(err)
	}
	for _, target := range []string{"/v2/movies?project=" + id, "/v2/movies/" + id} {
		var reply api.MovieReply
		if err := json.Unmarshal(w.call("GET", target, "").Body.Bytes(), &reply); err != nil {
			t.Fatal(err)
		}
		percent := 42
		want := []api.Destination{
			{Type: "sftp", Status: "uploaded", Attempts: 1, Delivery: "dlv_1", Receipt: api.Receipt{
				RemotePath: "/in/a.mp4", URL: "sftp://files.example.org/in/a.mp4", RemoteID: "etag-1", Bytes: 1000, SHA256: sum, Seconds: 1.5}},
			{Type: "ftp", Status: "running", Attempts: 1, Delivery: "dlv_2", Progress: &percent},
			{Type: "webhook", Status: "pending"},
		}
		if diff := cmp.Diff(want, reply.Movie.Exports[0].Destinations); diff != "" {
			t.Errorf("%s: -want +got\n%s", target, diff)
		}
		if reply.Movie.Thumbnail == nil || !strings.HasSuffix(*reply.Movie.Thumbnail, ".jpg") || *reply.Movie.Thumbnail != strings.TrimSuffix(*reply.Movie.URL, ".mp4")+".jpg" {
			t.Errorf("%s: thumbnail %v of %s", target, reply.Movie.Thumbnail, *reply.Movie.URL)
		}
	}
	p := w.store.projects[0]
	w.files.put(p.ThumbnailKey(), "a picture", w.clock.Now())
	if got := w.call("GET", "/files/"+p.ThumbnailKey(), ""); got.Code != 200 || got.Header().Get("Content-Type") != "image/jpeg" {
		t.Errorf("%d %v", got.Code, got.Header())
	}
}

// TestUploadedDeliveryIsShown: a delivery says what became of an upload.
func TestUploadedDeliveryIsShown(t *testing.T) {
	w := newWorld(t)
	w.plant()
	d := &w.deliveries.deliveries[0]
	d.Ordered, d.Deadline, d.Connection, d.Exported = true, w.clock.Now(), "my-bucket", "partial"
	d.Receipt = project.Receipt{Path: "a.mp4", Bytes: 3}
	var reply api.DeliveryReply
	if err := json.Unmarshal(w.call("GET", "/v2/deliveries/"+deliveredID, "").Body.Bytes(), &reply); err != nil {
		t.Fatal(err)
	}
	got := reply.Delivery
	if !got.Ordered || got.Deadline == nil || *got.Deadline != "2026-01-02T03:04:05.678Z" || got.Connection != "my-bucket" || got.ExportStatus != "partial" ||
		got.Account != "default" || got.Receipt == nil || *got.Receipt != (api.Receipt{RemotePath: "a.mp4", Bytes: 3}) {
		t.Errorf("%+v", got.Delivery)
	}
}

// TestSecretsOfDocumentsAreConcealed: what is kept for reading has none, what the
// client is answered neither, and the sealed part goes to the store.
func TestSecretsOfDocumentsAreConcealed(t *testing.T) {
	w := newWorld(t)
	w.options.Conceal = func(id string, document []byte) (shown, sealed []byte) {
		return []byte(strings.ReplaceAll(string(document), "hunter2", "(secret)")), []byte("sealed of " + id)
	}
	w.Handler = checked(t, api.New(w.options))
	id := w.submit(t, "\xef\xbb\xbf"+`{"scenes":[{}],"exports":[{"destinations":[{"type":"ftp","password":"hunter2"}]}]}`)
	p := w.store.projects[0]
	if string(p.Sealed) != "sealed of "+id || !strings.HasPrefix(string(p.Source), `{"scenes"`) || strings.Contains(string(p.Source), "hunter2") {
		t.Errorf("stored %q and %q", p.Source, p.Sealed)
	}
	for _, target := range []string{"/v2/movies?format=full", "/v2/movies?format=full&project=" + id, "/v2/movies/" + id + "?format=full"} {
		if got := w.call("GET", target, "").Body.String(); strings.Contains(got, "hunter2") || !strings.Contains(got, "(secret)") {
			t.Errorf("%s: %s", target, got)
		}
	}
}
