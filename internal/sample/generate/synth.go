package main

import "math"

// track is a stretch of stereo sound.
type track struct{ left, right []float64 }

func newTrack(length int) *track { return &track{make([]float64, length), make([]float64, length)} }

// put adds one voice, from at seconds on for length seconds. pan is -1 for left
// to 1 for right.
func (t *track) put(at, length, pan float64, voice func(time float64) float64) {
	l, r := math.Cos((pan+1)*math.Pi/4), math.Sin((pan+1)*math.Pi/4)
	from := int(at * soundRate)
	for i := range int(length * soundRate) {
		if from+i >= len(t.left) {
			return
		}
		v := voice(float64(i) / soundRate)
		t.left[from+i] += v * l
		t.right[from+i] += v * r
	}
}

// pad holds a note softly: three slightly mistuned voices, whose overtones open
// and close again.
func (t *track) pad(at, hold float64, note int, loud, pan float64) {
	const attack, release = 0.9, 1.8
	for k, cents := range []float64{-5, 0, 6} {
		f := pitch(note) * math.Pow(2, cents/1200)
		start := float64(note*7+k*3) * 0.37 // phases apart, or they beat together
		t.put(at, hold+release, pan*0.7+0.45*float64(k-1), func(time float64) float64 {
			level := smooth(0, attack, time) * smooth(hold+release, hold-0.2, time)
			open := 0.45 + 0.35*math.Sin(math.Pi*min(time/(hold+release), 1))
			v, strength := 0.0, 1.0
			for n := 1; n <= 6; n++ {
				v += strength * math.Sin(2*math.Pi*f*float64(n)*time+start*float64(n))
				strength *= open * float64(n) / float64(n+1)
			}
			return loud * 0.55 * level * v
		})
	}
}

// bass is a round low note.
func (t *track) bass(at, hold float64, note int, loud float64) {
	f := pitch(note)
	t.put(at, hold+0.5, 0, func(time float64) float64 {
		level := smooth(0, 0.09, time) * smooth(hold+0.5, hold-0.25, time) * (0.65 + 0.35*math.Exp(-time*1.2))
		p := 2 * math.Pi * f * time
		return loud * level * (math.Sin(p) + 0.35*math.Sin(2*p) + 0.10*math.Sin(3*p))
	})
}

// bell is a plucked note, between a kalimba and an electric piano.
func (t *track) bell(at float64, note int, loud, pan float64) {
	f := pitch(note)
	partials := []struct{ ratio, strength, decay float64 }{
		{1, 1, 2.1}, {2, 0.34, 3.4}, {3, 0.13, 5.5}, {4.02, 0.10, 8}, {6.3, 0.05, 16},
	}
	t.put(at, 3, pan, func(time float64) float64 {
		v := 0.0
		for _, p := range partials {
			v += p.strength * math.Exp(-p.decay*time) * math.Sin(2*math.Pi*f*p.ratio*time)
		}
		return loud * v * smooth(0, 0.004, time) * smooth(3, 2.4, time)
	})
}

// echo repeats a track from side to side, duller each time.
func (t *track) echo(delay, feedback, loud float64) {
	n := int(delay * soundRate)
	line := [2][]float64{make([]float64, n), make([]float64, n)}
	var dull [2]float64
	for i := range t.left {
		at := i % n
		l, r := line[0][at], line[1][at]
		dull[0] += 0.35 * (l - dull[0])
		dull[1] += 0.35 * (r - dull[1])
		mono := (t.left[i] + t.right[i]) * 0.6
		line[0][at] = mono + feedback*dull[1]
		line[1][at] = feedback * 1.35 * dull[0]
		t.left[i] += loud * dull[0]
		t.right[i] += loud * 1.3 * dull[1]
	}
}

// room is a track's reverberation (Schroeder's: combs side by side, then
// all-passes).
func (t *track) room() *track {
	out := newTrack(len(t.left))
	for side, in := range [][]float64{t.left, t.right} {
		wet := make([]float64, len(in))
		for _, ms := range []float64{29.7, 37.1, 41.1, 43.7, 53.3, 61.1} {
			comb(wet, in, int((ms+float64(side)*0.53)*soundRate/1000), 0.84)
		}
		for _, ms := range []float64{5.0, 1.7, 8.3} {
			allPass(wet, int((ms+float64(side)*0.11)*soundRate/1000), 0.62)
		}
		copy([][]float64{out.left, out.right}[side], wet)
	}
	return out
}

// comb adds in's echoes, n samples apart, to wet.
func comb(wet, in []float64, n int, feedback float64) {
	line := make([]float64, n)
	dull := 0.0
	for i, v := range in {
		old := line[i%n]
		dull += 0.45 * (old - dull)
		line[i%n] = v + feedback*dull
		wet[i] += old / 6
	}
}

// allPass smears a sound without colouring it.
func allPass(sound []float64, n int, feedback float64) {
	line := make([]float64, n)
	for i, v := range sound {
		old := line[i%n]
		line[i%n] = v + feedback*old
		sound[i] = old - feedback*line[i%n]
	}
}

func (t *track) add(other *track, loud float64) {
	for i := range t.left {
		t.left[i] += loud * other.left[i]
		t.right[i] += loud * other.right[i]
	}
}

// master takes out what lies below hearing, brings the sound to its level and
// lets it die away at the end.
func (t *track) master() {
	peak := 0.0
	for _, side := range [][]float64{t.left, t.right} {
		slow := 0.0
		for i, v := range side {
			slow += 0.0035 * (v - slow) // about 27 Hz
			side[i] = v - slow
			peak = max(peak, math.Abs(side[i]))
		}
	}
	for _, side := range [][]float64{t.left, t.right} {
		for i, v := range side {
			time := float64(i) / soundRate
			level := smooth(0, 0.25, time) * smooth(musicEnd, musicEnd-3.5, time)
			side[i] = 0.5 * level * math.Tanh(1.2*v/peak) / math.Tanh(1.2)
		}
	}
}
