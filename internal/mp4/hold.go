package mp4

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/Eyevinn/mp4ff/mp4"

	"github.com/reelhook/reelhook/internal/h264"
)

// KeyInterval in seconds is how far apart key frames are at most: players seek to
// one and decode on from there.
const KeyInterval = 10

// hold makes a track of one picture one of n, at the given rate: the key frame,
// again every KeyInterval, and skips of it between. Equal key frames may follow
// each other this way, since only neighbours must differ in their idr_pic_id
// (H.264, 7.4.3).
func (t *track) hold(n int, rate Rate) error {
	if len(t.samples) != 1 {
		return fmt.Errorf("it has %d pictures, not the one to hold", len(t.samples))
	}
	sps, err := parameters(t.head)
	if err != nil {
		return err
	}
	every := max(1, KeyInterval*rate.Num/rate.Den)
	run := []sample{t.samples[0]}
	for i := 1; i < min(n, every); i++ {
		skip := sps.Skip(i)
		data := append(binary.BigEndian.AppendUint32(nil, uint32(len(skip))), skip...)
		run = append(run, sample{data: data, size: uint32(len(data)), shown: run[0].shown})
	}
	t.samples = nil
	for len(t.samples) < n {
		t.samples = append(t.samples, run[:min(len(run), n-len(t.samples))]...)
	}
	return nil
}

// parameters is what the decoder configuration of a track says of its pictures.
func parameters(head *mp4.TrakBox) (h264.SPS, error) {
	avcx := head.Mdia.Minf.Stbl.Stsd.AvcX
	if avcx == nil || len(avcx.AvcC.SPSnalus) != 1 {
		return h264.SPS{}, errors.New("want H.264 with one sequence parameter set")
	}
	return h264.ParseSPS(avcx.AvcC.SPSnalus[0])
}

// allowSkips adds the parameter set of skips to the decoder configuration.
func (t *track) allowSkips() error {
	sps, err := parameters(t.head)
	if err != nil {
		return err
	}
	config := t.head.Mdia.Minf.Stbl.Stsd.AvcX.AvcC
	for _, pps := range config.PPSnalus {
		switch id, err := h264.PPSID(pps); {
		case err != nil:
			return err
		case id == h264.SkipPPSID:
			return fmt.Errorf("the encoder uses the picture parameter set %d, which is that of skips", id)
		}
	}
	config.PPSnalus = append(config.PPSnalus, sps.SkipPPS())
	return nil
}
