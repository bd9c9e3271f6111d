package export

import (
	"encoding/binary"
	"math"
	"time"
)

// Traffic counts attempts by result, with the latency of those that were answered.
type Traffic struct {
	Succeeded, Refused, Unknown int
	Latency                     Histogram
}

// Add puts two counts together.
func (t *Traffic) Add(o Traffic) {
	t.Succeeded += o.Succeeded
	t.Refused += o.Refused
	t.Unknown += o.Unknown
	t.Latency.Add(o.Latency)
}

// Histogram counts latencies in buckets that each reach a tenth further than the
// one before, so that a quantile is right within five percent.
type Histogram []uint32

const (
	firstBucket = 100 * time.Microsecond
	growth      = 1.1
	// buckets reach beyond the longest timeout.
	buckets = 160
)

// Observe counts one latency.
func (h *Histogram) Observe(d time.Duration) {
	i := 0
	if d > firstBucket {
		i = min(buckets-1, int(math.Ceil(math.Log(float64(d)/float64(firstBucket))/math.Log(growth))))
	}
	h.grow(i + 1)
	(*h)[i]++
}

// Add puts two histograms together.
func (h *Histogram) Add(o Histogram) {
	h.grow(len(o))
	for i, n := range o {
		(*h)[i] += n
	}
}

func (h *Histogram) grow(n int) {
	if n > len(*h) {
		*h = append(*h, make(Histogram, n-len(*h))...)
	}
}

// Quantile is the latency that a share q, from 0 to 1, did not exceed; 0 when
// nothing was counted.
func (h Histogram) Quantile(q float64) time.Duration {
	var all, seen uint64
	for _, n := range h {
		all += uint64(n)
	}
	if all == 0 {
		return 0
	}
	rank := max(1, uint64(math.Ceil(q*float64(all))))
	for i, n := range h {
		if seen += uint64(n); seen >= rank {
			return time.Duration(float64(firstBucket) * math.Pow(growth, float64(i)-0.5))
		}
	}
	return 0
}

// MarshalBinary writes pairs of numbers: how many empty buckets, then a count.
func (h Histogram) MarshalBinary() ([]byte, error) {
	var b []byte
	empty := uint64(0)
	for _, n := range h {
		if n == 0 {
			empty++
			continue
		}
		b = binary.AppendUvarint(b, empty)
		b = binary.AppendUvarint(b, uint64(n))
		empty = 0
	}
	return b, nil
}

// UnmarshalBinary reads what MarshalBinary wrote. Anything else gives what could
// be read of it: a statistic is not worth an error.
func (h *Histogram) UnmarshalBinary(b []byte) error {
	*h = nil
	for len(b) > 0 {
		empty, n := binary.Uvarint(b)
		if n <= 0 || empty > buckets {
			break
		}
		count, m := binary.Uvarint(b[n:])
		i := len(*h) + int(empty)
		if m <= 0 || i >= buckets || count > math.MaxUint32 {
			break
		}
		h.grow(i + 1)
		(*h)[i] = uint32(count)
		b = b[n+m:]
	}
	return nil
}
