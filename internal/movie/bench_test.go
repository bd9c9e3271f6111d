package movie_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/reelhook/reelhook/internal/movie"
)

// BenchmarkParse reads movies as clients send them.
func BenchmarkParse(b *testing.B) {
	for _, size := range []struct {
		name             string
		scenes, elements int
	}{{"3kB", 3, 4}, {"1MB", 64, 70}} {
		source := []byte(ordinary(size.scenes, size.elements))
		b.Run(size.name, func(b *testing.B) {
			b.SetBytes(int64(len(source)))
			b.ReportAllocs()
			for b.Loop() {
				m, err := movie.Parse(source)
				if err != nil || len(m.Faults)+len(m.Warnings) > 0 {
					b.Fatal(err, m)
				}
			}
		})
	}
}

// ordinary is a movie without faults: scenes of pictures with a caption each.
func ordinary(scenes, elements int) string {
	var b strings.Builder
	b.WriteString(`{"resolution":"full-hd","fps":25,"client-data":{"order":"A-17"},"scenes":[`)
	for i := range scenes {
		if i > 0 {
			b.WriteString(",")
		}
		fmt.Fprintf(&b, "\n  {\"id\":\"s%d\",\"duration\":8.5,\"background-color\":\"#102030\",\"transition\":{\"style\":\"fade\",\"duration\":1},\"elements\":[", i)
		for k := range elements {
			if k > 0 {
				b.WriteString(",")
			}
			if k%2 == 0 {
				fmt.Fprintf(&b, "\n    {\"type\":\"image\",\"src\":\"https://media.example.test/orders/A-17/pictures/%d-%d.jpg\",\"start\":%d,\"duration\":4,\"x\":120,\"y\":80,\"width\":640,\"zoom\":2,\"fade-in\":0.5,\"fade-out\":0.5,\"z-index\":1}", i, k, k)
				continue
			}
			fmt.Fprintf(&b, "\n    {\"type\":\"text\",\"text\":\"Caption number %d of scene %d, in two<br>lines\",\"start\":%d,\"duration\":4,\"position\":\"bottom-left\",\"settings\":{\"font-family\":\"Inter\",\"font-size\":\"48px\",\"font-weight\":700,\"color\":\"#ffffff\",\"background-color\":\"rgba(0,0,0,0.4)\"}}", k, i, k)
		}
		b.WriteString("]}")
	}
	b.WriteString("\n]}")
	return b.String()
}
