package render

import "image"

// even takes the last column or row off a stream of odd sides. A sample of chroma
// is for two of each: overlay would colour what is beside the picture as well.
func (s *strand) even(size image.Point) {
	if whole := size.Sub(image.Pt(size.X%2, size.Y%2)); whole != size {
		s.add(f("crop", "w", max(1, whole.X), "h", max(1, whole.Y), "x", 0, "y", 0, "exact", 1))
	}
}
