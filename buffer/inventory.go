package buffer

import (
	"cmp"
	"math"
	"slices"
	"strings"
)

// An inventory remembers a sixteenth of the profiles by name, within these bounds, at about 100 bytes each. Finding them
// takes a scan of all files, so a fixed share keeps the cost of an eviction constant.
const (
	minOldest = 1 << 10
	maxOldest = 1 << 14
)

func oldestOf(files int64) int {
	return int(min(max(files/16, minOldest), maxOldest))
}

// profile is one file of the buffer.
type profile struct {
	name  string
	size  int64
	mtime int64 // nanoseconds since 1970
}

func byAge(a, b profile) int {
	return cmp.Or(cmp.Compare(a.mtime, b.mtime), strings.Compare(a.name, b.name))
}

// inventory is the number and size of the profiles in a directory, and the names of the oldest.
type inventory struct {
	room         int // how many names to remember
	files, bytes int64
	oldest       []profile // oldest first; complete if it has as many elements as files says
}

// found counts a profile that a scan has found. Profiles may come in any order. Once there are v.room elements in oldest,
// the first v.room are sorted. It allocates only for profiles that it remembers.
func (v *inventory) found(name []byte, size, mtime int64) {
	v.files++
	v.bytes = sum(v.bytes, size)
	if len(v.oldest) >= v.room && mtime > v.oldest[v.room-1].mtime {
		return
	}
	v.oldest = append(v.oldest, profile{string(name), size, mtime})
	if n := len(v.oldest); n == v.room || n == 2*v.room {
		v.sort()
	}
}

func (v *inventory) sort() {
	slices.SortFunc(v.oldest, byAge)
	v.oldest = v.oldest[:min(len(v.oldest), v.room)]
}

// add counts a profile that is newer than all others.
func (v *inventory) add(p profile) {
	if v.complete() && len(v.oldest) < v.room {
		v.oldest = append(v.oldest, p)
	}
	v.files++
	v.bytes = sum(v.bytes, p.size)
}

func (v *inventory) complete() bool { return int64(len(v.oldest)) == v.files }

// runningOut tells when to search for the next oldest profiles: early, because that takes time.
func (v *inventory) runningOut() bool {
	return !v.complete() && len(v.oldest) <= v.room/2
}

// takeOldest removes the oldest profile from the inventory and returns it.
func (v *inventory) takeOldest() profile {
	p := v.oldest[0]
	v.oldest = v.oldest[1:]
	v.files--
	v.bytes = max(0, v.bytes-p.size)
	return p
}

// sum does not overflow: a sparse file may have 8 EiB.
func sum(a, b int64) int64 { return a + min(b, math.MaxInt64-a) }
