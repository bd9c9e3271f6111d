package s3

import (
	"encoding/json"
	"errors"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/safehttp"
)

// settings are members as a carrier is given them; nil takes one away.
func settings(t testing.TB, all ...with) export.Settings {
	t.Helper()
	one := with{}
	for _, m := range all {
		maps.Copy(one, m)
	}
	s := export.Settings{}
	for name, value := range one {
		if value == nil {
			continue
		}
		raw, err := json.Marshal(value)
		must(t, err)
		s[name] = raw
	}
	return s
}

// minimal are settings with nothing but what is needed.
var minimal = with{"bucket": "movies", "access-key": "AK", "secret-key": "SK-secret"}

// TestWhere: which URL a movie is put at.
func TestWhere(t *testing.T) {
	for _, tc := range []struct {
		name   string
		with   with
		url    string
		region string
	}{
		{"Amazon", with{}, "https://movies.s3.us-east-1.amazonaws.com/m.mp4", "us-east-1"},
		{"a region", with{"region": "eu-west-1"}, "https://movies.s3.eu-west-1.amazonaws.com/m.mp4", "eu-west-1"},
		{"a bucket with dots, which no certificate covers", with{"bucket": "a.movies"}, "https://s3.us-east-1.amazonaws.com/a.movies/m.mp4", "us-east-1"},
		{"the region of an endpoint", with{"endpoint": "https://s3.eu-central-1.amazonaws.com"}, "https://movies.s3.eu-central-1.amazonaws.com/m.mp4", "eu-central-1"},
		{"dual stack", with{"endpoint": "https://s3.dualstack.eu-west-2.amazonaws.com"}, "https://movies.s3.dualstack.eu-west-2.amazonaws.com/m.mp4", "eu-west-2"},
		{"Google", with{"endpoint": "https://storage.googleapis.com"}, "https://movies.storage.googleapis.com/m.mp4", "us-east-1"},
		{"R2", with{"endpoint": "https://abc.r2.cloudflarestorage.com/", "region": "auto"}, "https://abc.r2.cloudflarestorage.com/movies/m.mp4", "auto"},
		{"B2", with{"endpoint": "s3.eu-central-003.backblazeb2.com", "region": "eu-central-003"}, "https://s3.eu-central-003.backblazeb2.com/movies/m.mp4", "eu-central-003"},
		{"an address and a port", with{"endpoint": "http://127.0.0.1:9000"}, "http://127.0.0.1:9000/movies/m.mp4", "us-east-1"},
		{"IPv6", with{"endpoint": "http://[::1]:9000"}, "http://[::1]:9000/movies/m.mp4", "us-east-1"},
		{"virtual-hosted when asked for", with{"endpoint": "https://s3.example.org", "path-style": false}, "https://movies.s3.example.org/m.mp4", "us-east-1"},
		{"path style when asked for", with{"path-style": "true"}, "https://s3.us-east-1.amazonaws.com/movies/m.mp4", "us-east-1"},
		{"other names of the keys", with{"access-key": nil, "secret-key": nil, "access-key-id": "AK", "secret-access-key": "SK"}, "https://movies.s3.us-east-1.amazonaws.com/m.mp4", "us-east-1"},
		{"a key", with{"key": "/in/2026/a b.mp4"}, "https://movies.s3.us-east-1.amazonaws.com/in/2026/a%20b.mp4", "us-east-1"},
		{"a key that is a folder", with{"key": "in/"}, "https://movies.s3.us-east-1.amazonaws.com/in/m.mp4", "us-east-1"},
		{"a key goes before a folder", with{"key": "in/k.mp4", "remote-path": "x", "file": "y"}, "https://movies.s3.us-east-1.amazonaws.com/in/k.mp4", "us-east-1"},
		{"folder and file", with{"remote-path": "/in//", "file": "f+1.mp4"}, "https://movies.s3.us-east-1.amazonaws.com/in/f%2B1.mp4", "us-east-1"},
	} {
		c := New(Options{Policy: loopback()})
		d, err := c.read(settings(t, minimal, tc.with), "m.mp4", c.transport)
		if err != nil {
			t.Errorf("%s: %v", tc.name, err)
			continue
		}
		if got := d.url(key(d.place)); got != tc.url || d.region != tc.region {
			t.Errorf("%s: %s in %s", tc.name, got, d.region)
		}
		// What is signed and sent is the library's own: it must be the same.
		signed, err := d.client.PresignedGetObject(t.Context(), d.bucket, key(d.place), 1e9, nil)
		if err != nil || !strings.HasPrefix(signed.String(), tc.url+"?") {
			t.Errorf("%s: the library says %s: %v", tc.name, signed, err)
		}
	}
}

