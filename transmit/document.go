package transmit

import (
	"slices"
	"time"
)

// document is a profile as it goes out: the caller's bytes with _meta between
// them, so that what fits is sent without being copied.
type document struct {
	pieces [3][]byte

	source     []byte // the caller's bytes
	outline    outline
	unixMicro  int64
	phpVersion string
	deadline   time.Time
	whole      bool // nothing may be cut, or everything that may be is
	garbage    int  // bytes that were allocated

	scratch [maxMeta]byte // backs pieces[1]
}

// maxMeta has room for _meta with the longest php_version that is allowed.
const maxMeta = 160 + maxPHPVersion

// prepare checks the profile, adds _meta, and cuts it if it is too large.
func (d *document) prepare(r Request, s *settings, now time.Time) error {
	d.source = r.JSON
	d.deadline = now.Add(r.timeout(s) - r.Spent)
	if r.AsIs {
		d.pieces[0] = r.JSON
		d.whole = true
		return nil
	}
	if err := d.read(r.Trusted); err != nil {
		return err
	}
	d.unixMicro, d.phpVersion = now.UnixMicro(), s.phpVersion
	head, before, tail := d.outline.around(d.source)
	d.pieces = [3][]byte{head, d.appendMeta(append(d.scratch[:0], before...), marks{}), tail}
	if d.size() > s.maxDatagram {
		_, err := d.cut()
		return err
	}
	return nil
}

func (d *document) read(trusted bool) (err error) {
	if trusted {
		d.outline, err = outlineTrusted(d.source)
	} else {
		d.outline, err = check(d.source, d.late)
	}
	return err
}

// cut shortens what may be shortened, once, and says whether that was anything.
func (d *document) cut() (bool, error) {
	if d.whole {
		return false, nil
	}
	d.whole = true
	c, err := cut(d.source, d.outline.object.from, d.late)
	if err != nil || c.marks() == (marks{}) {
		return false, err
	}
	meta := d.appendMeta(nil, c.marks())
	d.pieces = [3][]byte{slices.Concat(c.pieces(d.source, d.outline, meta)...)}
	d.garbage = d.size() + garbagePerError
	return true, nil
}

func (d *document) appendMeta(dst []byte, m marks) []byte {
	return appendMeta(dst, d.unixMicro, d.phpVersion, m)
}

func (d *document) late() bool { return !time.Now().Before(d.deadline) }

func (d *document) size() int {
	return len(d.pieces[0]) + len(d.pieces[1]) + len(d.pieces[2])
}
