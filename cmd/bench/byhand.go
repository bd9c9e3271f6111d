package main

import (
	"fmt"
	"strings"
)

// encode is how both sides encode: what Reelhook's quality "medium" stands for.
const encode = "-c:v libx264 -preset veryfast -crf 23 -pix_fmt yuv420p -r 25" +
	" -colorspace bt709 -color_primaries bt709 -color_trc bt709 -movflags +faststart"

// caption draws a text in a box above the lower edge, as the movies have it.
func caption(font, text, more string) string { return lettered(font, text, 72, "(w-tw)/2", more) }

// lettered draws a text in a box whose lower edge is at 150 pixels from below.
func lettered(font, text string, size int, x, more string) string {
	return fmt.Sprintf("drawtext=fontfile=%s:text='%s':fontsize=%d:fontcolor=white:box=1:boxcolor=black@0.5:boxborderw=24:x=%s:y=h-%d%s",
		font, text, size, x, 168+size, more)
}

// fading shows a text between two times in seconds and fades it at both ends.
func fading(from, to, fade float64) string {
	return fmt.Sprintf(":alpha='clip(min(t-%[1]g,%[2]g-t)/%[3]g,0,1)':enable='between(t,%[1]g,%[2]g)'", from, to, fade)
}

// referenceByHand is the best single command we know for the reference movie:
// the photo decoded once and scaled to twice the size (zoompan moves by whole
// pixels), text drawn only while it shows.
func referenceByHand(font, output string) []string {
	graph := strings.Join([]string{
		"[0:v]scale=3840:2160:flags=bicubic,format=yuv420p,zoompan=z='1+0.2*on/275':x='iw/2-(iw/zoom/2)':y='ih/2-(ih/zoom/2)'" +
			":d=275:s=1920x1080:fps=25," + caption(font, "Scene one of the reference", fading(1, 9, 1)) + ",settb=1/25,setsar=1[s1]",
		"[1:v]trim=end_frame=275,setpts=PTS-STARTPTS,fps=25," + caption(font, "Scene two of the reference", fading(1, 9, 1)) +
			",format=yuv420p,settb=1/25,setsar=1[s2]",
		"[2:v]trim=end_frame=250,format=yuv420p," + caption(font, "Scene three of the reference", fading(1, 9, 1)) + ",settb=1/25,setsar=1[s3]",
		"[s1][s2]xfade=fade:duration=1:offset=10[x]", "[x][s3]xfade=fade:duration=1:offset=20[v]",
		music(3, 30),
	}, ";")
	argv := strings.Fields("ffmpeg -nostdin -v error -y -i photo.jpg -stream_loop -1 -i clip.mp4" +
		" -f lavfi -i color=c=0x2a4d8f:s=1920x1080:r=25 -i music.m4a -filter_complex")
	argv = append(argv, graph)
	return append(argv, strings.Fields("-map [v] -map [a] -frames:v 750 -c:a aac -b:a 128k "+encode+" "+output)...)
}

// overlaysByHand scales the logo once and repeats it, draws text only while it
// shows, and has what is beside the main video end by itself.
func overlaysByHand(font, output string) []string {
	graph := strings.Join([]string{
		"[0:v]format=yuv420p," + lettered(font, "Ada Lovelace, mathematician", 56, "120", fading(1, 7, 0.5)) + "," +
			lettered(font, "Charles Babbage, engineer", 56, "120", fading(11, 17, 0.5)) + "[main]",
		"[1:v]scale=480:270:flags=bicubic,format=yuv420p,trim=end_frame=300,setpts=PTS-STARTPTS+4/TB[small]",
		"[2:v]scale=160:160:flags=bicubic,format=yuva420p,loop=-1:1:0,fps=25,trim=end_frame=500[logo]",
		"[main][small]overlay=x=W-w-96:y=54:eof_action=pass:format=yuv420[both]",
		"[both][logo]overlay=x=W-w-96:y=H-h-54:format=yuv420[v]", music(3, 20),
	}, ";")
	argv := strings.Fields("ffmpeg -nostdin -v error -y -i footage.mp4 -stream_loop -1 -i clip.mp4 -i logo.png -i music.m4a -filter_complex")
	return append(append(argv, graph), strings.Fields("-map [v] -map [a] -frames:v 500 -c:a aac -b:a 128k "+encode+" "+output)...)
}

// verticalByHand crops before it scales, and draws each caption in its second.
func verticalByHand(font, output string) []string {
	chain := "[0:v]crop=ih*9/16:ih,scale=1080:1920:flags=bicubic,format=yuv420p,setsar=1"
	for i := range verticalTexts {
		chain += "," + lettered(font, verticalText(i), 64, "(w-tw)/2", fmt.Sprintf(":enable='between(t,%d,%d.99)'", i, i))
	}
	argv := strings.Fields("ffmpeg -nostdin -v error -y -i footage.mp4 -i music.m4a -filter_complex")
	argv = append(argv, chain+"[v];"+music(1, 20))
	return append(argv, strings.Fields("-map [v] -map [a] -frames:v 500 -c:a aac -b:a 128k "+encode+" "+output)...)
}

// stillByHand has little more to do than to encode.
func stillByHand(font, output string) []string {
	argv := strings.Fields("ffmpeg -nostdin -v error -y -i photo.jpg -vf")
	argv = append(argv, "scale=1920:1080:flags=bicubic,format=yuv420p,"+caption(font, "A minute of this", "")+",loop=-1:1:0,fps=25,trim=end_frame=1500")
	return append(argv, strings.Fields("-frames:v 1500 "+encode+" "+output)...)
}

// music cuts an input's sound to so many seconds, the last two fading out.
func music(input, seconds int) string {
	return fmt.Sprintf("[%d:a]atrim=0:%d,afade=t=out:st=%d:d=2[a]", input, seconds, seconds-2)
}
