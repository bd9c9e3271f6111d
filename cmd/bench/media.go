package main

import "fmt"

// medium is what movies are made of, and the FFmpeg command that makes it.
type medium struct {
	// name of the file, or what the names of several begin with.
	name, command string
}

// pictures is how many slides there are.
const pictures = 12

// picture is the file of slide i, counted from 0; they come again in turns.
func picture(i int) string { return fmt.Sprintf("slide%d.jpg", i%pictures+1) }

// media are made in this order, those that are needed.
func media() []medium {
	const fractal = "-f lavfi -i mandelbrot=s=2560x1440:start_scale=%[1]g:end_scale=%[1]g:maxiter=300 -frames:v 1 -vf gblur=0.6,noise=alls=6:allf=u -q:v 2 %[2]s"
	const encoded = " -c:v libx264 -preset veryfast -crf 20 -pix_fmt yuv420p -g 50 -colorspace bt709 -color_primaries bt709 -color_trc bt709 "
	list := []medium{
		{"photo.jpg", fmt.Sprintf(fractal, 0.02, "photo.jpg")}, // rich in detail
		{"clip.mp4", "-f lavfi -i testsrc2=s=1920x1080:r=25:d=8" + encoded + "clip.mp4"},
		// A camera that moves over a photo.
		{"footage.mp4", "-f lavfi -i mandelbrot=s=2560x1440:start_scale=0.02:end_scale=0.02:maxiter=300 -vf gblur=0.6,noise=alls=6:allf=u," +
			"scale=out_color_matrix=bt709:out_range=tv,format=yuv420p,loop=-1:1:0,fps=25,crop=1920:1080:x=320+320*sin(n/60):y=180+180*cos(n/80)" +
			" -frames:v 500" + encoded + "footage.mp4"},
		{"logo.png", "-f lavfi -i color=c=white:s=240x240,format=rgba,geq=r=230:g=60:b=40:a='255*lte(hypot(X-120,Y-120),110)' -frames:v 1 logo.png"},
		{"music.m4a", "-f lavfi -i sine=f=330:d=40 -f lavfi -i sine=f=440:d=40 -filter_complex amerge=inputs=2 -c:a aac -b:a 128k music.m4a"},
		{"tile", "-f lavfi -i mandelbrot=s=1280x720:start_scale=0.5:end_scale=0.02:end_pts=60:maxiter=400 -frames:v 60 -q:v 3 tile%02d.jpg"},
		{"click.wav", "-f lavfi -i aevalsrc='0.9*lt(t,0.002)':s=48000:d=0.3 click.wav"},
		{"dots.png", "-f lavfi -i color=c=black:s=2560x1440,format=gray,geq=lum='" + dots + "' -frames:v 1 dots.png"},
	}
	for i := range pictures {
		name := picture(i)
		made := fmt.Sprintf(fractal, 0.02+0.005*float64(i), name)
		if i >= pictures/2 { // mirrored, which takes less time to make
			made = "-i " + picture(i-pictures/2) + " -vf hflip -q:v 2 " + name
		}
		list = append(list, medium{name, made})
	}
	return list
}
