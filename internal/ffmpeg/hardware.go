package ffmpeg

import "path/filepath"

// Hardware is how a run reaches a graphics processor. The zero value reaches
// none, and such a run sees no device of it.
type Hardware struct {
	// Devices are patterns of files below /dev.
	Devices []string
	// Options are FFmpeg's own, before its inputs.
	Options []string
	// Reserves tells that the driver reserves more address space than any limit of
	// memory would allow, as CUDA does; so there is none.
	Reserves bool
}

// kernel is where drivers find out what kind of device theirs is. Flatpak lets its
// sandboxes read the same.
var kernel = []string{"/sys/dev", "/sys/devices"}

// open lets a process reach the hardware.
func (h Hardware) open(p *process) {
	if len(h.Devices) == 0 {
		return
	}
	p.devices = append(p.devices, h.Found()...)
	p.readOnly = append(p.readOnly, kernel...)
	if h.Reserves {
		p.limits.Memory = 0
	}
}

// Found lists the devices that are there.
func (h Hardware) Found() []string {
	var all []string
	for _, pattern := range h.Devices {
		found, _ := filepath.Glob(pattern) // patterns are ours, and well formed
		all = append(all, found...)
	}
	return all
}
