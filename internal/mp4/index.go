package mp4

import "github.com/Eyevinn/mp4ff/mp4"

// chunk is a run of samples of one track that lie together in the file.
type chunk struct {
	track       *track
	first, last int
}

// interleave cuts both tracks into chunks of about a second, picture and sound
// in turn, so that a player that streams needs no seeking.
func interleave(picture, audio *track) []chunk {
	var chunks []chunk
	var p, a int
	for second := 1; p < len(picture.samples) || a < len(audio.samples); second++ {
		for _, part := range []struct {
			t    *track
			next *int
		}{{picture, &p}, {audio, &a}} {
			last := min(len(part.t.samples), int(uint64(second)*uint64(part.t.timescale)/uint64(part.t.delta)))
			if last > *part.next {
				chunks = append(chunks, chunk{part.t, *part.next, last})
				*part.next = last
			}
		}
	}
	return chunks
}

// movieTimescale counts the movie's own clock in milliseconds, as is usual.
const movieTimescale = 1000

// index builds the moov box. Chunk offsets are zero until place fills them in,
// so that the box has its final size.
func index(picture, audio *track, chunks []chunk) *mp4.MoovBox {
	length := uint64(len(picture.samples)) * uint64(picture.delta)
	millis := length * movieTimescale / uint64(picture.timescale)
	moov := mp4.NewMoovBox()
	mvhd := mp4.CreateMvhd()
	mvhd.Timescale, mvhd.Duration, mvhd.NextTrackID = movieTimescale, millis, 3
	moov.AddChild(mvhd)
	moov.AddChild(pictureTrak(picture, length, millis, chunks))
	moov.AddChild(audioTrak(audio, millis, chunks))
	return moov
}

func pictureTrak(t *track, length, millis uint64, chunks []chunk) *mp4.TrakBox {
	stbl := mp4.NewStblBox()
	stbl.AddChild(t.head.Mdia.Minf.Stbl.Stsd)
	stbl.AddChild(&mp4.SttsBox{SampleCount: []uint32{uint32(len(t.samples))}, SampleTimeDelta: []uint32{t.delta}})
	stss := &mp4.StssBox{}
	for i, s := range t.samples {
		if s.sync {
			stss.SampleNumber = append(stss.SampleNumber, uint32(i+1))
		}
	}
	stbl.AddChild(stss)
	stbl.AddChild(t.compositionOffsets())
	t.addLayout(stbl, chunks)
	return trak(t, 1, stbl, length, millis, int64(t.delay))
}

func audioTrak(t *track, millis uint64, chunks []chunk) *mp4.TrakBox {
	old := t.head.Mdia.Minf.Stbl
	stbl := mp4.NewStblBox()
	stbl.AddChild(old.Stsd)
	stbl.AddChild(old.Stts)
	for _, c := range old.Children { // the roll group that says how far AAC must pre-roll
		if c.Type() == "sgpd" || c.Type() == "sbgp" {
			stbl.AddChild(c)
		}
	}
	t.addLayout(stbl, chunks)
	var priming int64
	if e := t.head.Edts; e != nil && len(e.Elst) > 0 && len(e.Elst[0].Entries) > 0 {
		priming = e.Elst[0].Entries[0].MediaTime
	}
	return trak(t, 2, stbl, t.head.Mdia.Mdhd.Duration, millis, priming)
}

// trak wraps a sample table. mediaTime is where in the media the movie begins:
// the reordering delay of pictures, the priming samples of sound.
func trak(t *track, id uint32, stbl *mp4.StblBox, length, millis uint64, mediaTime int64) *mp4.TrakBox {
	out := mp4.NewTrakBox()
	tkhd := t.head.Tkhd
	tkhd.TrackID, tkhd.Duration = id, millis
	out.AddChild(tkhd)
	edts := &mp4.EdtsBox{}
	edts.AddChild(&mp4.ElstBox{Version: 1, Entries: []mp4.ElstEntry{{
		SegmentDuration: millis, MediaTime: mediaTime, MediaRateInteger: 1,
	}}})
	out.AddChild(edts)
	mdia := mp4.NewMdiaBox()
	mdhd := t.head.Mdia.Mdhd
	mdhd.Timescale, mdhd.Duration = t.timescale, length
	mdia.AddChild(mdhd)
	mdia.AddChild(t.head.Mdia.Hdlr)
	minf := mp4.NewMinfBox()
	for _, c := range t.head.Mdia.Minf.Children {
		if c.Type() != "stbl" {
			minf.AddChild(c)
		}
	}
	minf.AddChild(stbl)
	mdia.AddChild(minf)
	out.AddChild(mdia)
	return out
}

// compositionOffsets is the run-length table of how long after decoding each
// picture is shown.
func (t *track) compositionOffsets() *mp4.CttsBox {
	var counts []uint32
	var offsets []int32
	for _, s := range t.samples {
		offset := s.shown*int32(t.delta) + int32(t.delay)
		if n := len(offsets); n > 0 && offsets[n-1] == offset {
			counts[n-1]++
			continue
		}
		counts, offsets = append(counts, 1), append(offsets, offset)
	}
	box := &mp4.CttsBox{}
	_ = box.AddSampleCountsAndOffset(counts, offsets) // fails only for lists of unequal length
	return box
}

// addLayout adds the boxes that say how samples lie in chunks.
func (t *track) addLayout(stbl *mp4.StblBox, chunks []chunk) {
	stsz := &mp4.StszBox{SampleNumber: uint32(len(t.samples))}
	for _, s := range t.samples {
		stsz.SampleSize = append(stsz.SampleSize, s.size)
	}
	stsc := &mp4.StscBox{}
	var n, before uint32
	for _, c := range chunks {
		if c.track != t {
			continue
		}
		n++
		if size := uint32(c.last - c.first); size != before {
			_ = stsc.AddEntry(n, size, 1) // fails only for mixed sample descriptions
			before = size
		}
	}
	stbl.AddChild(stsc)
	stbl.AddChild(stsz)
	// 64-bit offsets throughout: every player of the last fifteen years reads
	// them, and the index has one form whatever the movie's size.
	stbl.AddChild(&mp4.Co64Box{ChunkOffset: make([]uint64, n)})
}

// place fills in where each chunk lies, the first one at start.
func place(moov *mp4.MoovBox, chunks []chunk, start uint64) {
	at := start
	var next [2]int
	for _, c := range chunks {
		trak := 0
		if c.track.head.Tkhd.TrackID == 2 {
			trak = 1
		}
		moov.Traks[trak].Mdia.Minf.Stbl.Co64.ChunkOffset[next[trak]] = at
		next[trak]++
		for _, s := range c.track.samples[c.first:c.last] {
			at += uint64(s.size)
		}
	}
}
