package ffmpeg

import (
	"bytes"
	"encoding/binary"
)

// Kind is what a medium is at first sight.
type Kind string

// The kinds. A container that can carry either is Video; a probe tells.
const (
	Image Kind = "image"
	Video Kind = "video"
	Audio Kind = "audio"
)

// Format is a recognised file format and the one demuxer it is opened with.
type Format struct {
	Kind    Kind
	Demuxer string
	// Name is for people: "PNG", "MP4".
	Name string
}

// picture tells a format of pictures; of a GIF, which may move, it is the first.
func (f Format) picture() bool { return f.Kind == Image || f.Demuxer == "gif" }

// SniffLen is how many bytes of a file Sniff looks at.
const SniffLen = 4096

// magic is a signature at a fixed place.
type magic struct {
	at     int
	bytes  string
	format Format
}

var magics = []magic{
	{0, "\x89PNG\r\n\x1a\n", Format{Image, "png_pipe", "PNG"}},
	{0, "\xff\xd8\xff", Format{Image, "jpeg_pipe", "JPEG"}},
	{0, "GIF87a", Format{Image, "gif", "GIF"}},
	{0, "GIF89a", Format{Image, "gif", "GIF"}},
	{8, "WEBP", Format{Image, "webp_pipe", "WebP"}},
	{0, "BM", Format{Image, "bmp_pipe", "BMP"}},
	{0, "II*\x00", Format{Image, "tiff_pipe", "TIFF"}},
	{0, "MM\x00*", Format{Image, "tiff_pipe", "TIFF"}},
	{4, "ftyp", Format{Video, "mov", "MP4"}},
	{4, "moov", Format{Video, "mov", "MP4"}},
	{4, "mdat", Format{Video, "mov", "MP4"}},
	{4, "wide", Format{Video, "mov", "MP4"}},
	{0, "\x1a\x45\xdf\xa3", Format{Video, "matroska", "WebM"}},
	{8, "AVI ", Format{Video, "avi", "AVI"}},
	{0, "FLV\x01", Format{Video, "flv", "FLV"}},
	{0, "\x30\x26\xb2\x75\x8e\x66\xcf\x11", Format{Video, "asf", "WMV"}},
	{0, "\x00\x00\x01\xba", Format{Video, "mpeg", "MPEG"}},
	{0, "OggS", Format{Video, "ogg", "Ogg"}},
	{8, "WAVE", Format{Audio, "wav", "WAV"}},
	{0, "fLaC", Format{Audio, "flac", "FLAC"}},
	{8, "AIFF", Format{Audio, "aiff", "AIFF"}},
	{8, "AIFC", Format{Audio, "aiff", "AIFF"}},
	{0, "ID3", Format{Audio, "mp3", "MP3"}},
}

// Sniff recognises a medium by its first bytes. Names and Content-Type are not
// trusted; and formats that name other files (playlists, manifests, SVG) are
// not media here, so FFmpeg never gets to see them.
func Sniff(head []byte) (Format, bool) {
	for _, m := range magics {
		if len(head) >= m.at+len(m.bytes) && string(head[m.at:m.at+len(m.bytes)]) == m.bytes {
			if f, ok := refine(m.format, head); ok {
				return f, true
			}
		}
	}
	switch {
	case isTransportStream(head):
		return Format{Video, "mpegts", "MPEG-TS"}, true
	case len(head) > 2 && head[0] == 0xff && head[1]&0xf6 == 0xf0:
		return Format{Audio, "aac", "AAC"}, true
	case isMP3(head):
		return Format{Audio, "mp3", "MP3"}, true
	}
	return Format{}, false
}

// refine settles signatures that are too short to stand alone.
func refine(f Format, head []byte) (Format, bool) {
	switch f.Demuxer {
	case "webp_pipe", "avi", "wav":
		return f, bytes.HasPrefix(head, []byte("RIFF"))
	case "aiff":
		return f, bytes.HasPrefix(head, []byte("FORM"))
	case "bmp_pipe": // a file size that fits and a known header size
		if len(head) < 18 {
			return f, false
		}
		size := binary.LittleEndian.Uint32(head[14:])
		return f, size >= 12 && size <= 124
	case "mov":
		brand := string(head[8:min(12, len(head))])
		if head[4] == 'f' && (brand == "M4A " || brand == "M4B ") {
			return Format{Audio, "mov", "M4A"}, true
		}
	}
	return f, true
}

// isTransportStream looks for the sync byte of three packets.
func isTransportStream(head []byte) bool {
	const packet = 188
	return len(head) > 2*packet && head[0] == 0x47 && head[packet] == 0x47 && head[2*packet] == 0x47
}

// isMP3 looks for an MPEG audio frame header of layer III.
func isMP3(head []byte) bool {
	if len(head) < 4 || head[0] != 0xff || head[1]&0xe6 != 0xe2 {
		return false
	}
	bitrate, rate := head[2]>>4, head[2]>>2&3
	return bitrate != 0 && bitrate != 15 && rate != 3
}