func TestPlan(t *testing.T) {
	c := New(Options{Policy: loopback()})
	for _, tc := range []struct {
		with with
		want export.Plan
	}{
		{with{"file": "a b.mp4"}, export.Plan{Target: "s3://movies/a%20b.mp4", Group: "https://s3.us-east-1.amazonaws.com:443"}},
		{with{"remote-path": "in"}, export.Plan{Target: "s3://movies/in/", Group: "https://s3.us-east-1.amazonaws.com:443"}},
		{with{"endpoint": "http://127.0.0.1:9000"}, export.Plan{Target: "s3://movies/", Group: "http://127.0.0.1:9000"}},
	} {
		got, err := c.Plan(settings(t, minimal, tc.with))
		if err != nil || got != tc.want {
			t.Errorf("%v: %+v, %v", tc.with, got, err)
		}
	}
}

func TestRefusals(t *testing.T) {
	for _, tc := range []struct {
		with with
		says string
	}{
		{with{"bucket": nil}, `set "bucket"`},
		{with{"bucket": "a"}, `"bucket" must be`},
		{with{"bucket": "a/b/c"}, `"bucket" must be`},
		{with{"access-key": nil}, `no "access-key"`},
		{with{"secret-key": ""}, `no "secret-key"`},
		{with{"session-token": "a\r\nb"}, `"session-token"`},
		{with{"region": "eu west"}, `"region" must be`},
		{with{"region": "auto"}, `"endpoint" is missing`},
		{with{"endpoint": []int{1}}, `"endpoint" must be`},
		{with{"endpoint": "https://u:p@example.org"}, `"endpoint" must be`},
		{with{"endpoint": "https://example.org/movies"}, `the bucket belongs in "bucket"`},
		{with{"endpoint": "ftp://example.org"}, "https://"},
		{with{"endpoint": "http://example.org"}, "--allow-http-endpoints"},
		{with{"endpoint": "https://10.1.2.3"}, "--allow-networks"},
		{with{"key": "../x"}, `"key" leaves`},
		{with{"key": "a\nb"}, `"key" holds`},
		{with{"key": strings.Repeat("k", 1025)}, "longer than 1024 bytes"},
		{with{"if-exists": "maybe"}, `"if-exists" must be`},
		{with{"content-type": "vidéo/mp4"}, `"content-type" must be`},
		{with{"cache-control": "a\r\nX-Amz-Acl: public-read"}, `"cache-control" must be`},
		{with{"storage-class": "a b"}, `"storage-class" must be`},
		{with{"acl": "public read"}, `"acl" must be`},
		{with{"metadata": "x"}, `"metadata" must be`},
		{with{"metadata": with{"a b": "x"}}, `"metadata" must be`},
		{with{"metadata": with{"a": "x\ny"}}, `"metadata" must be`},
		{with{"metadata": with{"a": with{}}}, `"metadata" must be`},
		{with{"metadata": with{"a": strings.Repeat("x", 2048)}}, "larger than 2048 bytes"},
		{with{"sse": "rot13"}, `"sse" must be`},
		{with{"presign": "8d"}, `"presign" must be`},
		{with{"presign": "169h"}, `"presign" must be`},
		{with{"presign": 0}, `"presign" must be`},
		{with{"public-url": "ftp://x"}, `"public-url" must be`},
		{with{"public-url": "https://x/?a"}, `"public-url" must be`},
		{with{"public-url": "https://x", "presign": 60}, "cannot both be set"},
	} {
		c := New(Options{Policy: safehttp.Policy{}})
		_, err := c.Plan(settings(t, minimal, tc.with))
		var refusal export.Refusal
		if !errors.As(err, &refusal) || !strings.Contains(err.Error(), tc.says) || strings.Contains(err.Error(), "SK-secret") {
			t.Errorf("%v: %v", tc.with, err)
		}
	}
}

// TestMetadata: no name of a member can become another header.
func TestMetadata(t *testing.T) {
	got, err := readMetadata([]byte(`{"Title": "Ein Ü", "x-amz-acl": "public-read", "n": 7}`))
	must(t, err)
	want := map[string]string{"X-Amz-Meta-Title": "=?utf-8?q?Ein_=C3=9C?=", "X-Amz-Meta-x-amz-acl": "public-read", "X-Amz-Meta-n": "7"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// FuzzPlan: nothing that a client sends panics or is shown of the secret.
func FuzzPlan(f *testing.F) {
	for _, seed := range []string{`"x"`, `{"a": "b"}`, `["a"]`, `7`, `"https://[::1]:9"`, `"168h"`, `"..\\x"`, `"\u0000"`} {
		f.Add(seed)
	}
	c := New(Options{Policy: loopback()})
	f.Fuzz(func(t *testing.T, raw string) {
		for _, name := range []string{"bucket", "endpoint", "region", "key", "metadata", "presign", "public-url", "acl", "sse", "content-type", "session-token", "file"} {
			s := settings(t, minimal)
			s[name] = json.RawMessage(raw)
			plan, err := c.Plan(s)
			if err == nil && !strings.HasPrefix(plan.Target, "s3://") || err != nil && strings.Contains(err.Error(), "SK-secret") {
				t.Errorf("%s: %+v, %v", name, plan, err)
			}
		}
	})
}
