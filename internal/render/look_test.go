package render

import (
	"cmp"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/reelhook/reelhook/internal/media"
	"github.com/reelhook/reelhook/internal/movie"
)

// rushes is a renderer over the studio's folder with more media in it.
var rushes = sync.OnceValue(func() *Renderer {
	s := studio()
	const quad = "color=red:s=200x100:r=25:d=1,format=gbrp,geq=r='if(lt(X,100)*lt(Y,50)+gt(X,99)*gt(Y,49),255,0)':g='if(gt(X,99),255,0)':b='if(gt(Y,49),255,0)'"
	const grey = "color=black:s=320x180:r=25:d=2,format=gray,geq=lum='40+4*N',format=yuv420p"
	const half = "color=lime:s=200x100:r=25:d=1,format=rgba,geq=r=0:g=255:b=0:a='if(lt(X,100),255,0)'"
	for name, args := range map[string]string{
		// Red, lime, blue and white quarters.
		"quad.png": "-f lavfi -i " + quad + " -frames:v 1",
		"quad.mp4": "-f lavfi -i " + quad + " -c:v libx264 -crf 10 -pix_fmt yuv444p",
		// Brighter from left to right.
		"slope.png": "-f lavfi -i color=black:s=320x180,format=gray,geq=lum='X*255/320' -frames:v 1",
		"slope.mp4": "-f lavfi -i color=black:s=320x180:r=25:d=4,format=gray,geq=lum='X*255/320' -c:v libx264 -crf 5 -pix_fmt yuv420p",
		"white.png": "-f lavfi -i color=white:s=200x100 -frames:v 1",
		// Half white, half black.
		"top.png": "-f lavfi -i color=black:s=64x64,format=gray,geq=lum='if(lt(Y,32),255,0)' -frames:v 1",
		// Black for half a second, then white for half a second.
		"curtain.mp4": "-f lavfi -i color=black:s=64x64:r=25:d=1,format=gray,geq=lum='if(lt(N,13),0,255)',format=yuv420p -c:v libx264 -crf 10",
		// A red square on a green wall; #00b140 is the contract's own example.
		"wall.png": "-f lavfi -i color=0x00b140:s=200x100,format=gbrp,drawbox=x=50:y=25:w=100:h=50:color=red:t=fill -frames:v 1",
		"wall.mp4": "-f lavfi -i color=0x00b140:s=200x100:r=25:d=1,format=gbrp,drawbox=x=50:y=25:w=100:h=50:color=gray:t=fill -c:v libx264 -crf 10 -pix_fmt yuv420p",
		// Left half white, right half black.
		"ink.png":  "-f lavfi -i color=white:s=200x100,drawbox=x=100:y=0:w=100:h=100:color=black:t=fill -frames:v 1",
		"vp9.webm": "-f lavfi -i " + half + ",format=yuva420p -c:v libvpx-vp9 -b:v 1M", "prores.mov": "-f lavfi -i " + half + " -c:v prores_ks -profile:v 4444 -pix_fmt yuva444p10le",
		"png.mov": "-f lavfi -i " + half + " -c:v png -pix_fmt rgba", "qtrle.mov": "-f lavfi -i " + half + " -c:v qtrle -pix_fmt argb",
		"odd.png": "-f lavfi -i color=red:s=641x359 -frames:v 1", "odd.mp4": "-f lavfi -i color=red:s=641x359:r=25:d=1 -c:v libx264 -crf 10 -pix_fmt yuv444p",
		// Frame n shows level 40+4n: ten frames in the first second, forty in the next.
		"uneven.mp4": "-f lavfi -i " + grey + ",setpts='if(lt(N,10),N/10,1+(N-10)/40)/TB' -vsync vfr -enc_time_base 1/1000 -c:v libx264 -crf 10",
	} {
		shoot(name, args)
	}
	shoot("phone.mp4", "-i "+filepath.Join(studioFolder, "quad.mp4")+" -c copy -metadata:s:v:0 rotate=90")
	// Two windows render at a time, and none is skipped for standing still.
	return New(Options{Tools: s.Tools, Texts: texts(), Cores: 2, PlainStills: true, Fetcher: media.New(media.Options{Tools: s.Tools, Folder: studioFolder})})
})

