package buffer

import (
	"cmp"
	"slices"
	"strings"
)

// maxOldest is how many profiles an inventory knows by name: about 100 KB.
const maxOldest = 1024

// profile is one file of the buffer.
type profile struct {
	name  string
	size  int64
	mtime int64 // nanoseconds since 1970
}

func byAge(a, b profile) int {
	return cmp.Or(cmp.Compare(a.mtime, b.mtime), strings.Compare(a.name, b.name))
}

// inventory is how much is in the directory, and which profiles go first. Its
// size does not depend on their number.
type inventory struct {
	files, bytes int64
	oldest       []profile // oldest first; all there are if there are as many as files
}

// found counts a profile that a scan came upon, in any order. The first
// maxOldest of oldest are in order once there are as many.
func (v *inventory) found(p profile) {
	v.files++
	v.bytes += p.size
	if len(v.oldest) >= maxOldest && byAge(v.oldest[maxOldest-1], p) < 0 {
		return
	}
	v.oldest = append(v.oldest, p)
	if n := len(v.oldest); n == maxOldest || n == 2*maxOldest {
		v.sort()
	}
}

func (v *inventory) sort() {
	slices.SortFunc(v.oldest, byAge)
	v.oldest = v.oldest[:min(len(v.oldest), maxOldest)]
}

// add counts a profile that is newer than all others.
func (v *inventory) add(p profile) {
	complete := int64(len(v.oldest)) == v.files
	v.files++
	v.bytes += p.size
	if complete && len(v.oldest) < maxOldest {
		v.oldest = append(v.oldest, p)
	}
}

// takeOldest counts the oldest profile out and returns it.
func (v *inventory) takeOldest() profile {
	p := v.oldest[0]
	v.oldest = v.oldest[1:]
	v.files--
	v.bytes -= p.size
	return p
}

// leaveOut counts out those of the oldest whose names gone has.
func (v *inventory) leaveOut(gone map[string]struct{}) {
	v.oldest = slices.DeleteFunc(v.oldest, func(p profile) bool {
		_, out := gone[p.name]
		if out {
			v.files--
			v.bytes -= p.size
		}
		return out
	})
}
