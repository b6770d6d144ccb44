package transmit

import (
	"math/rand/v2"
	"slices"
	"time"

	socket "libtransmit/transmit/listener"
	"libtransmit/transmit/profile"
)

// stillDone is how much of a document is checked and copied although time is up: it takes about two milliseconds, and
// a machine so busy that the caller's thread did not run for its whole timeout loses no profile of a usual size.
const stillDone = 2 << 20

func passed(at time.Time) bool { return !time.Now().Before(at) }

// document is a profile that was checked, and what its _meta is made of.
type document struct {
	json       []byte
	outline    profile.Outline
	cuts       *profile.Cuts // nil: not looked for yet
	unixMicro  int64
	phpVersion string
	id         uint64 // a copy in the buffer, and what a replay sends of it, has the same one
	deadline   time.Time
	diskBy     time.Time // when the disk's share of the time begins
	isFixed    bool      // nothing may be cut, or nothing is left to cut
	isCut      bool      // it was looked through for what to cut, which leaves garbage
}

// pieces are a document as it goes out, one after the other: the caller's bytes
// with _meta between them, and without what was cut. So it is sent without being
// copied.
type pieces [][]byte

// maxMeta has room for _meta and its name, with the longest php_version.
const maxMeta = 192 + maxPHPVersion

func newDocument(r Request, s *settings, now time.Time) (d document, err error) {
	d.json = r.JSON
	d.deadline = now.Add(r.timeout(s) - r.Spent - wakeUp(r.timeout(s)))
	d.diskBy = d.deadline.Add(-diskReserve(r.timeout(s)))
	d.unixMicro, d.phpVersion, d.id = now.UnixMicro(), s.phpVersion, rand.Uint64()
	switch {
	case r.AsIs:
		d.isFixed = true
	case r.Trusted:
		d.outline, err = profile.OutlineTrusted(d.json)
	default:
		if s.oversize == shrink && len(d.json) > s.maxDatagram {
			d.cuts, d.isCut = new(profile.Cuts), true
		}
		d.outline, err = profile.CheckAndCut(d.json, d.limit(), d.cuts)
	}
	return d, err
}

// whole is the whole document; some pieces may be empty. _meta is built in scratch.
func (d *document) whole(scratch []byte) [socket.MaxPieces][]byte {
	if d.isFixed {
		return [socket.MaxPieces][]byte{d.json}
	}
	head, before, tail := d.outline.Around(d.json)
	return [...][]byte{head, d.appendMeta(append(scratch, before...), profile.Marks{}), tail}
}

// cut returns the pieces that are left when what may be cut is cut; none if
// there is nothing to cut. What then has size bytes or less is joined, to be sent; the
// marks may have made it longer than it was.
func (d *document) cut(size int) (out pieces, err error) {
	if d.isFixed {
		return nil, nil
	}
	d.isFixed = true
	d.isCut = true
	if d.cuts == nil {
		d.cuts, err = profile.FindCuts(d.json, d.outline.Start(), d.cutLimit())
	}
	if err != nil || d.cuts.Marks() == (profile.Marks{}) {
		return nil, err
	}
	out = d.cuts.Pieces(d.json, d.outline, d.appendMeta(nil, d.cuts.Marks()))
	if out.size() <= size {
		out = pieces{slices.Concat(out...)}
	}
	return out, nil
}

func (d *document) appendMeta(dst []byte, m profile.Marks) []byte {
	return profile.AppendMeta(dst, d.unixMicro, d.phpVersion, d.id, m)
}

// limit is when to stop reading the document: copying it for the disk, and
// writing it, take time as well.
func (d *document) limit() profile.Limit {
	return profile.Limit{At: d.diskBy, Passed: passed, Free: stillDone}
}

// cutLimit leaves time for a copy of the whole document, at 1 GB/s, page faults
// included.
func (d *document) cutLimit() profile.Limit {
	return profile.Limit{At: d.diskBy.Add(-time.Duration(len(d.json))), Passed: passed}
}

func (p pieces) size() (size int) {
	for _, piece := range p {
		size += len(piece)
	}
	return size
}
