package app

import (
	"context"

	"github.com/reelhook/reelhook/internal/export"
)

// faulty has a leaf's attempts pass the points of Options.Fault.
func (o Options) faulty(leaf export.Leaf) export.Leaf {
	if o.Fault == nil {
		return leaf
	}
	return faultyLeaf{leaf, o.Fault}
}

type faultyLeaf struct {
	export.Leaf
	fault func(point string)
}

func (l faultyLeaf) Attempt(ctx context.Context, d export.Delivery, a export.Attempt) export.Attempt {
	l.fault("attempt.before")
	defer l.fault("attempt.after")
	return l.Leaf.Attempt(ctx, d, a)
}
