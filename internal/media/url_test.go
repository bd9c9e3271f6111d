package media

import (
	"net/url"
	"strings"
	"testing"
)

func TestResolve(t *testing.T) {
	const file = "https://drive.usercontent.google.com/download?confirm=t&export=download&id="
	for in, want := range map[string]string{
		"https://x.test/a.png":                                "https://x.test/a.png",
		" \t\n\ufeffhttps://x.test/a.png\u200b\u00a0\r\n":     "https://x.test/a.png",
		"https://x.test/my file.png":                          "https://x.test/my%20file.png",
		"https://x.test/my%20file.png":                        "https://x.test/my%20file.png",
		"https://x.test/my%2520file.png":                      "https://x.test/my%2520file.png",
		"https://x.test/100% real.png?q=5%&r=%zz":             "https://x.test/100%25%20real.png?q=5%25&r=%25zz",
		"https://x.test/bücher.png?q=ü":                       "https://x.test/b%C3%BCcher.png?q=%C3%BC",
		"https://bücher.test/a b":                             "https://bücher.test/a%20b",
		"https://placehold.co/600x400?text=Hello World|{1}":   "https://placehold.co/600x400?text=Hello%20World%7C%7B1%7D",
		"https://x.test?q=a b":                                "https://x.test?q=a%20b",
		"https://exa mple.com/a":                              "https://exa mple.com/a",
		"https://x.test\\@10.0.0.1/":                          "https://x.test\\@10.0.0.1/",
		"https://x.test/a\tb":                                 "https://x.test/a\tb",
		"x.test/a b":                                          "x.test/a b",
		"":                                                    "",
		"https://www.dropbox.com/s/abc/My Clip.mp4?dl=0":      "https://www.dropbox.com/s/abc/My%20Clip.mp4?dl=1",
		"https://www.dropbox.com/s/abc/a.mp4?dl=1":            "https://www.dropbox.com/s/abc/a.mp4?dl=1",
		"https://www.dropbox.com/s/abc/a.mp4?raw=1":           "https://www.dropbox.com/s/abc/a.mp4?dl=1",
		"https://www.dropbox.com/s/abc/a.mp4":                 "https://www.dropbox.com/s/abc/a.mp4?dl=1",
		"https://dropbox.com/s/abc/a.mp4":                     "https://dropbox.com/s/abc/a.mp4?dl=1",
		"http://WWW.Dropbox.com/s/abc/a.mp4":                  "https://WWW.Dropbox.com/s/abc/a.mp4?dl=1",
		"https://www.dropbox.com/scl/fi/i/a.mp4?rlkey=K&dl=0": "https://www.dropbox.com/scl/fi/i/a.mp4?dl=1&rlkey=K",
		"https://www.dropbox.com/login":                       "https://www.dropbox.com/login",
		"https://dl.dropboxusercontent.com/s/abc/a.mp4":       "https://dl.dropboxusercontent.com/s/abc/a.mp4",
		"https://www.dropbox.com.evil.test/s/abc/a.mp4?dl=0":  "https://www.dropbox.com.evil.test/s/abc/a.mp4?dl=0",
		"https://u:p@www.dropbox.com/s/abc/a.mp4?dl=0":        "https://u:p@www.dropbox.com/s/abc/a.mp4?dl=0",

		"https://drive.google.com/file/d/1a_B-c/view?usp=sharing":             file + "1a_B-c",
		"https://drive.google.com/file/d/1a_B-c":                              file + "1a_B-c",
		"https://drive.google.com/file/u/0/d/1a_B-c/edit":                     file + "1a_B-c",
		"https://drive.google.com/a/firm.test/file/d/1a_B-c/view":             file + "1a_B-c",
		"https://drive.google.com/open?id=1a_B-c":                             file + "1a_B-c",
		"https://drive.google.com/uc?id=1a_B-c":                               file + "1a_B-c",
		"https://drive.google.com/uc?export=download&id=1a_B-c":               file + "1a_B-c",
		"https://drive.google.com/uc?export=view&id=1a_B-c":                   file + "1a_B-c",
		"https://docs.google.com/uc?id=1a_B-c":                                file + "1a_B-c",
		"https://drive.google.com/file/d/1a_B-c/view?resourcekey=0-x":         file + "1a_B-c&resourcekey=0-x",
		"https://drive.usercontent.google.com/download?id=1a_B-c":             file + "1a_B-c",
		"https://drive.usercontent.google.com/download?id=1a_B-c&confirm=xyz": "https://drive.usercontent.google.com/download?id=1a_B-c&confirm=xyz",
		"https://drive.google.com/drive/folders/1a_B-c":                       "https://drive.google.com/drive/folders/1a_B-c",
		"https://drive.google.com/open?id=../x":                               "https://drive.google.com/open?id=../x",
		"https://docs.google.com/document/d/1a_B-c/edit":                      "https://docs.google.com/document/d/1a_B-c/edit",
	} {
		if got := resolve(in, false).url; got != want {
			t.Errorf("%q\n got %q\nwant %q", in, got, want)
		}
	}
}

