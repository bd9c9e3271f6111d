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

// collageByHand scales every picture once, repeats it and has it fade from the
// background, so that nothing needs alpha, and lays all of them side by side. It
// takes two thirds of the CPU of sixty overlays.
func collageByHand(_, output string) []string {
	argv := strings.Fields("ffmpeg -nostdin -v error -y")
	var graph, grid []string
	var pads string
	for i := range tiles {
		name, x, y, start := tile(i)
		argv = append(argv, "-i", name)
		graph = append(graph, fmt.Sprintf("[%d:v]scale=%d:-2:flags=bicubic,format=yuv420p,pad=%[2]d:%[3]d:0:0:0x%[4]s,loop=-1:1:0,fps=%[5]d,"+
			"fade=in:st=%[6]g:d=%[7]g:c=0x%[4]s,trim=end_frame=%[8]d,setsar=1[t%[1]d]",
			i, tileWidth, tileRow, collageColor, fps, start, tileFades, collageSeconds*fps))
		grid = append(grid, fmt.Sprintf("%d_%d", x, y))
		pads += fmt.Sprintf("[t%d]", i)
	}
	graph = append(graph, fmt.Sprintf("%sxstack=inputs=%d:layout=%s[v]", pads, tiles, strings.Join(grid, "|")))
	argv = append(argv, "-filter_complex", strings.Join(graph, ";"))
	return append(argv, strings.Fields(fmt.Sprintf("-map [v] -frames:v %d %s %s", collageSeconds*fps, encode, output))...)
}