// shoot makes a medium in the studio's folder; no argument has a space in it.
func shoot(name, args string) {
	words := append(append([]string{"-nostdin", "-v", "error", "-y"}, strings.Fields(args)...), filepath.Join(studioFolder, name))
	if out, err := exec.Command("ffmpeg", words...).CombinedOutput(); err != nil {
		panic(fmt.Sprint(name, ": ", string(out)))
	}
}

// TestLook renders every change of a picture and looks at the frames.
func TestLook(t *testing.T) {
	checkLooks(t, []look{
		{"crop", `{"type":"image","src":"quad.png","crop":{"x":100,"y":50,"width":60,"height":50}}`, []pixel{{2, 5, 5, 255, 255, 255}, {2, 55, 45, 255, 255, 255}, {2, 70, 5, 0, 0, 64}, {2, 5, 60, 0, 0, 64}}},
		{"crop of a video", `{"type":"video","src":"quad.mp4","crop":{"y":50,"width":100,"height":50},"resize":"cover"}`, []pixel{{2, 5, 5, 0, 0, 255}, {20, 290, 290, 0, 0, 255}}},
		{"a quarter turn", `{"type":"image","src":"quad.png","x":50,"y":100,"rotate":{"angle":90}}`,
			[]pixel{{2, 110, 60, 0, 0, 255}, {2, 190, 60, 255, 0, 0}, {2, 190, 240, 0, 255, 0}, {2, 110, 240, 255, 255, 255}, {2, 60, 150, 0, 0, 64}}},
		{"three quarters back", `{"type":"video","src":"quad.mp4","x":50,"y":100,"rotate":{"angle":-270}}`, []pixel{{2, 110, 60, 0, 0, 255}, {2, 125, 225, 255, 255, 255}}},
		{"upside down", `{"type":"image","src":"quad.png","x":50,"y":100,"rotate":{"angle":180}}`, []pixel{{2, 60, 110, 255, 255, 255}, {2, 240, 190, 255, 0, 0}}},
		{"an eighth", `{"type":"image","src":"quad.png","x":50,"y":100,"rotate":{"angle":45}}`,
			[]pixel{{2, 60, 60, 0, 0, 64}, {2, 60, 110, 0, 0, 255}, {2, 150, 105, 255, 0, 0}, {2, 195, 150, 0, 255, 0}, {2, 105, 150, 0, 0, 255}, {2, 150, 195, 255, 255, 255}}},
		{"a turn that takes time goes on in the second window", `{"type":"image","src":"quad.png","x":50,"y":100,"start":0.2,"rotate":{"angle":180,"speed":3}}`,
			[]pixel{{5, 60, 110, 255, 0, 0}, {43, 190, 60, 255, 0, 0}, {43, 110, 240, 255, 255, 255}, {80, 60, 110, 255, 255, 255}, {99, 60, 110, 255, 255, 255}}},
		{"a video turns", `{"type":"video","src":"quad.mp4","extra-time":3,"x":50,"y":100,"rotate":{"angle":-360,"speed":4}}`,
			[]pixel{{0, 60, 110, 255, 0, 0}, {25, 110, 240, 255, 0, 0}, {50, 60, 110, 255, 255, 255}, {75, 190, 240, 0, 255, 0}}},
		{"pan to the right", `{"type":"image","src":"slope.png","width":300,"height":300,"pan":"right","pan-distance":0.5}`, []pixel{{0, 150, 150, 85, 85, 85}, {50, 150, 150, 128, 128, 128}, {99, 150, 150, 170, 170, 170}}},
		{"pan to the top left", `{"type":"image","src":"slope.png","width":300,"height":300,"pan":"top-left","pan-distance":0.5}`, []pixel{{0, 150, 150, 170, 170, 170}, {99, 150, 150, 85, 85, 85}}},
		{"zoom into a side", `{"type":"image","src":"slope.png","width":300,"height":300,"zoom":10,"pan":"left"}`, []pixel{{0, 150, 150, 128, 128, 128}, {99, 150, 150, 64, 64, 64}}},
		{"a video is zoomed into a side, over windows", `{"type":"video","src":"slope.mp4","width":300,"height":300,"zoom":10,"pan":"left"}`,
			[]pixel{{0, 150, 150, 128, 128, 128}, {50, 150, 150, 85, 85, 85}, {99, 150, 150, 64, 64, 64}}},
		{"a video is zoomed out of", `{"type":"video","src":"slope.mp4","width":300,"height":300,"zoom":-10}`, []pixel{{0, 75, 150, 96, 96, 96}, {99, 75, 150, 64, 64, 64}}},
		{"a video pans", `{"type":"video","src":"slope.mp4","width":300,"height":300,"pan":"right","pan-distance":0.5}`, []pixel{{0, 150, 150, 85, 85, 85}, {50, 150, 150, 128, 128, 128}, {99, 150, 150, 170, 170, 170}}},
		{"what is see-through is zoomed", `{"type":"image","src":"half.png","zoom":10,"rotate":{"angle":90}}`, []pixel{{0, 100, 25, 0, 255, 0}, {0, 100, 100, 0, 0, 64}, {99, 100, 25, 0, 255, 0}, {99, 60, 140, 0, 0, 64}}},
		{"pan over the canvas", `{"type":"image","src":"white.png","x":50,"y":100,"pan":"right","pan-crop":false,"pan-distance":0.2}`,
			[]pixel{{0, 75, 150, 0, 0, 64}, {0, 275, 150, 255, 255, 255}, {99, 25, 150, 255, 255, 255}, {99, 225, 150, 0, 0, 64}, {50, 55, 150, 255, 255, 255}, {50, 245, 150, 255, 255, 255}}},
		{"mask", `{"type":"image","src":"quad.png","mask":"top.png"}`, []pixel{{2, 10, 10, 255, 0, 0}, {2, 190, 40, 0, 255, 0}, {2, 10, 60, 0, 0, 64}}},
		{"mask of what is see-through", `{"type":"image","src":"half.png","mask":"top.png"}`, []pixel{{2, 10, 10, 0, 255, 0}, {2, 150, 10, 0, 0, 64}, {2, 10, 60, 0, 0, 64}}},
		{"a video as mask opens and stays open", `{"type":"image","src":"quad.png","mask":"curtain.mp4","start":0.2}`, []pixel{{12, 10, 10, 0, 0, 64}, {22, 10, 10, 255, 0, 0}, {60, 10, 10, 255, 0, 0}}},
		{"an animated picture as mask of a video", `{"type":"video","src":"quad.mp4","extra-time":3,"mask":"two.gif"}`, []pixel{{5, 10, 10, 74, 0, 45}, {30, 10, 10, 74, 0, 45}, {68, 10, 10, 28, 0, 57}}},
		{"a mask turns with its picture", `{"type":"image","src":"quad.png","x":50,"y":100,"mask":"top.png","rotate":{"angle":180,"speed":1}}`, []pixel{{0, 60, 110, 255, 0, 0}, {0, 60, 190, 0, 0, 64}, {30, 240, 190, 255, 0, 0}, {30, 60, 110, 0, 0, 64}}},
		{"chroma key", `{"type":"image","src":"wall.png","chroma-key":{"color":"#00b140"}}`, []pixel{{2, 10, 10, 0, 0, 64}, {2, 100, 50, 255, 0, 0}, {2, 190, 90, 0, 0, 64}}},
		{"chroma key of a video leaves grey", `{"type":"video","src":"wall.mp4","chroma-key":"#00b140"}`, []pixel{{2, 10, 10, 0, 0, 64}, {2, 100, 50, 128, 128, 128}, {22, 190, 90, 0, 0, 64}}},
		{"key of white", `{"type":"image","src":"ink.png","chroma-key":{"color":"white","tolerance":10}}`, []pixel{{2, 50, 50, 0, 0, 64}, {2, 150, 50, 0, 0, 0}}},
		{"key of what is see-through", `{"type":"image","src":"half.png","chroma-key":{"color":"blue","tolerance":10}}`, []pixel{{2, 50, 50, 0, 255, 0}, {2, 150, 50, 0, 0, 64}}},
		{"key in a part that turns", `{"type":"image","src":"wall.png","x":50,"y":100,"chroma-key":{"color":"#00b140"},"rotate":{"angle":90}}`, []pixel{{2, 150, 60, 0, 0, 64}, {2, 150, 190, 255, 0, 0}, {2, 110, 150, 0, 0, 64}}},
		{"brightness", `{"type":"image","src":"grey.jpg","correction":{"brightness":0.2}}`, []pixel{{2, 9, 9, 179, 179, 179}}},
		{"contrast and gamma", `{"type":"image","src":"ink.png","correction":{"contrast":0.5,"gamma":2}}`, []pixel{{2, 50, 50, 221, 221, 221}, {2, 150, 50, 128, 128, 128}}},
		{"gamma leaves black", `{"type":"video","src":"quad.mp4","correction":{"gamma":3,"saturation":0}}`, []pixel{{2, 10, 10, 152, 152, 152}, {2, 190, 90, 255, 255, 255}}},
		{"correction keeps transparency", `{"type":"image","src":"half.png","opacity":0.5,"correction":{"saturation":0}}`, []pixel{{2, 50, 50, 91, 91, 123}, {2, 150, 50, 0, 0, 64}}},
	})
}

