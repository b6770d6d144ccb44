package transmit

import (
	"slices"
	"time"
)

// document is a profile that was checked, and what its _meta is made of.
type document struct {
	json       []byte
	outline    outline
	unixMicro  int64
	phpVersion string
	deadline   time.Time
	diskBy     time.Time // when the disk's share of the time begins
	isFixed    bool      // nothing may be cut, or nothing is left to cut
	garbage    int       // bytes that were allocated for it
}

// pieces are a document as it goes out, one after the other: the caller's bytes
// with _meta between them, so that what fits is sent without being copied.
type pieces [3][]byte

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
		d.outline, err = check(d.json, d.limit())
	}
	return d, err
}

// pieces are those of the whole document. _meta is built in scratch.
func (d *document) pieces(scratch []byte) pieces {
	if d.isFixed {
		return pieces{d.json}
	}
	head, before, tail := d.outline.around(d.json)
	return pieces{head, d.appendMeta(append(scratch, before...), marks{}), tail}
}

// cutInto makes out shorter if anything may be cut.
func (d *document) cutInto(out *pieces) error {
	if d.isFixed {
		return nil
	}
	d.isFixed = true
	c, err := cut(d.json, d.outline.object.from, d.limit())
	if err != nil || c.marks() == (marks{}) {
		return err
	}
	meta := d.appendMeta(nil, c.marks())
	*out = pieces{slices.Concat(c.pieces(d.json, d.outline, meta)...)}
	d.garbage = out.size() + garbagePerError
	return nil
}

func (d *document) appendMeta(dst []byte, m marks) []byte {
	return appendMeta(dst, d.unixMicro, d.phpVersion, m)
}

// limit is when to stop reading the document: copying it for the disk, and
// writing it, take time as well.
func (d *document) limit() limit { return limit{d.diskBy, passed} }

func (p *pieces) size() int { return len(p[0]) + len(p[1]) + len(p[2]) }