func TestResolveHow(t *testing.T) {
	for _, tc := range []struct {
		raw    string
		folder bool
		want   how
	}{
		{"https://x.test/a", false, remote},
		{"https://x.test/a", true, remote},
		{"file:///etc/passwd", true, remote},
		{"a/b.png", false, remote},
		{"a/b.png", true, inFolder},
		{"/etc/passwd", true, inFolder},
		{"DATA:image/png;base64,AA", false, inline},
		{"data:,x", true, inline},
	} {
		if got := resolve(tc.raw, tc.folder).how; got != tc.want {
			t.Errorf("%q, folder %v: got %d, want %d", tc.raw, tc.folder, got, tc.want)
		}
	}
}

func TestShown(t *testing.T) {
	for in, want := range map[string]string{
		"https://x.test/a b.png?token=s3cret":        "https://x.test/a%20b.png?…",
		"https://www.dropbox.com/s/abc/a.mp4?dl=0":   "https://www.dropbox.com/s/abc/a.mp4?…",
		"https://user:s3cret@x.test/a#s3cret":        "https://x.test/a",
		"data:image/png;base64,s3cret":               "data:image/png;base64,…",
		"https://x.test/" + strings.Repeat("ü", 999): "https://x.test/" + strings.Repeat("%C3%BC", 80) + "%C3%B…",
	} {
		if got := resolve(in, false).shown(); got != want && !strings.HasPrefix(got, strings.TrimSuffix(want, "…")) || strings.Contains(got, "s3cret") {
			t.Errorf("%s became %s", in, got)
		}
	}
}

// FuzzResolve holds that repairing leaves scheme and host alone, is done at
// once, and that what the policy would accept can be requested as it is.
func FuzzResolve(f *testing.F) {
	for _, s := range []string{
		"https://x.test/a b%?c=ü#d e", "https://www.dropbox.com/s/a/b?dl=0", "https://drive.google.com/file/d/1/view", "data:,x",
		"http://[::1]:80/%", "https://x.test\\/ ", "://", "https://x.test/%%%20%2", "//x/y", "https://drive.google.com/uc?id=%zz",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		fixed := repair(raw)
		if again := repair(fixed); again != fixed {
			t.Fatalf("%q became %q, then %q", raw, fixed, again)
		}
		before, err := url.Parse(raw)
		after, err2 := url.Parse(fixed)
		if err == nil && (err2 != nil || before.Scheme != after.Scheme || before.Host != after.Host || before.Path != after.Path) {
			t.Fatalf("%q became %q: %v", raw, fixed, err2)
		}
		at := resolve(raw, false)
		_, _, _ = at.shown(), at.host(), resolve(raw, true).shown()
		if at.how != remote || at.url == at.written {
			return
		}
		u, err := url.Parse(at.url)
		if err != nil || u.Scheme != "https" || !strings.HasSuffix(u.Host, "dropbox.com") && u.Host != "drive.usercontent.google.com" && !strings.EqualFold(u.Host, "www.dropbox.com") && !strings.EqualFold(u.Host, "dropbox.com") {
			t.Fatalf("%q leads to %q", raw, at.url)
		}
		if again := direct(at.url); again != at.url {
			t.Fatalf("%q leads to %q, then %q", raw, at.url, again)
		}
	})
}
