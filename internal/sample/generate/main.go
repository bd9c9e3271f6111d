// Command generate makes the sample movie's media: every picture, the clip, the
// mark and the music are computed here, with fixed seeds, so that nobody else's
// rights are in them.
//
//	go run ./internal/sample/generate
package main

import (
	"flag"
	"image"
	"log"
	"path/filepath"
)

func main() {
	out := flag.String("out", "internal/sample/media", "the folder to write to")
	flag.Parse()
	for _, medium := range []struct {
		name string
		make func(path string) error
	}{
		{"dusk.jpg", func(path string) error { return writeJPEG(path, fullHD.draw(dusk())) }},
		{"night.jpg", func(path string) error { return writeJPEG(path, fullHD.draw(night())) }},
		{"dawn.jpg", func(path string) error { return writeJPEG(path, fullHD.draw(dawn())) }},
		{"mark.png", func(path string) error { return writePNG(path, mark()) }},
		{"waves.mp4", func(path string) error { return writeVideo(path, waveFrames, waveFrame) }},
		{"music.m4a", func(path string) error { left, right := music(); return writeSound(path, left, right) }},
	} {
		if err := medium.make(filepath.Join(*out, medium.name)); err != nil {
			log.Fatal(err)
		}
	}
}

var fullHD = still{1920, 1080, 2}

func waveFrame(i int) *image.RGBA {
	return still{waveWidth, waveHeight, 1}.draw(waves(float64(i) / waveFrames))
}
