// Command child is the smallest program that draws, for tests to build without
// the race detector: under it, memory cannot be bounded.
package main

import "github.com/reelhook/reelhook/internal/draw"

func main() { draw.RunIfChild() }
