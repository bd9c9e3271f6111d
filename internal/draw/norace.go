//go:build !race

package draw

// raced tells that the race detector is built in.
const raced = false
