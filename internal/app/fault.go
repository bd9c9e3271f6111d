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

// faultyCarrier has a carrier's tries pass the points of Options.Fault.
func (o Options) faultyCarrier(c export.Carrier) export.Carrier {
	if o.Fault == nil {
		return c
	}
	return faultyCarrier{c, o.Fault}
}

type faultyCarrier struct {
	export.Carrier
	fault func(point string)
}

func (c faultyCarrier) Carry(ctx context.Context, p export.Parcel) (export.Receipt, error) {
	c.fault("transfer.before")
	defer c.fault("transfer.after")
	return c.Carrier.Carry(ctx, p)
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
