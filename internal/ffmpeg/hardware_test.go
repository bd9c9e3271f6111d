package ffmpeg

import (
	"slices"
	"testing"
)

// TestHardware holds that a run sees a device only when it is to use one, and has
// a limit of memory unless its driver cannot live with one.
func TestHardware(t *testing.T) {
	for _, tc := range []struct {
		name     string
		hardware Hardware
		devices  []string
		reads    bool
		memory   int64
	}{
		{"none", Hardware{}, nil, false, 1 << 30},
		{"there", Hardware{Devices: []string{"/dev/nul[l]"}}, []string{"/dev/null"}, true, 1 << 30},
		{"not there", Hardware{Devices: []string{"/dev/no-such-*"}}, nil, true, 1 << 30},
		{"with a driver that reserves", Hardware{Devices: []string{"/dev/zer[o]", "/dev/null"}, Reserves: true}, []string{"/dev/zero", "/dev/null"}, true, 0},
	} {
		p := process{limits: Limits{Memory: 1 << 30}}
		tc.hardware.open(&p)
		if !slices.Equal(p.devices, tc.devices) || slices.Contains(p.readOnly, "/sys/devices") != tc.reads || p.limits.Memory != tc.memory {
			t.Errorf("%s: %+v", tc.name, p)
		}
		if got := p.confined(); !slices.Equal(got.Devices, tc.devices) {
			t.Errorf("%s: the sandbox is given %v", tc.name, got.Devices)
		}
	}
}
