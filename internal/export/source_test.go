package export_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/reelhook/reelhook/internal/blob"
	"github.com/reelhook/reelhook/internal/export"
)

func sum(text string) string {
	h := sha256.Sum256([]byte(text))
	return hex.EncodeToString(h[:])
}

// TestSource holds what a destination gets that asks for something.
func TestSource(t *testing.T) {
	type parcel struct{ Name, Type, Content, SHA256 string }
	movie := parcel{"2026-01-02-36066.mp4", "video/mp4", "movie", "c0ffee"}
	thumb := parcel{"2026-01-02-36066.jpg", "image/jpeg", "thumb", sum("thumb")}
	for source, c := range map[string]struct {
		want    parcel
		message string
	}{
		``: {want: movie}, `null`: {want: movie}, `""`: {want: movie}, `" Movie "`: {want: movie}, `"thumbnail"`: {want: thumb},
		`"json"`:      {want: parcel{Name: "2026-01-02-36066.json", Type: "application/json"}},
		`"subtitles"`: {message: `The movie has no subtitles; leave "source" out to export the movie`},
		`"trailer"`:   {message: `"source" must be movie, thumbnail, subtitles or json, not "trailer"`},
		`7`:           {message: `"source" must be movie, thumbnail, subtitles or json, not "7"`},
		`["movie"]`:   {want: movie},
	} {
		for _, kind := range []string{"ftp", "email"} {
			synctest.Test(t, func(t *testing.T) {
				d := newDepot(t)
				dest := fmt.Sprintf(`{"type":%q,"host":"f"`, kind)
				if source != "" {
					dest += `,"source":` + source
				}
				d.runs(dest + "}")
				if c.message != "" {
					if got := d.m.shown("p")[0]; got.Status != "failed" || got.Message != c.message || len(d.parcels) > 0 {
						t.Errorf("%s: %+v", source, got)
					}
					return
				}
				p := d.parcels[0]
				want := c.want
				if strings.HasSuffix(want.Name, ".json") {
					want.Content = string(d.m.projects["p"].Source)
					want.SHA256 = sum(want.Content)
				}
				got := parcel{p.Name, p.Type, content(t, p), p.SHA256}
				if diff := cmp.Diff(want, got); diff != "" || p.Text("file") != want.Name {
					t.Errorf("%s: as %s, -want +got\n%s", source, p.Text("file"), diff)
				}
			})
		}
	}
}

// TestNoThumbnail holds that a movie without one says so.
func TestNoThumbnail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDepot(t)
		o := d.rendered()
		o.Result.Thumbnail = ""
		d.ends(exports(`{"type":"ftp","source":"thumbnail"}`, webhook), o)
		d.m.run(d.p)
		if diff := cmp.Diff([]string{`0.0 ftp failed The movie has no thumbnail; leave "source" out to export the movie`, "1.0 webhook delivered"}, lines(d.m.shown("p"))); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
	})
}

// TestDeleted takes the file, the project's mention of it, or the project away
// while an upload waits.
func TestDeleted(t *testing.T) {
	const kept = "0.0 ftp failed The movie's file is no longer kept here"
	for name, c := range map[string]struct {
		take func(d *depot)
		want []string
	}{
		"the file": {func(d *depot) { delete(d.o.Files.(files), "k/2026-01-02-36066.mp4") }, []string{kept, "1.0 webhook delivered"}},
		"the movie": {func(d *depot) {
			pr := d.m.projects["p"]
			pr.Result.File = ""
			d.m.projects["p"] = pr
		}, []string{kept, "1.0 webhook delivered"}},
		"the project": {func(d *depot) { delete(d.m.projects, "p") }, []string{"0.0 ftp failed The movie is no longer kept here", "1.0 webhook pending"}},
	} {
		synctest.Test(t, func(t *testing.T) {
			d := newDepot(t)
			d.carry = fails("f", 1, fault("down"))
			d.ends(exports(ftp, webhook), d.rendered())
			d.m.step(d.p)
			c.take(d)
			d.m.run(d.p)
			if diff := cmp.Diff(c.want, lines(d.m.shown("p"))); diff != "" || len(d.parcels) != 1 {
				t.Errorf("%s: %d tries, -want +got\n%s", name, len(d.parcels), diff)
			}
		})
	}
}

// TestRealFile carries a file of a blob folder, from its start on every try and as
// often as a carrier opens it.
func TestRealFile(t *testing.T) {
	dir, err := blob.NewDir(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Repeat("reelhook", 100_000)
	from := filepath.Join(t.TempDir(), "movie.mp4")
	if err := os.WriteFile(from, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := dir.Put(t.Context(), "k/2026-01-02-36066.mp4", from); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		d := newDepot(t)
		d.o.Files = dir
		d.restart()
		d.carry = func(_ context.Context, p export.Parcel) (export.Receipt, error) {
			for range 2 {
				if got := content(t, p); got != text {
					t.Errorf("%d bytes of another file", len(got))
				}
			}
			return fails("f", 2-len(d.parcels), fault("down"))(t.Context(), p)
		}
		o := d.rendered()
		o.Result.SHA256 = "" // of a movie that was rendered before it was taken
		d.ends(exports(ftp), o)
		d.m.run(d.p)
		if got := d.m.shown("p")[0]; got.Status != "uploaded" || got.Receipt.SHA256 != sum(text) || got.Receipt.Bytes != int64(len(text)) || len(d.parcels) != 2 {
			t.Errorf("%d tries, %+v", len(d.parcels), got)
		}
	})
	if err := dir.Close(); err != nil {
		t.Error(err)
	}
}

