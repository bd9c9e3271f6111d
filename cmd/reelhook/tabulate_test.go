package main

import (
	"bytes"
	"encoding/json"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/reelhook/reelhook/internal/api"
	"github.com/reelhook/reelhook/internal/signing"
	"github.com/reelhook/reelhook/webhook"
)

// TestTableFits holds that whatever is in a table, a row is a line, no line is
// too long, and nothing in it moves a terminal.
func TestTableFits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		texts := rapid.OneOf(rapid.String(), rapid.StringOfN(rapid.SampledFrom([]rune("長a\x1b\u202e\u0301👩‍👩‍👧")), 0, 300, -1))
		columns := make([]column, rapid.IntRange(1, 10).Draw(t, "columns"))
		var rows [2][][]cell // the second is of a later page
		for page := range rows {
			for range rapid.IntRange(1, 4).Draw(t, "rows") {
				row := make([]cell, len(columns))
				for i := range row {
					row[i] = plain(texts.Draw(t, "text"))
				}
				rows[page] = append(rows[page], row)
			}
		}
		for i := range columns {
			columns[i] = column{"HEAD", rapid.Bool().Draw(t, "cut")}
		}
		var out bytes.Buffer
		tab := table{screen: &screen{out: &out}, columns: columns}
		tab.print(rows[0])
		tab.print(rows[1])
		lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
		if want := 1 + len(rows[0]) + len(rows[1]); len(lines) != want {
			t.Fatalf("%d lines, want %d", len(lines), want)
		}
		for _, line := range lines {
			if terminal.StringWidth(line) > lineWidth || strings.ContainsFunc(line, func(r rune) bool { return !unicode.IsPrint(r) }) {
				t.Errorf("%d columns: %q", terminal.StringWidth(line), line)
			}
		}
	})
}

// TestEscapedJSON holds that what is escaped for the terminal's sake reads as it
// was.
func TestEscapedJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String().Draw(t, "text")
		var out bytes.Buffer
		if err := (&screen{out: &out}).json(map[string]string{text: text}); err != nil {
			t.Fatal(err)
		}
		var back map[string]string
		if err := json.Unmarshal(out.Bytes(), &back); err != nil || back[text] != text {
			t.Errorf("%q became %q: %v", text, out.String(), err)
		}
		if strings.ContainsFunc(out.String(), func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }) {
			t.Errorf("it wrote %q", out.String())
		}
	})
}

// TestColours holds that they are for terminals alone, and change nothing else.
func TestColours(t *testing.T) {
	show := func(colour bool) string {
		var out bytes.Buffer
		s := &screen{out: &out, colour: colour, now: func() time.Time { return noon }}
		(&table{screen: s, columns: []column{{"ID", false}, {"STATE", false}, {"MORE", true}}}).print([][]cell{{plain("1"), {"failed", colourOf("failed")}, plain("x")}})
		s.state("Status", "delivered", ", 204")
		return out.String()
	}
	painted, bare := show(true), show(false)
	if got := regexp.MustCompile(`\x1b\[\d+m`).ReplaceAllString(painted, ""); got != bare {
		t.Errorf("%q without colours is not %q", painted, bare)
	}
	for _, want := range []string{"\x1b[1mID\x1b[0m  ", "\x1b[31mfailed\x1b[0m  x\n", "Status       \x1b[32mdelivered, 204\x1b[0m\n"} {
		if !strings.Contains(painted, want) {
			t.Errorf("%q lacks %q", painted, want)
		}
	}
}

func TestShort(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", 999 * time.Millisecond: "0s", 59 * time.Second: "59s", time.Minute: "1m", 59*time.Minute + 59*time.Second: "59m",
		time.Hour: "1h", 47 * time.Hour: "47h", 48 * time.Hour: "2d", 365 * 24 * time.Hour: "365d",
	} {
		if got := short(d); got != want {
			t.Errorf("%v: %s, want %s", d, got, want)
		}
	}
	for n, want := range map[float64]string{0: "0s", 0.25: "250ms", 5: "5s", 60: "1m", 90: "1m30s", 600: "10m", 3600: "1h", 36000: "10h", 86430: "24h0m30s"} {
		if got := seconds(n); got != want {
			t.Errorf("%v: %s, want %s", n, got, want)
		}
	}
}

// TestShowKeys holds that of stored keys only those that sign are shown, and never
// a private one.
func TestShowKeys(t *testing.T) {
	private := webhook.NewPrivateKey()
	key, err := webhook.ParsePrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	at := func(h int) time.Time { return noon.Add(time.Duration(h) * time.Hour).UTC() }
	got, err := showKeys([]signing.Key{
		{ID: "key_4", Kind: signing.V1, Text: "whsec_new", CreatedAt: at(-1)},
		{ID: "key_3", Kind: signing.V1a, Text: private, CreatedAt: at(-1)},
		{ID: "key_2", Kind: signing.V1, Text: "whsec_old", CreatedAt: at(-9), ExpiresAt: at(1)},
		{ID: "key_1", Kind: signing.V1, Text: "whsec_past", CreatedAt: at(-99), ExpiresAt: at(0)},
	}, noon)
	want := api.Secrets{Success: true,
		Secrets: []api.Secret{{ID: "key_4", Secret: "whsec_new", CreatedAt: ref("2026-01-31T11:00:00.000Z")},
			{ID: "key_2", Secret: "whsec_old", CreatedAt: ref("2026-01-31T03:00:00.000Z"), ExpiresAt: ref("2026-01-31T13:00:00.000Z")}},
		PublicKeys: []api.PublicKey{{ID: "key_3", Version: "v1a", Algorithm: "ed25519", Key: key.Public().String(), CreatedAt: ref("2026-01-31T11:00:00.000Z")}},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v\n%s", err, cmp.Diff(want, got))
	}
	if _, err := showKeys([]signing.Key{{ID: "key_1", Kind: signing.V1a, Text: "whsk_hunter2"}}, noon); err == nil || !strings.Contains(err.Error(), "key_1") || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("got %v", err)
	}
}
