package transmit

import (
	"math/rand/v2"
	"slices"
	"time"

	socket "libtransmit/transmit/listener"
	"libtransmit/transmit/profile"
)

// alwaysRead is how many bytes of a document are checked and copied even after the deadline. They take about two
// milliseconds. So a machine that is too busy to run the caller's thread in time loses no profile of a usual size.
const alwaysRead = 2 << 20

func passed(at time.Time) bool { return !time.Now().Before(at) }

// document is a checked profile and the values of its _meta.
type document struct {
	json           []byte
	outline        profile.Outline
	plan           *profile.ShrinkPlan // nil: not made yet
	unixMicro      int64
	phpVersion     string
	id             uint64 // the copy in the buffer and its replay have the same one
	deadline       time.Time
	socketDeadline time.Time // the end of waiting for the socket: the rest is the disk's
	isFixed        bool      // it may not be shrunk, or was shrunk already
	leavesGarbage  bool      // planning to shrink it leaves garbage
}

// pieces are the parts of a document in the order in which they are sent: the caller's bytes, less what was removed,
// with _meta between them. So a document is sent without being copied.
type pieces [][]byte

// maxMeta is the room for _meta and its name, with the longest php_version.
const maxMeta = 192 + maxPHPVersion

func newDocument(r SendRequest, s *settings, now time.Time) (d document, err error) {
	d.json = r.JSON
	d.deadline = now.Add(r.timeout(s) - r.Spent - wakeUp(r.timeout(s)))
	d.socketDeadline = d.deadline.Add(-diskReserve(r.timeout(s)))
	d.unixMicro, d.phpVersion, d.id = now.UnixMicro(), s.phpVersion, rand.Uint64()
	switch {
	case r.AsIs:
		d.isFixed = true
	case r.Trusted:
		d.outline, err = profile.OutlineTrusted(d.json)
	default:
		if s.oversize == shrink && len(d.json) > s.maxDatagram {
			d.plan, d.leavesGarbage = new(profile.ShrinkPlan), true
		}
		d.outline, err = profile.CheckAndPlan(d.json, d.limit(), d.plan)
	}
	return d, err
}

// whole returns the whole document; some pieces may be empty. _meta is built in scratch.
func (d *document) whole(scratch []byte) [socket.MaxPieces][]byte {
	if d.isFixed {
		return [socket.MaxPieces][]byte{d.json}
	}
	head, before, tail := d.outline.Around(d.json)
	return [...][]byte{head, d.appendMeta(append(scratch, before...), profile.MetaFlags{}), tail}
}

// shrink returns the document without what profile.ShrinkPlan removes, or nothing if the plan removes nothing.
// A result of at most size bytes is joined to one piece, because the socket takes only a few pieces. The flags in
// _meta can make a document longer than it was.
func (d *document) shrink(size int) (out pieces, err error) {
	if d.isFixed {
		return nil, nil
	}
	d.isFixed = true
	d.leavesGarbage = true
	if d.plan == nil {
		d.plan, err = profile.PlanShrink(d.json, d.outline.Start(), d.shrinkLimit())
	}
	if err != nil || d.plan.Flags() == (profile.MetaFlags{}) {
		return nil, err
	}
	out = d.plan.Pieces(d.json, d.outline, d.appendMeta(nil, d.plan.Flags()))
	if out.size() <= size {
		out = pieces{slices.Concat(out...)}
	}
	return out, nil
}

func (d *document) appendMeta(dst []byte, flags profile.MetaFlags) []byte {
	return profile.AppendMeta(dst, d.unixMicro, d.phpVersion, d.id, flags)
}

// limit is when to stop reading the document. Copying it for the disk and writing it need time as well.
func (d *document) limit() profile.Limit {
	return profile.Limit{At: d.socketDeadline, Passed: passed, Free: alwaysRead}
}

// shrinkLimit leaves time for a copy of the whole document, at 1 GB/s, page faults included.
func (d *document) shrinkLimit() profile.Limit {
	return profile.Limit{At: d.socketDeadline.Add(-time.Duration(len(d.json))), Passed: passed}
}

func (p pieces) size() (size int) {
	for _, piece := range p {
		size += len(piece)
	}
	return size
}
