package render

// What the FFmpeg of a window takes, in bytes: for itself, for each pixel of the
// picture (the encoder's pictures ahead and behind, the graph's layers), and for each
// pixel of a video that is decoded. Measured as PSS: 1080p with a photo 200 MB,
// with a video and four overlays 280 MB, 4K with a photo 670 MB, 500 pictures in
// 1080p 350 MB.
const (
	windowBytes     = 64 << 20
	bytesPerPixel   = 80
	bytesPerDecoded = 40
	bytesPerInput   = 400 << 10
	bytesPerKept    = 5 / 2.
)

// memory is about how many bytes it takes to encode a picture.
func (p *picture) memory() int64 {
	n := int64(windowBytes) + bytesPerPixel*int64(p.Width)*int64(p.Height) + bytesPerInput*int64(len(p.inputs))
	n += int64(bytesPerKept * float64(p.repeated)) // yuva420p
	for _, s := range p.decoded {
		if v := s.Media.Video; v != nil {
			n += bytesPerDecoded * int64(v.Width) * int64(v.Height)
		}
	}
	return n
}

// admitted is how much of the memory a picture is given: one that takes more than
// there is has all of it to itself.
func (r *Renderer) admitted(p *picture) int64 { return min(p.memory(), r.Memory) }