// TestNoDarkEdge holds that a white picture that is turned leaves no line on white.
func TestNoDarkEdge(t *testing.T) {
	for _, turn := range []string{`{"angle":30}`, `{"angle":30,"speed":0.1}`} {
		path := show(t, 1, "white", `{"type":"image","src":"white.png","x":50,"y":100,"rotate":`+turn+`}`)
		if lit := ink(t, path, 10, "300:300:0:0", 245); lit < 1 {
			t.Errorf("rotate %s: only %.4f of the picture is white", turn, lit)
		}
	}
}

// TestTextTurns holds that a line of text stands upright when it is turned.
func TestTextTurns(t *testing.T) {
	path := show(t, 1, "black", `{"type":"text","text":"turning","rotate":{"angle":90},"settings":{"font-size":"60px"}}`)
	if across, along := ink(t, path, 5, "100:300:0:0", 60), ink(t, path, 5, "60:200:120:50", 60); across > 0 || along < 0.05 {
		t.Errorf("ink at the side %.4f, along the middle %.4f", across, along)
	}
}

// TestSources looks at media that are easily shown wrong.
func TestSources(t *testing.T) {
	var looks []look
	for _, name := range []string{"vp9.webm", "prores.mov", "png.mov", "qtrle.mov"} {
		looks = append(looks, look{name, `{"type":"video","src":"` + name + `","extra-time":1}`, []pixel{{2, 50, 50, 0, 255, 0}, {2, 150, 50, 0, 0, 64}, {40, 50, 50, 0, 255, 0}, {40, 150, 50, 0, 0, 64}}})
	}
	checkLooks(t, append(looks, []look{
		{"loop from a seek before the end", `{"type":"video","src":"ramp.mp4","seek":-0.4,"loop":2,"extra-time":1}`,
			[]pixel{{0, 50, 50, 200, 200, 200}, {9, 50, 50, 236, 236, 236}, {10, 50, 50, 200, 200, 200}, {19, 50, 50, 236, 236, 236}, {40, 50, 50, 236, 236, 236}, {50, 50, 50, 0, 0, 64}}},
		{"an odd picture", `{"type":"image","src":"odd.png","x":-400,"y":-200}`, []pixel{{2, 237, 155, 255, 0, 0}, {2, 244, 100, 0, 0, 64}, {2, 100, 162, 0, 0, 64}}},
		{"an odd video", `{"type":"video","src":"odd.mp4","x":-400,"y":-200,"rotate":{"angle":0.01}}`, []pixel{{2, 237, 155, 255, 0, 0}, {2, 246, 100, 0, 0, 64}}},
		{"a video held upright", `{"type":"video","src":"phone.mp4"}`, []pixel{{2, 10, 10, 0, 255, 0}, {2, 90, 10, 255, 255, 255}, {2, 90, 190, 0, 0, 255}, {2, 10, 190, 255, 0, 0}, {2, 150, 50, 0, 0, 64}}},
		{"a crop of a video held upright", `{"type":"video","src":"phone.mp4","crop":{"x":0,"y":100,"width":50,"height":100}}`, []pixel{{2, 10, 10, 255, 0, 0}, {2, 40, 90, 255, 0, 0}, {2, 60, 50, 0, 0, 64}}},
		{"frames of uneven length", `{"type":"video","src":"uneven.mp4"}`, []pixel{{6, 50, 50, 48, 48, 48}, {21, 50, 50, 72, 72, 72}, {35, 50, 50, 144, 144, 144}, {45, 50, 50, 208, 208, 208}}},
	}...))
}

