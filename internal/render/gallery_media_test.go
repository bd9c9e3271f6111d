package render

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"github.com/reelhook/reelhook/internal/media"
)

// gallery is a renderer over a folder of the gallery's media, all made of those of
// the sample.
var gallery = sync.OnceValue(func() *Renderer {
	s := studio()
	folder := filepath.Join(studioFolder, "gallery")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		panic(err)
	}
	own := func(name string) string { return "-i ../sample/media/" + name + " " }
	waves := "-t 1.2 " + own("waves.mp4")
	mark := own("mark.png")
	// The mark swinging to and fro, 128 pixels square.
	const swing = "-vf scale=128:128,rotate=0.5*sin(2*PI*t/1.2):c=black@0 "
	loop := "-loop 1 -r 25 -t 1.2 "
	// SDR as HDR shows it: white at 203 nits (ITU-R BT.2408).
	hdr := func(transfer string) string {
		return fmt.Sprintf("-t 1.2 %s-vf scale=320:180,zscale=tin=bt709:min=bt709:pin=bt709:t=linear:npl=203,format=gbrpf32le,zscale=p=bt2020:t=%s:m=bt2020nc:r=tv:npl=203,format=yuv420p10le "+
			"-c:v libx265 -preset ultrafast -crf 16 -x265-params log-level=error:pools=1 -colorspace bt2020nc -color_primaries bt2020 -color_trc %s", own("waves.mp4"), transfer, transfer)
	}
	clock := func(channel string, passed, left int) string {
		return fmt.Sprintf("%s='if(lt(hypot(X-80,Y-45),40),if(lt(mod(atan2(X-80,45-Y)/(2*PI)+1,1),(N+1)/25),%d,%d),30)'", channel, passed, left)
	}
	for name, args := range map[string]string{
		"dawn.jpg":  own("dawn.jpg") + "-vf scale=640:360 -q:v 2",
		"dusk.jpg":  own("dusk.jpg") + "-vf scale=640:360 -q:v 2",
		"night.jpg": own("night.jpg") + "-vf scale=640:360 -q:v 2",
		// A picture to be held upright.
		"tower.jpg":  own("dusk.jpg") + "-vf crop=608:1080:1180:0,scale=180:320 -q:v 2",
		"mark.png":   mark + "-vf scale=128:128",
		"mark.webp":  mark + "-vf scale=128:128 -c:v libwebp",
		"mark.gif":   loop + mark + "-filter_complex scale=128:128,fps=10,rotate=0.5*sin(2*PI*t/1.2):c=black@0,split[a][b];[b]palettegen=stats_mode=single[p];[a][p]paletteuse=new=1",
		"waves.mp4":  waves + "-vf scale=320:180 -c:v libx264 -crf 16 -g 25 -an",
		"mark.webm":  loop + mark + swing + "-c:v libvpx-vp9 -pix_fmt yuva420p -b:v 1M -cpu-used 8",
		"mark.mov":   loop + mark + swing + "-c:v prores_ks -profile:v 4444 -pix_fmt yuva444p10le",
		"square.mp4": waves + "-vf crop=720:720,scale=160:90,setsar=9/16 -c:v libx264 -crf 16 -an",
		"hdr10.mp4":  hdr("smpte2084"),
		"hlg.mp4":    hdr("arib-std-b67"),
		// The mark before a green wall, lit from one side.
		"wall.mp4": "-f lavfi -i color=0x00b140:s=180x180:r=25:d=1.2,format=gbrp,geq=r=0:g='177-X/4':b='64-X/8' " + loop + mark +
			"-filter_complex [1]scale=150:150[m];[0][m]overlay=15:15:format=gbrp -c:v libx264 -crf 10 -pix_fmt yuv444p",
		// White in the middle, black at the rim.
		"mask.png": "-f lavfi -i color=black:s=320x180,format=gray,geq=lum='255*clip(6-hypot((X-160)/160,(Y-90)/90)*6,0,1)' -frames:v 1",
		// A disc that grows.
		"mask.mp4": "-f lavfi -i color=black:s=160x90:r=25:d=1,format=gray,geq=lum='255*clip((6+N*4-hypot(X-80,Y-45))/4,0,1)' -c:v libx264 -crf 10 -pix_fmt yuv420p",
		// A clock that goes round once in its second.
		"clock.mp4": "-f lavfi -i color=black:s=160x90:r=25:d=1,format=gbrp,geq=" + clock("r", 255, 90) + ":" + clock("g", 183, 50) + ":" + clock("b", 77, 80) +
			" -c:v libx264 -crf 14 -pix_fmt yuv420p",
	} {
		shoot(filepath.Join("gallery", name), args)
	}
	// A video taken with the phone upright: its pictures lie on their side.
	lying := filepath.Join("gallery", "lying.mp4")
	shoot(lying, waves+"-vf crop=405:720,scale=180:320,transpose=cclock -c:v libx264 -crf 16 -an")
	shoot(filepath.Join("gallery", "phone.mp4"), "-i "+filepath.Join(studioFolder, lying)+" -c copy -metadata:s:v:0 rotate=270")
	return New(Options{Tools: s.Tools, Texts: texts(), Cores: 2, Fetcher: media.New(media.Options{Tools: s.Tools, Folder: folder})})
})
