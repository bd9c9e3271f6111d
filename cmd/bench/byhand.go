package main

import (
	"fmt"
	"strings"
)

// sources are the commands that make the media: a detailed photo, a moving clip,
// stereo music, and six slides.
func sources() []string {
	const fractal = "-f lavfi -i mandelbrot=s=2560x1440:start_scale=%[1]g:end_scale=%[1]g:maxiter=800 -frames:v 1 -vf gblur=0.6,noise=alls=6:allf=u"
	lines := []string{
		fmt.Sprintf(fractal, 0.02) + " photo.png",
		"-i photo.png -q:v 2 photo.jpg",
		"-f lavfi -i testsrc2=s=1920x1080:r=25:d=8 -c:v libx264 -preset veryfast -crf 20 -pix_fmt yuv420p -g 50 clip.mp4",
		"-f lavfi -i sine=f=330:d=40 -f lavfi -i sine=f=440:d=40 -filter_complex amerge=inputs=2 -c:a aac -b:a 128k music.m4a",
	}
	for i := range slides {
		lines = append(lines, fmt.Sprintf(fractal, 0.02+0.005*float64(i))+fmt.Sprintf(" -q:v 2 slide%d.jpg", i+1))
	}
	return lines
}

const slides = 6

// encode is how both sides encode: what Reelhook's quality "medium" stands for.
const encode = "-c:v libx264 -preset veryfast -crf 23 -pix_fmt yuv420p -r 25" +
	" -colorspace bt709 -color_primaries bt709 -color_trc bt709 -movflags +faststart"

// caption draws a text as the movies have it.
func caption(font, text, more string) string {
	return "drawtext=fontfile=" + font + ":text='" + text + "':fontsize=72:fontcolor=white:box=1:boxcolor=black@0.5" +
		":boxborderw=24:x=(w-tw)/2:y=h-240" + more
}

// fading shows a caption from 1 to 9, with a second of fading at both ends.
const fading = ":alpha='if(lt(t,1),0,if(lt(t,2),t-1,if(lt(t,8),1,if(lt(t,9),9-t,0))))':enable='between(t,1,9)'"

// referenceByHand is the best single command we know for the reference movie:
// the photo decoded once and scaled to twice the size (zoompan moves by whole
// pixels), text drawn only while it shows.
func referenceByHand(font, output string) []string {
	graph := strings.Join([]string{
		"[0:v]scale=3840:2160:flags=bicubic,format=yuv420p,zoompan=z='1+0.2*on/275':x='iw/2-(iw/zoom/2)':y='ih/2-(ih/zoom/2)'" +
			":d=275:s=1920x1080:fps=25," + caption(font, "Scene one of the reference", fading) + ",settb=1/25,setsar=1[s1]",
		"[1:v]trim=end_frame=275,setpts=PTS-STARTPTS,fps=25," + caption(font, "Scene two of the reference", fading) +
			",format=yuv420p,settb=1/25,setsar=1[s2]",
		"[2:v]trim=end_frame=250,format=yuv420p," + caption(font, "Scene three of the reference", fading) + ",settb=1/25,setsar=1[s3]",
		"[s1][s2]xfade=fade:duration=1:offset=10[x]", "[x][s3]xfade=fade:duration=1:offset=20[v]",
		"[3:a]atrim=0:30,afade=t=out:st=28:d=2[a]",
	}, ";")
	argv := strings.Fields("ffmpeg -nostdin -v error -y -i photo.jpg -stream_loop -1 -i clip.mp4" +
		" -f lavfi -i color=c=0x2a4d8f:s=1920x1080:r=25 -i music.m4a -filter_complex")
	argv = append(argv, graph)
	return append(argv, strings.Fields("-map [v] -map [a] -frames:v 750 -c:a aac -b:a 128k "+encode+" "+output)...)
}

// slideshowByHand is the best single graph for the slideshow: each still decoded,
// scaled and captioned once and repeated by the loop filter.
func slideshowByHand(font, output string) []string {
	argv := strings.Fields("ffmpeg -nostdin -v error -y")
	var graph []string
	for i := range slides {
		argv = append(argv, "-i", fmt.Sprintf("slide%d.jpg", i+1))
		graph = append(graph, fmt.Sprintf("[%d:v]scale=1920:1080:flags=bicubic,format=yuv420p,%s,loop=-1:1:0,fps=25,trim=end_frame=125,settb=1/25,setsar=1[s%d]",
			i, caption(font, fmt.Sprintf("Slide %d of 6", i+1), ""), i))
	}
	last := "s0"
	for i := 1; i < slides; i++ {
		next := fmt.Sprintf("x%d", i)
		graph = append(graph, fmt.Sprintf("[%s][s%d]xfade=fade:duration=0.48:offset=%.2f[%s]", last, i, 4.52*float64(i), next))
		last = next
	}
	argv = append(argv, "-filter_complex", strings.Join(graph, ";"))
	return append(argv, strings.Fields("-map ["+last+"] -frames:v 690 "+encode+" "+output)...)
}
