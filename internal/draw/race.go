//go:build race

package draw

// raced tells that the race detector is built in. It takes terabytes of address
// space, so there is no bounding that.
const raced = true
