package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"io"
	"math"
	"os"
	"os/exec"
)

// exact makes FFmpeg leave out what differs from run to run.
var exact = []string{"-fflags", "+bitexact", "-flags:v", "+bitexact", "-flags:a", "+bitexact", "-map_metadata", "-1", "-movflags", "+faststart"}

func writeJPEG(path string, img image.Image) error {
	return writeFile(path, func(w io.Writer) error { return jpeg.Encode(w, img, &jpeg.Options{Quality: 88}) })
}

func writePNG(path string, img image.Image) error {
	best := png.Encoder{CompressionLevel: png.BestCompression}
	return writeFile(path, func(w io.Writer) error { return best.Encode(w, img) })
}

func writeFile(path string, write func(io.Writer) error) error {
	var b bytes.Buffer
	if err := write(&b); err != nil {
		return err
	}
	return os.WriteFile(path, b.Bytes(), 0o644)
}

// writeVideo encodes frames as H.264.
func writeVideo(path string, frames int, frame func(int) *image.RGBA) error {
	args := []string{
		"-f", "rawvideo", "-pix_fmt", "rgba", "-s", fmt.Sprintf("%dx%d", waveWidth, waveHeight), "-r", fmt.Sprint(waveRate), "-i", "-",
		"-vf", "scale=out_color_matrix=bt709:out_range=tv:flags=accurate_rnd+full_chroma_int,format=yuv420p",
		"-c:v", "libx264", "-preset", "veryslow", "-crf", "23", "-x264-params", "aq-mode=3:aq-strength=1.1:keyint=150:threads=2",
		"-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv",
	}
	return encodeWith(path, args, func(w io.Writer) error {
		for i := range frames {
			if _, err := w.Write(frame(i).Pix); err != nil {
				return err
			}
		}
		return nil
	})
}

// writeSound encodes sound as AAC.
func writeSound(path string, left, right []float64) error {
	args := []string{"-f", "s16le", "-ar", fmt.Sprint(soundRate), "-ac", "2", "-i", "-", "-c:a", "aac", "-b:a", "128k"}
	samples := make([]int16, 0, 2*len(left))
	for i := range left {
		samples = append(samples, int16(math.Round(left[i]*32767)), int16(math.Round(right[i]*32767)))
	}
	return encodeWith(path, args, func(w io.Writer) error { return binary.Write(w, binary.LittleEndian, samples) })
}

// encodeWith runs FFmpeg over what feed writes.
func encodeWith(path string, args []string, feed func(io.Writer) error) error {
	args = append(append([]string{"-v", "error", "-y"}, args...), exact...)
	cmd := exec.Command("ffmpeg", append(args, path)...) //nolint:forbidigo // a tool for us, not for a server: it reads nothing but our own samples
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	fed := feed(in)
	in.Close()
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("ffmpeg for %s: %w", path, err)
	}
	return fed
}
