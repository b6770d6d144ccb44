package transmit

import (
	"slices"
	"time"
)

// document is a profile that was checked, and what its _meta is made of.
type document struct {
	json       []byte
	outline    outline
	cuts       *cuts // nil: not looked for yet
	unixMicro  int64
	phpVersion string
	deadline   time.Time
	diskBy     time.Time // when the disk's share of the time begins
	isFixed    bool      // nothing may be cut, or nothing is left to cut
	garbage    int       // bytes that were allocated for it
}

// pieces are a document as it goes out, one after the other: the caller's bytes
// with _meta between them, and without what was cut. So it is sent without being
// copied.
type pieces [][]byte

// maxSendable is how many a datagram is made of: nothing is cut, or they are joined.
const maxSendable = 3

// garbagePerCut is what finding the cuts and their pieces allocates, roughly.
const garbagePerCut = 32 << 10

// maxMeta has room for _meta and its name, with the longest php_version.
const maxMeta = 160 + maxPHPVersion

func newDocument(r Request, s *settings, now time.Time) (d document, err error) {
	d.json = r.JSON
	d.deadline = now.Add(r.timeout(s) - r.Spent - wakeUp(r.timeout(s)))
	d.diskBy = d.deadline.Add(-diskReserve(r.timeout(s)))
	d.unixMicro, d.phpVersion = now.UnixMicro(), s.phpVersion
	switch {
	case r.AsIs:
		d.isFixed = true
	case r.Trusted:
		d.outline, err = outlineTrusted(d.json)
	default:
		if s.oversize == shrink && len(d.json) > s.maxDatagram {
			d.cuts, d.garbage = new(cuts), garbagePerCut
		}
		d.outline, err = checkAndCut(d.json, d.limit(), d.cuts)
	}
	return d, err
}

// whole is the whole document; some pieces may be empty. _meta is built in scratch.
func (d *document) whole(scratch []byte) [maxSendable][]byte {
	if d.isFixed {
		return [maxSendable][]byte{d.json}
	}
	head, before, tail := d.outline.around(d.json)
	return [...][]byte{head, d.appendMeta(append(scratch, before...), marks{}), tail}
}

// cut returns the pieces that are left when what may be cut is cut; none if
// there is nothing to cut. What then has size bytes or less is joined.
func (d *document) cut(size int) (out pieces, err error) {
	if d.isFixed {
		return nil, nil
	}
	d.isFixed = true
	d.garbage = garbagePerCut
	if d.cuts == nil {
		d.cuts, err = cut(d.json, d.outline.object.from, d.cutLimit())
	}
	if err != nil || d.cuts.marks() == (marks{}) {
		return nil, err
	}
	out = d.cuts.pieces(d.json, d.outline, d.appendMeta(nil, d.cuts.marks()))
	if n := out.size(); n <= size {
		d.garbage += n
		out = pieces{slices.Concat(out...)}
	}
	return out, nil
}

func (d *document) appendMeta(dst []byte, m marks) []byte {
	return appendMeta(dst, d.unixMicro, d.phpVersion, m)
}

// limit is when to stop reading the document: copying it for the disk, and
// writing it, take time as well.
func (d *document) limit() limit { return limit{d.diskBy, passed, stillDone} }

// cutLimit leaves time for a copy of the whole document, at 1 GB/s, page faults
// included.
func (d *document) cutLimit() limit {
	return limit{at: d.diskBy.Add(-time.Duration(len(d.json))), passed: passed}
}

func (p pieces) size() (size int) {
	for _, piece := range p {
		size += len(piece)
	}
	return size
}