// look is an element by itself on a dark blue canvas of 300 by 300.
type look struct {
	name, element string
	pixels        []pixel
}

func checkLooks(t *testing.T, looks []look) {
	for _, l := range looks {
		t.Run(l.name, func(t *testing.T) {
			t.Parallel()
			last := slices.MaxFunc(l.pixels, func(a, b pixel) int { return cmp.Compare(a.frame, b.frame) })
			path := show(t, last.frame/25+1, "#000040", l.element)
			shown := decode(t, path)
			for _, p := range l.pixels {
				r, g, b := shown.around(t, p.frame, p.x, p.y)
				if far(r, p.r) || far(g, p.g) || far(b, p.b) {
					t.Errorf("frame %d at %d,%d: got %d,%d,%d, want %d,%d,%d", p.frame, p.x, p.y, r, g, b, p.r, p.g, p.b)
				}
			}
		})
	}
}

// rgb300 is the frames of a file of 300 by 300, in RGB.
type rgb300 []byte

func decode(t *testing.T, path string) rgb300 {
	t.Helper()
	out, err := exec.Command("ffmpeg", "-v", "error", "-i", path, "-vf", "scale=in_color_matrix=bt709,format=rgb24", "-f", "rawvideo", "-").Output()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// around is the mean colour of the nine pixels about a place.
func (f rgb300) around(t *testing.T, frame, x, y int) (r, g, b uint8) {
	t.Helper()
	const size = 300
	if len(f) < (frame+1)*size*size*3 {
		t.Fatalf("there is no frame %d", frame)
	}
	var sum [3]int
	for dy := -1; dy <= 1; dy++ {
		for dx := -1; dx <= 1; dx++ {
			i := 3 * ((frame*size+y+dy)*size + x + dx)
			for c := range sum {
				sum[c] += int(f[i+c])
			}
		}
	}
	return uint8(sum[0] / 9), uint8(sum[1] / 9), uint8(sum[2] / 9)
}

// show renders some seconds of an element and returns the file.
func show(t *testing.T, seconds int, background, element string) string {
	t.Helper()
	m, err := movie.Parse(fmt.Appendf(nil, `{"width":300,"height":300,"scenes":[{"duration":%d,"background-color":%q,"elements":[%s]}]}`, seconds, background, element))
	if err != nil {
		t.Fatal(err)
	}
	result, _, err := rushes().Render(t.Context(), m, t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return result.File
}