// TestSending holds that an upload's progress can be seen while it is under way,
// and no longer.
func TestSending(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDepot(t)
		d.carry = func(_ context.Context, p export.Parcel) (export.Receipt, error) {
			id := d.main(0, 0).ID
			for _, bytes := range []int64{0, 3, 1, 5} {
				if p.Sent(bytes); bytes == 1 {
					<-time.After(time.Second)
				}
				if sent, total, ok := d.p.Sending(id); sent != bytes || total != 5 || !ok {
					t.Errorf("%d of %d, %v", sent, total, ok)
				}
			}
			return fails("f", 2-len(d.parcels), fault("down"))(t.Context(), p)
		}
		d.ends(exports(ftp), d.rendered())
		for len(d.m.jobs) > 0 {
			if _, _, ok := d.p.Sending(d.main(0, 0).ID); ok {
				t.Error("it is under way")
			}
			d.m.step(d.p)
		}
		if _, _, ok := d.p.Sending(d.main(0, 0).ID); ok || len(d.parcels) != 2 {
			t.Errorf("it is under way, after %d tries", len(d.parcels))
		}
	})
}

// TestMacros fills in every name, everywhere but in secrets, the same at every
// destination, on every try and after a restart.
func TestMacros(t *testing.T) {
	all := "__yyyy__-__mm__-__dd__ __hh__:__nn__:__ss__ __random__ __filename__ __filename_without_extension__ __filename_extension__ __video_url__ __other__ _yyyy_"
	dest := fmt.Sprintf(`"source":"thumbnail","subject":%q,"message":%[1]q,"remote-path":"/in/__yyyy__/__mm__","file":"__random__.__filename_extension__",
		"to":["__ss__@x.test","b"],"nested":{"list":[{"a":"__dd__"}],"number":1.50,"no":null,"yes":true,"password":"__yyyy__"},
		"password":"__yyyy__","smtp-token":"__yyyy__","headers":{"X":"__yyyy__"},"endpoint":"https://x.test/?v=__video_url__&t=__nn__","url":"https://y.test/?v=__video_url__"}`, all)
	synctest.Test(t, func(t *testing.T) {
		<-time.After(26*time.Hour + 7*time.Minute + 8*time.Second) // from 2000-01-01
		d := newDepot(t)
		d.o.FileURL = func(key string) string { return "https://f.test/a b/" + key + "?x=ü+&y" }
		d.restart()
		d.carry = fails("f", 1, fault("down"))
		d.ends(exports(`{"type":"ftp","host":"f",`+dest, `{"type":"sftp","host":"s",`+dest), d.rendered())
		d.m.step(d.p)
		d.restart()
		d.m.run(d.p)
		url := "https://f.test/a b/k/2026-01-02-36066.mp4?x=ü+&y"
		text := "2000-01-02 02:07:08 36066 2026-01-02-36066.jpg 2026-01-02-36066 jpg " + url + " __other__ _yyyy_"
		want := map[string]string{
			"subject": `"` + text + `"`, "message": `"` + text + `"`, "remote-path": `"/in/2000/01"`, "file": `"36066.jpg"`, "to": `["08@x.test","b"]`,
			"nested":   `{"list":[{"a":"02"}],"no":null,"number":1.50,"password":"__yyyy__","yes":true}`,
			"password": `"__yyyy__"`, "smtp-token": `"__yyyy__"`, "headers": `{"X":"__yyyy__"}`,
			"endpoint": `"https://x.test/?v=https%3A%2F%2Ff.test%2Fa%20b%2Fk%2F2026-01-02-36066.mp4%3Fx%3D%C3%BC%2B%26y&t=07"`,
			"url":      `"https://y.test/?v=https%3A%2F%2Ff.test%2Fa%20b%2Fk%2F2026-01-02-36066.mp4%3Fx%3D%C3%BC%2B%26y"`, "source": `"thumbnail"`,
		}
		if len(d.parcels) != 3 {
			t.Fatalf("%d tries", len(d.parcels))
		}
		for _, p := range d.parcels {
			for name, value := range want {
				if got := strings.ReplaceAll(string(p.Settings[name]), `\u0026`, "&"); got != value {
					t.Errorf("%s is %s, want %s", name, got, value)
				}
			}
		}
	})
}

// TestWebhookMacros holds that a webhook's endpoint is filled in too, and that of a
// movie that was not rendered there is no address to be had.
func TestWebhookMacros(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, rendered := range []bool{true, false} {
			d := newDepot(t)
			o, want := d.lost(), "https://x.test/s3cret/2026-01-02-36066.mp4/"
			if rendered {
				o, want = d.rendered(), want+"https%3A%2F%2Ffiles.test%2Fk%2F2026-01-02-36066.mp4"
			}
			d.ends(exports(`{"type":"webhook","endpoint":"__filename__/__video_url__","plain":"_"}`), o)
			if got := d.main(0, 0).Target; got != want {
				t.Errorf("it is sent to %s, want %s", got, want)
			}
		}
	})
}

// TestDefaultFile holds the name of a file that has none of its own.
func TestDefaultFile(t *testing.T) {
	for file, want := range map[string]string{``: "2026-01-02-36066.mp4", `,"file":""`: "2026-01-02-36066.mp4", `,"file":null`: "2026-01-02-36066.mp4",
		`,"file":"a.mp4"`: "a.mp4", `,"file":7`: "7", `,"file":"x/__filename_without_extension__"`: "x/2026-01-02-36066"} {
		synctest.Test(t, func(t *testing.T) {
			d := newDepot(t)
			d.runs(`{"type":"ftp"` + file + "}")
			if got := d.parcels[0].Text("file"); got != want {
				t.Errorf("%s: %s", file, got)
			}
		})
	}
}
