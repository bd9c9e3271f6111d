package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
)

// span is a time as people write it: Go's durations, and days, such as 30d.
type span time.Duration

// UnmarshalText reads it.
func (s *span) UnmarshalText(text []byte) error {
	written := strings.TrimSpace(string(text))
	if days, ok := strings.CutSuffix(written, "d"); ok {
		n, err := strconv.ParseFloat(days, 64)
		if err != nil || !(n >= 0 && n <= 100_000) {
			return fmt.Errorf("%q is no number of days; write it like 30d", written)
		}
		*s = span(n * float64(24*time.Hour))
		return nil
	}
	if written == "0" {
		*s = 0
		return nil
	}
	d, err := time.ParseDuration(written)
	if err != nil || d < 0 {
		return fmt.Errorf("%q is no time; write it like 30d, 12h or 15m", written)
	}
	*s = span(d)
	return nil
}

// String writes whole days as such.
func (s span) String() string {
	const day = 24 * time.Hour
	if d := time.Duration(s); d > 0 && d%day == 0 {
		return strconv.Itoa(int(d/day)) + "d"
	}
	return time.Duration(s).String()
}

// size is a number of bytes as people write it, such as 2GB or 512MiB.
type size int64

// UnmarshalText reads it.
func (s *size) UnmarshalText(text []byte) error {
	n, err := humanize.ParseBytes(string(text))
	if err != nil || n > 1<<60 {
		return errors.New("it is no size; write it like 2GB or 512MiB")
	}
	*s = size(n)
	return nil
}
