package main

import "math"

// The piece: calm, in D, a bar to two of the movie's half scenes. Scenes change
// on every second bar.
const (
	soundRate = 48000
	bar       = 2.4
	eighth    = bar / 8
	musicEnd  = 21.6
)

// chord is the notes of one bar, as MIDI numbers: the bass, what the pad holds,
// and what the arpeggio picks from, low to high.
type chord struct {
	bass int
	pad  []int
	pick []int
}

var harmony = []chord{
	{38, []int{50, 57, 62, 66, 69}, []int{62, 66, 69, 73, 76}}, // Dmaj9
	{37, []int{49, 57, 61, 64, 69}, []int{61, 64, 69, 71, 76}}, // A/C#
	{35, []int{50, 54, 59, 62, 66}, []int{62, 66, 69, 71, 74}}, // Bm7
	{43, []int{50, 55, 59, 62, 66}, []int{62, 66, 67, 71, 74}}, // Gmaj7
	{40, []int{52, 55, 59, 62, 66}, []int{64, 66, 67, 71, 74}}, // Em9
	{33, []int{52, 57, 59, 64, 69}, []int{64, 69, 71, 74, 76}}, // A sus
	{43, []int{50, 55, 59, 66, 69}, []int{62, 67, 69, 71, 78}}, // Gmaj9
	{38, []int{50, 57, 62, 64, 69}, []int{62, 66, 69, 74, 76}}, // D add9, held
}

// patterns say which note of the chord each eighth picks; -1 is a rest. The
// piece opens with the sparse one.
var patterns = [][]int{
	{0, -1, 2, -1, 4, -1, 2, -1},
	{0, 2, 4, 3, 2, 4, 3, 1},
	{0, 2, 3, 4, 2, 1, 3, 2},
}

// melody is a few bells over it: bar, eighth, note.
var melody = [][3]int{
	{2, 0, 78}, {2, 4, 81}, {3, 0, 79}, {3, 6, 78}, {4, 0, 76}, {4, 4, 83}, {5, 0, 81}, {5, 6, 76}, {6, 0, 78}, {6, 4, 81}, {7, 0, 86},
}

// music is the whole piece, left and right.
func music() (left, right []float64) {
	length := int(musicEnd * soundRate)
	pads, low, plucks := newTrack(length), newTrack(length), newTrack(length)
	for i, c := range harmony {
		at, hold := float64(i)*bar, bar
		if i == len(harmony)-1 {
			hold = 3.2
		}
		for k, note := range c.pad {
			pads.pad(at, hold, note, 0.030, -0.6+1.2*float64(k)/4)
		}
		low.bass(at, hold, c.bass, 0.075)
		arpeggio(plucks, i, c)
	}
	for _, m := range melody {
		at := float64(m[0])*bar + float64(m[1])*eighth
		plucks.bell(at, m[2], 0.12, 0.25*math.Sin(float64(m[2])))
	}
	plucks.echo(eighth*1.5, 0.42, 0.34)
	pads.add(plucks, 1)
	pads.add(pads.room(), 0.32)
	pads.add(low, 1)
	pads.master()
	return pads.left, pads.right
}

// arpeggio picks the notes of one bar, a little unevenly as fingers do.
func arpeggio(t *track, index int, c chord) {
	const human noise = 501
	pattern := patterns[1+index%2]
	loud := 0.17
	switch {
	case index < 1:
		pattern, loud = patterns[0], 0.13
	case index == len(harmony)-1:
		pattern, loud = []int{0, 1, 2, 3, 4, -1, -1, -1}, 0.15
	}
	for k, pick := range pattern {
		if pick < 0 {
			continue
		}
		at := float64(index)*bar + float64(k)*eighth + 0.012*human.cell(index, k)
		accent := 0.75 + 0.25*human.cell(k, index+50)
		if k%4 == 0 {
			accent = 1.1
		}
		t.bell(at, c.pick[pick], loud*accent, 0.7*(human.cell(index+90, k)-0.5)*2)
	}
}

// pitch is a MIDI note's frequency in Hz.
func pitch(note int) float64 { return 440 * math.Pow(2, float64(note-69)/12) }
