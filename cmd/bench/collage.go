package main

import (
	"fmt"
	"strings"
)

// The collage: a grid of small pictures that appear one after another.
const (
	tiles, columns       = 60, 10
	tileWidth, tileRow   = 192, 180 // pixels; the canvas is ten by six of them
	tileEvery, tileFades = 0.25, 0.5
	collageSeconds       = 20
	collageColor         = "2a4d8f"
)

// tile is a picture's file, where it goes, and when it begins to appear.
func tile(i int) (name string, x, y int, start float64) {
	return fmt.Sprintf("tile%02d.jpg", i+1), i % columns * tileWidth, i / columns * tileRow, tileEvery * float64(i)
}

func collage() object {
	var elements []object
	for i := range tiles {
		name, x, y, start := tile(i)
		elements = append(elements, object{"type": "image", "src": name, "x": x, "y": y, "width": tileWidth, "start": start, "duration": -2, "fade-in": tileFades})
	}
	return fullHD([]object{{"duration": collageSeconds, "background-color": "#" + collageColor, "elements": elements}})
}

// collageByHand scales every picture once and repeats it.
func collageByHand(_, output string) []string {
	argv := strings.Fields("ffmpeg -nostdin -v error -y -f lavfi -i color=c=0x" + collageColor + ":s=1920x1080:r=25")
	graph := []string{"[0:v]format=yuv420p[b0]"}
	for i := range tiles {
		name, x, y, start := tile(i)
		argv = append(argv, "-i", name)
		graph = append(graph,
			fmt.Sprintf("[%d:v]scale=%d:-2:flags=bicubic,format=yuva420p,loop=-1:1:0,fps=25,fade=in:d=%g:alpha=1,trim=duration=%g,setpts=PTS+%g/TB[t%d]",
				i+1, tileWidth, tileFades, collageSeconds-start, start, i),
			fmt.Sprintf("[b%d][t%d]overlay=%d:%d:format=yuv420[b%d]", i, i, x, y, i+1))
	}
	argv = append(argv, "-filter_complex", strings.Join(graph, ";"))
	return append(argv, strings.Fields(fmt.Sprintf("-map [b%d] -frames:v %d %s %s", tiles, collageSeconds*fps, encode, output))...)
}
