// Package h264 writes the pictures of a still: the one the encoder made, shown
// again and again, costs eleven bytes each time and no encoding. It reads what it
// must know from a sequence parameter set and writes NAL units (ITU-R H.264, the
// sections named here are of its 2021 edition). It must not know containers,
// encoders or movies.
package h264

import (
	"errors"
	"fmt"
)

// Types and priorities of NAL units (7.4.1).
const (
	sliceNAL = 2<<5 | 1 // nal_ref_idc 2, coded slice of a non-IDR picture
	ppsNAL   = 3<<5 | 8
	typeMask = 0x1f
	spsType  = 7
	ppsType  = 8
)

// maxMacroblocks is the largest picture of any level (MaxFS of level 6.2, table
//
const maxMacroblocks = 139264

// SPS is what a sequence parameter set says that the pictures after a key frame
// depend on.
type SPS struct {
	ID uint32
	// Macroblocks of one picture.
	Macroblocks uint32
	// FrameNumBits is the length of frame_num, OrderBits that of
	// pic_order_cnt_lsb; 0 when pictures are shown in the order of decoding and
	// do not say it.
	FrameNumBits, OrderBits int
}

// ParseSPS reads the NAL unit of a sequence parameter set (7.3.2.1.1). It is an
// error when the unit is damaged, or describes pictures that Skip cannot write:
// interlaced ones, say, which no encoder of ours makes.
func ParseSPS(nal []byte) (SPS, error) {
	if len(nal) < 4 || nal[0]&typeMask != spsType {
		return SPS{}, errors.New("not a sequence parameter set")
	}
	r := newReader(nal[4:]) // after profile, constraints and level
	s := SPS{ID: r.upTo(31)}
	if hasChromaFormat(nal[1]) {
		r.chromaFormat()
	}
	s.FrameNumBits = 4 + int(r.upTo(12))
	switch r.upTo(2) { // pic_order_cnt_type
	case 0:
		s.OrderBits = 4 + int(r.upTo(12))
	case 1:
		r.refuse("pictures ordered by a cycle")
	}
	if r.upTo(16) == 0 { // max_num_ref_frames
		r.refuse("pictures that refer to none")
	}
	r.bits(1)                                                           // gaps_in_frame_num_value_allowed_flag
	width, height := r.upTo(maxMacroblocks)+1, r.upTo(maxMacroblocks)+1 // in macroblocks
	if r.bits(1) == 0 {                                                 // frame_mbs_only_flag
		r.refuse("interlaced pictures")
	}
	if uint64(width)*uint64(height) > maxMacroblocks {
		r.refuse("pictures larger than any level")
	}
	if r.err != nil {
		return SPS{}, fmt.Errorf("sequence parameter set: %w", r.err)
	}
	s.Macroblocks = width * height
	return s, nil
}

// hasChromaFormat tells the profiles from High on, which say more of a sample.
func hasChromaFormat(profile byte) bool {
	switch profile {
	case 44, 83, 86, 100, 110, 118, 122, 128, 134, 135, 138, 139, 244:
		return true
	}
	return false
}

// chromaFormat reads what these profiles add.
func (r *reader) chromaFormat() {
	if r.upTo(3) == 3 && r.bits(1) == 1 {
		r.refuse("separate colour planes")
	}
	r.upTo(6) // bit_depth_luma_minus8
	r.upTo(6) // bit_depth_chroma_minus8
	r.bits(1) // qpprime_y_zero_transform_bypass_flag
	if r.bits(1) == 1 {
		r.refuse("scaling matrices")
	}
}

// PPSID reads the id of a picture parameter set's NAL unit.
func PPSID(nal []byte) (uint32, error) {
	if len(nal) < 2 || nal[0]&typeMask != ppsType {
		return 0, errors.New("not a picture parameter set")
	}
	r := newReader(nal[1:])
	id := r.upTo(255)
	if r.err != nil {
		return 0, fmt.Errorf("picture parameter set: %w", r.err)
	}
	return id, nil
}

// SkipPPSID is the id of the parameter set that SkipPPS writes; the encoder's own
// must have others.
const SkipPPSID = 1

// SkipPPS writes the picture parameter set of the pictures that Skip writes
// (7.3.2.2). The encoder's own will not do: it codes by arithmetic and weights
// its predictions, and a picture without content is easier said without either.
func (s SPS) SkipPPS() []byte {
	var w writer
	w.ue(SkipPPSID)
	w.ue(s.ID)
	w.bits(0, 1) // entropy_coding_mode_flag: CAVLC
	w.bits(0, 1) // bottom_field_pic_order_in_frame_present_flag
	w.ue(0)      // num_slice_groups_minus1
	w.ue(0)      // num_ref_idx_l0_default_active_minus1: the picture before
	w.ue(0)      // num_ref_idx_l1_default_active_minus1
	w.bits(0, 1) // weighted_pred_flag
	w.bits(0, 2) // weighted_bipred_idc
	w.ue(0)      // pic_init_qp_minus26, signed
	w.ue(0)      // pic_init_qs_minus26, signed
	w.ue(0)      // chroma_qp_index_offset, signed
	w.bits(1, 1) // deblocking_filter_control_present_flag
	w.bits(0, 1) // constrained_intra_pred_flag
	w.bits(0, 1) // redundant_pic_cnt_present_flag
	return w.nal(ppsNAL)
}

// Skip writes the n-th picture after a key frame, counted from 1: all of it is
// skipped, so it is the picture before, bit for bit (7.3.3; a skipped macroblock
// among skipped ones has no motion, 8.4.1.1). It is a reference itself, for the
// next one: the order of a picture is told from the reference before it, and a
// run of pictures that are none would lose count.
func (s SPS) Skip(n int) []byte {
	var w writer
	w.ue(0) // first_mb_in_slice
	w.ue(5) // slice_type: P, as all slices of this picture
	w.ue(SkipPPSID)
	w.bits(uint32(n), s.FrameNumBits) // a key frame is number 0
	w.bits(uint32(2*n), s.OrderBits)  // and comes at 0 (8.2.1); a frame counts as two fields
	w.bits(0, 1)                      // num_ref_idx_active_override_flag
	w.bits(0, 1)                      // ref_pic_list_modification_flag_l0
	w.bits(0, 1)                      // adaptive_ref_pic_marking_mode_flag: the oldest goes
	w.ue(0)                           // slice_qp_delta, signed
	w.ue(1)                           // disable_deblocking_filter_idc: the picture has been filtered
	w.ue(s.Macroblocks)               // mb_skip_run
	return w.nal(sliceNAL)
}
