package httpput

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/reelhook/reelhook/internal/export"
)

func settings(t testing.TB, text string) export.Settings {
	t.Helper()
	var s export.Settings
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return s
}

func TestPlan(t *testing.T) {
	for url, want := range map[string]export.Plan{
		"https://Bucket.test/a%20b/c.mp4?X-Sig=s3cret": {Target: "https://Bucket.test/a%20b/c.mp4", Group: "https://bucket.test:443"},
		"https://bucket.test:8443/?":                   {Target: "https://bucket.test:8443/", Group: "https://bucket.test:8443"},
		"http://127.0.0.1/x":                           {Target: "http://127.0.0.1/x", Group: "http://127.0.0.1:80"},
		"https://[2001:db8::1]/x":                      {Target: "https://[2001:db8::1]/x", Group: "https://[2001:db8::1]:443"},
	} {
		if got, err := New(Options{Policy: plain}).Plan(settings(t, `{"url":"`+url+`"}`)); got != want || err != nil {
			t.Errorf("%s: %+v, %v", url, got, err)
		}
	}
}

// TestRefusals holds that bad settings are refused in words, without their values.
func TestRefusals(t *testing.T) {
	good := `"url":"https://bucket.test/x?sig=s3cret"`
	for text, says := range map[string]string{
		`{}`:                                                                      `"url" is needed`,
		`{"url":["https://a.test"]}`:                                              `"url" is needed`,
		`{"url":"http://bucket.test/?s3cret"}`:                                    `must begin with https://`,
		`{"url":"ftp://bucket.test/?s3cret"}`:                                     `must begin with https://`,
		`{"url":"https://u:s3cret@bucket.test/x"}`:                                `must not hold a user name`,
		`{"url":"https://bucket.test/a#s3cret"}`:                                  `no "#"`,
		`{"url":"https://bucket.test/a b?s3cret"}`:                                `white space`,
		`{"url":"https:///x?s3cret"}`:                                             `cannot be used`,
		`{"url":"https://bucket.test:0/x?s3cret"}`:                                `port`,
		`{"url":"https://b.test/` + strings.Repeat("s3cret", 2000) + `"}`:         `longer than`,
		`{` + good + `,"method":"DELETE"}`:                                        `"method" must be`,
		`{` + good + `,"method":["PUT"]}`:                                         `"method" must be`,
		`{` + good + `,"if-exists":"unique"}`:                                     `"if-exists" must be overwrite`,
		`{` + good + `,"content-type":"a\r\nb"}`:                                  `"content-type" must be`,
		`{` + good + `,"content-type":["a"]}`:                                     `"content-type" must be`,
		`{` + good + `,"headers":"x: s3cret"}`:                                    `must be an object`,
		`{` + good + `,"headers":{"a b":"s3cret"}}`:                               `letters, digits and hyphens`,
		`{` + good + `,"headers":{"Host":"s3cret"}}`:                              `must not hold host`,
		`{` + good + `,"headers":{"Proxy-Authorization":"s3cret"}}`:               `must not hold proxy-authorization`,
		`{` + good + `,"headers":{"transfer-encoding":"s3cret"}}`:                 `must not hold transfer-encoding`,
		`{` + good + `,"headers":{"x":"s3cret\r\ny: z"}}`:                         `holds a line break`,
		`{` + good + `,"headers":{"x":{"s3cret":1}}}`:                             `must be a text or a number`,
		`{` + good + `,"headers":{"x":"` + strings.Repeat("s3cret", 3000) + `"}}`: `at most`,
	} {
		_, err := New(Options{Policy: loopback}).Plan(settings(t, text))
		var refusal export.Refusal
		if !errors.As(err, &refusal) || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%.80s: %v", text, err)
		}
	}
}
